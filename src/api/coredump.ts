/** Writes WebAssembly coredumps for debuggers, of a process or of a snapshot. */

import { resolve } from 'node:path';
import { type Destination, openDestination } from '../base/output.js';
import type { CoredumpOptions as ProcessOptions } from '../capture/coredump-process.js';
import type { ImageProcess } from '../capture/process.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { OutputOption, ProgressOption, SignalOption, WarningOption } from './common-options.js';
import { attachGiven } from './find-process.js';

export interface CoredumpOptions extends OutputOption, WarningOption, ProgressOption, SignalOption {
  /** How long to wait for a safepoint, in milliseconds. */
  readonly timeout?: number | undefined;
}

/** A running program, or a snapshot. */
export interface Dumpable {
  /** Writes a coredump. A program continues. @throws InputError, LimitError, ToolError */
  coredump(options: CoredumpOptions): Promise<void>;
}

/**
 * Writes a coredump of a running program, which continues, or of a snapshot.
 *
 * @param subject a workload, its pid, its name, or a snapshot
 * @throws InputError, LimitError, ToolError
 */
export async function coredump(subject: Dumpable | number | string, options: CoredumpOptions): Promise<void> {
  if (typeof subject === 'object') return subject.coredump(options);
  const process = await attachGiven(String(subject), options.signal);
  try {
    await coredumpAttached(process, options);
  } finally {
    process.close();
  }
}

/** Writes a coredump of a process that is attached already, and leaves it attached. */
export async function coredumpAttached(process: ImageProcess, { to, ...options }: CoredumpOptions): Promise<void> {
  await coredumpOfProcess(process, openDestination(resolve(to), [`/proc/${process.pid}/exe`]), options);
}

/** Writes a coredump of a process, which continues and stays attached. @throws InputError, LimitError, ToolError */
export async function coredumpOfProcess(
  process: ImageProcess,
  output: Destination | string,
  options: ProcessOptions = {},
): Promise<void> {
  const { coredumpProcess } = await import('../capture/coredump-process.js');
  await coredumpProcess(process, output, options);
}

/** @param stored a snapshot with all of its files (stored-snapshot.ts). @throws InputError, LimitError, ToolError */
export async function coredumpOfSnapshot(stored: StoredSnapshot, output: Destination | string): Promise<void> {
  const [{ writeCoredump }, { believe }] = await Promise.all([
    import('../snapshot/coredump.js'),
    import('../snapshot/belief.js'),
  ]);
  await believe(stored);
  await writeCoredump(stored, output);
}
