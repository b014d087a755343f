/** The tool's tasks for a program that runs as its child. */

import type { ChildProcess } from 'node:child_process';

export interface Attendant {
  /** Descriptors that the process inherits after its others. */
  readonly descriptors: readonly 'pipe'[];
  /** The environment variables that tell the image about them. */
  readonly env: Readonly<Record<string, string>>;
  /** @param endTimeout cancels the program's timeout */
  start(child: ChildProcess, endTimeout: () => void): void;
  /** Signals that the process ignores (WAGSNAP_IGNORE). One of them that is passed on ends it all the same. */
  readonly ignored?: readonly NodeJS.Signals[];
  /** @returns whether a signal to us is dealt with, so that it is not passed on */
  takesSignal?(signal: NodeJS.Signals): boolean;
  /** Resolves when the tasks are done; the process has ended. */
  finished(): Promise<void>;
}
