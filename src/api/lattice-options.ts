/** The lattice as its users have it: jobs are submitted, looked at, moved and stopped. */

import type { HistoryEntry, JobSpec } from '../lattice/records.js';
import type { LogPiece, ServerOptions } from '../lattice/server-options.js';

export type { HistoryEntry, LogPiece, ServerOptions };

export interface SubmitOptions {
  /** The job's name; default: the module's file name. */
  readonly name?: string | undefined;
  /** How many of it run; default: 1. The second one is named NAME-2. */
  readonly replicas?: number | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The CPU that it has to run on; default: any. */
  readonly arch?: 'x64' | 'arm64' | undefined;
  /** Labels that its node must have. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Limit of its memories in bytes, which its node must have left. */
  readonly memory?: number | undefined;
  /** Directories: the node's name for each, and the program's. */
  readonly dirs?: readonly { readonly name: string; readonly guest: string }[] | undefined;
  /** Names of addresses that nodes grant, at which it accepts connections: the first one is its first listener. */
  readonly listen?: readonly string[] | undefined;
  /** Milliseconds between snapshots; default: none are taken. */
  readonly snapshotEvery?: number | undefined;
  /** Whether it begins again when it has ended; default: never. */
  readonly restart?: JobSpec['restart'] | undefined;
}

export type JobDemands = Pick<
  JobSpec,
  'args' | 'arch' | 'labels' | 'memory' | 'dirs' | 'listen' | 'snapshotEvery' | 'restart'
>;

export interface JobEntry {
  readonly name: string;
  /** `waiting`: no node has it. `lost`: its node is not heard of. */
  readonly state: 'waiting' | 'running' | 'lost' | 'stopping' | 'stopped' | 'done' | 'failed';
  readonly node: string | null;
  /** Grows each time that it changes hands. */
  readonly fence: number;
  readonly module: string;
  /** What it was submitted with, besides its environment. */
  readonly spec: JobDemands;
  /** The last durable snapshot. */
  readonly snapshot: string | null;
  /** The node that it shall move to. */
  readonly to: string | null;
  /** The addresses at which it accepts connections: their names, and where they are now. */
  readonly listen: readonly { readonly name: string; readonly address: string | null }[];
  /** How often it was begun again, one after the other; a run of more than a minute starts the count anew. */
  readonly restarts: number;
  /** Why no snapshot can be taken of it, since the last one; null: none has failed. */
  readonly uncaptured: string | null;
  /** How it ended; null while it has not. */
  readonly end: string | null;
  /** Of one that waits, or cannot be stopped as no node is there: what keeps it from each node. */
  readonly problems: readonly { readonly node: string; readonly problems: readonly string[] }[];
  readonly history: readonly HistoryEntry[];
}

export interface NodeEntry {
  readonly name: string;
  readonly state: 'ready' | 'cordoned' | 'draining' | 'gone';
  readonly arch: readonly string[];
  readonly cpus: number;
  readonly memory: number;
  /** Bytes that its jobs may use. */
  readonly used: number;
  readonly jobs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it has a store for snapshots of jobs. */
  readonly store: boolean;
  /** Names of the directories that it grants. */
  readonly dirs: readonly string[];
  /** Addresses at which jobs may accept connections, each one job at a time, by their names. */
  readonly listen: Readonly<Record<string, string>>;
  /** Milliseconds since it was heard of, by the clock of NATS. */
  readonly silent: number;
}

export interface LogOptions {
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Lattice {
  /**
   * Submits a module, which nodes run from then on.
   *
   * @param module its path, or its bytes @returns the names of the jobs
   * @throws ModuleError for what is no valid module; InputError when there is such a job: then none is submitted
   */
  submit(module: string | Uint8Array, options?: SubmitOptions): Promise<string[]>;
  /** All jobs, by name. Without `all` those are left out that have ended an hour ago. */
  jobs(options?: { readonly all?: boolean }): Promise<JobEntry[]>;
  /** One job, with its history. @throws InputError 'no-job' */
  job(name: string): Promise<JobEntry>;
  /** All nodes, by name. Without `all` those are left out that have gone for an hour and have no job. */
  nodes(options?: { readonly all?: boolean }): Promise<NodeEntry[]>;
  /** Stops a job, and its replicas. @returns their names. @throws InputError 'no-job' */
  stop(name: string): Promise<string[]>;
  /** Lets a job continue on another node. @throws InputError when it cannot run there, with the reasons */
  move(name: string, node: string): Promise<void>;
  /** It takes no jobs, until it is allowed to again. @param on default: true */
  cordon(node: string, on?: boolean): Promise<void>;
  /** Gives away everything that a node has; it takes no more jobs. */
  drain(node: string): Promise<void>;
  /** Removes what is known of a node that has gone for good. @throws InputError for one that lives, or has jobs */
  forget(node: string): Promise<void>;
  /**
   * Removes a job that has ended, and its replicas, with what they have printed. Their snapshots stay in the store.
   *
   * @returns their names. @throws InputError 'no-job'; 'job-alive' for one that has not ended: then none is removed
   */
  forgetJob(name: string): Promise<string[]>;
  /** The same for all that have ended so many milliseconds ago. @returns their names */
  forgetEnded(age: number): Promise<string[]>;
  /** Starts or stops replicas of a job until there are so many. @returns the names of those that run then */
  scale(name: string, replicas: number): Promise<string[]>;
  /** What a job has printed. */
  logs(name: string, options?: LogOptions): AsyncGenerator<LogPiece>;
  close(): Promise<void>;
}
