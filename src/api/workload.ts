/** Running programs of the library. */

import type { Readable, Writable } from 'node:stream';
import type { Capturable } from './capture.js';
import type { Dumpable } from './coredump.js';
import type { ProcessDescription } from './description.js';
import type { InvokeReply } from './reply.js';

/** A running program, whoever started it. */
export interface Workload extends Capturable, Dumpable {
  readonly pid: number;
  /** Sends a signal; default: SIGTERM. Does nothing when the program has ended already. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** A program that was running already. */
export interface AttachedWorkload extends Workload, AsyncDisposable, Disposable {
  readonly kind: 'process';
  /** The workload's name, given when it was started or restored. */
  readonly name: string | undefined;
  /** The program's arguments; the first is its name. */
  readonly args: readonly string[];
  /**
   * Describes it as `wag-snap inspect --json` does. Does not stop it.
   *
   * @throws InputError when it is damaged, ToolError when it has ended
   */
  describe(): Promise<ProcessDescription>;
  /** Detaches. The program continues. May be called twice. */
  close(): void;
}

/** A child of this process. Disposing of it ends it. */
export interface StartedWorkload extends Workload, AsyncDisposable {
  /** Its standard streams, where the options say 'pipe'; else null. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves at its end. Rejects, then too, with what the `onTrap` option throws. */
  readonly exited: Promise<Exit>;
}

export interface Exit {
  /** Null when a signal ended it. 134 is a trap, 75 the end by a capture. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The trap; absent when it has not trapped. */
  readonly trap?: Trap;
  /**
   * The first error that a function of `imports` has thrown; absent when none has. The program has then trapped at its
   * call.
   */
  readonly importFailure?: unknown;
  /** Whether the `timeout` option ended it. */
  readonly timedOut: boolean;
  /** The outcome of a call (`invoke`), or of a restored one. Absent for programs. */
  readonly reply?: InvokeReply;
}

export interface Trap {
  /** A kind from the snapshot format's table; 0 when it is unknown. */
  readonly kind: number;
  /** The trap in words: `integer divide by zero`. */
  readonly message: string;
}
