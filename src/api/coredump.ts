/** WebAssembly coredumps, for debuggers: of a process, or of a snapshot. */

import { resolve } from 'node:path';
import { type Destination, openDestination } from '../base/output.js';
import type { CoredumpOptions as ProcessOptions } from '../capture/coredump-process.js';
import type { ImageProcess } from '../capture/process.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { Snapshot } from './snapshot.js';
import type { Workload } from './workload.js';

export interface CoredumpOptions {
  /** The file that becomes the coredump; one that is there is replaced, once all is written. */
  readonly to: string;
  /** Milliseconds to wait for a safepoint. */
  readonly timeout?: number | undefined;
  /** Told of what the user should know. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Told of the bytes of linear memory that were looked at, of those that were ever touched. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Gives it up: nothing is written. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a coredump of a running program, which continues, or of a snapshot.
 *
 * @param subject it, or a program's pid, or the name that it was given
 * @throws InputError, LimitError, ToolError
 */
export async function coredump(
  subject: Workload | Snapshot | number | string,
  options: CoredumpOptions,
): Promise<void> {
  if (typeof subject === 'object') return subject.coredump(options);
  const { attachGiven } = await import('./attach.js');
  const process = await attachGiven(String(subject), options.signal);
  try {
    await coredumpAttached(process, options);
  } finally {
    process.close();
  }
}

/** The same of a process that stays attached. */
export async function coredumpAttached(process: ImageProcess, { to, ...options }: CoredumpOptions): Promise<void> {
  await coredumpOfProcess(process, openDestination(resolve(to), [`/proc/${process.pid}/exe`]), options);
}

/** The process continues, and stays attached. @throws InputError, LimitError, ToolError */
export async function coredumpOfProcess(
  process: ImageProcess,
  output: Destination | string,
  options: ProcessOptions = {},
): Promise<void> {
  const { coredumpProcess } = await import('../capture/coredump-process.js');
  await coredumpProcess(process, output, options);
}

/** @param stored with all of its files (stored-snapshot.ts). @throws InputError, LimitError, ToolError */
export async function coredumpOfSnapshot(stored: StoredSnapshot, output: Destination | string): Promise<void> {
  const { writeCoredump } = await import('../snapshot/coredump.js');
  await writeCoredump(stored, output);
}
