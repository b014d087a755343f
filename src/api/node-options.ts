/** A node of the lattice, as the process that makes itself one has it. */

import type { AgentEvent } from '../lattice/agent.js';
import type { ServerOptions } from '../lattice/server-options.js';
import type { MoveEventOfNode, ProgramEvent } from './node-events.js';
import type { NamedAddress } from './node-grants.js';
import type { NamedDirectory } from './receive-options.js';
import type { FormOptions, TrustOptions } from './seal-options.js';

/** How its snapshots of jobs are written, and which ones it believes, those of other nodes among them. */
export interface NodeOptions extends ServerOptions, FormOptions, TrustOptions {
  /** The node's name; default: the host's. */
  readonly name?: string | undefined;
  /** Labels that jobs can ask for. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * The CPUs that it runs programs for, the one first that jobs get which do not say; default: this machine's, and what
   * qemu-user is there for.
   */
  readonly arch?: readonly ('x64' | 'arm64')[] | undefined;
  /** Default: the CPUs of this machine. */
  readonly cpus?: number | undefined;
  /** Bytes for the memories of all jobs; default: this machine's memory. */
  readonly memory?: number | undefined;
  /** Directories that jobs can be given, with the names that jobs ask for. */
  readonly dirs?: readonly NamedDirectory[] | undefined;
  /**
   * `HOST:PORT` or `[IPv6]:PORT`: addresses at which jobs may accept connections, with the names that jobs ask for. Each
   * is given to one job at a time.
   */
  readonly listen?: readonly NamedAddress[] | undefined;
  /** A folder that every node reaches, with a store for each job; without it no snapshots are taken. */
  readonly store?: string | undefined;
  /**
   * `HOST:PORT` where other nodes send programs to while they run, or `none`; default: any port of the address by which
   * NATS is reached.
   */
  readonly moves?: string | undefined;
  /** Milliseconds after which a node that is not heard of is lost; default: 10,000. */
  readonly lease?: number | undefined;
  /** Called with each event of the log. */
  readonly onEvent?: ((event: NodeEvent) => void) | undefined;
}

export type NodeEvent =
  | AgentEvent
  | ProgramEvent
  | MoveEventOfNode
  | { readonly event: 'disconnected' | 'connected' }
  | { readonly event: 'guard-lost' };

export interface LatticeNode {
  readonly name: string;
  /** Whether it holds a lease, so that its programs run. */
  readonly isWell: boolean;
  /** Numbers since its start. */
  readonly counts: Readonly<Record<string, number>>;
  /** Resolves when it has left. Rejects when it cannot continue. */
  readonly closed: Promise<void>;
  /**
   * Leaves the lattice. @param how `give`: its jobs go to other nodes first; `drop`: others take them from their last
   * durable snapshots
   */
  leave(how: 'give' | 'drop'): Promise<void>;
}
