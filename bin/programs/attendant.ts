/** The tool's part in a program that runs as its child. */

import type { ChildProcess } from 'node:child_process';

export interface Attendant {
  /** Descriptors that the process gets after its others. */
  readonly descriptors: readonly 'pipe'[];
  /** By which the image is told. */
  readonly env: Readonly<Record<string, string>>;
  /** @param endTimeout lets the program live for as long as it likes */
  start(child: ChildProcess, endTimeout: () => void): void;
  /** Resolves when nothing is left to do; the process has ended. */
  finished(): Promise<void>;
}
