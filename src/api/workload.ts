/** Running programs as the library has them. */

import type { Readable, Writable } from 'node:stream';
import type { Capturable } from './capture.js';
import type { Dumpable } from './coredump.js';
import type { InvokeReply } from './reply.js';

/** A running program, whoever has started it. */
export interface Workload extends Capturable, Dumpable {
  readonly pid: number;
  /** Sends it a signal, SIGTERM if not given, which ends it. One that has ended already is left alone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** One that was running already. */
export interface AttachedWorkload extends Workload, AsyncDisposable {
  /** What it was named when it was started or restored. */
  readonly name: string | undefined;
  /** Its arguments, its name first. */
  readonly args: readonly string[];
  /** Lets go of it; it runs on. May be called twice. */
  close(): void;
}

/** A child of this process. Disposing of it ends it. */
export interface StartedWorkload extends Workload, AsyncDisposable {
  /** Its standard streams, where the options say 'pipe'; else null. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Its end. Rejects with what the `onTrap` option throws, after its end. */
  readonly exited: Promise<Exit>;
}

export interface Exit {
  /** Null when a signal has ended it. A trap is 134, the end by a capture 75. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it has trapped at; absent when it has not. */
  readonly trap?: Trap;
  /** What a function of `imports` has thrown first; absent when none has. The program has trapped at its call. */
  readonly importFailure?: unknown;
  /** Whether its time was over (the `timeout` option). */
  readonly timedOut: boolean;
  /** Of a restored call (`run --invoke`): what it has come to. Absent in programs. */
  readonly reply?: InvokeReply;
}

export interface Trap {
  /** One of the kinds in the snapshot format's table; 0 when it is not known. */
  readonly kind: number;
  /** In words: `integer divide by zero`. */
  readonly message: string;
}
