/** A snapshot of a running process, which continues. */

import { resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { type Destination, openDestination } from '../base/output.js';
import type { CaptureSettings, WrittenSnapshot } from '../capture/capture-settings.js';
import type { CaptureReport } from '../snapshot/capture-report.js';
import { obstacleFor } from '../snapshot/readers.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { OutputOption, ProgressOption, SignalOption, WarningOption } from './common-options.js';
import { attachGiven } from './find-process.js';
import { keyFiles } from './key-files.js';
import { type ReadParent, readParent } from './read-parent.js';
import { type FormOptions, readForm, type TrustOptions } from './seal-options.js';

export type { CaptureReport, WrittenSnapshot };

export interface CaptureOptions
  extends CaptureSettings,
    FormOptions,
    TrustOptions,
    OutputOption,
    WarningOption,
    ProgressOption,
    SignalOption {
  /**
   * A snapshot of the same program: write only what differs from it. The new snapshot then needs the parent's files. It is
   * an error if a recipient of an encrypted snapshot could not read these files, or if everybody could.
   */
  readonly parent?: string | ReadParent | undefined;
  /** Folders to search for the files that the parent itself needs, when they are not beside it. */
  readonly search?: readonly string[] | undefined;
}

/** A running program, whoever started it. */
export interface Capturable {
  /**
   * Writes a snapshot. The program continues, unless the options say otherwise.
   *
   * @throws InputError, LimitError, ToolError; after each of them it continues
   */
  capture(options: CaptureOptions): Promise<CaptureReport>;
}

/**
 * Captures a running program.
 *
 * @param workload the workload, its pid, or its name
 * @throws InputError, LimitError, ToolError; after each of them the program continues
 */
export async function capture(workload: Capturable | number | string, options: CaptureOptions): Promise<CaptureReport> {
  if (typeof workload === 'object') return workload.capture(options);
  const process = await attachGiven(String(workload), options.signal);
  try {
    return await captureAttached(process, options);
  } finally {
    process.close();
  }
}

/** Captures a process that is attached already, and leaves it attached. */
export async function captureAttached(
  process: import('../capture/process.js').ImageProcess,
  { to, parent: given, search, ...options }: CaptureOptions,
): Promise<CaptureReport> {
  const parent = typeof given === 'string' ? await readParent(given, search, options) : given;
  const inputs = [`/proc/${process.pid}/exe`, ...(parent?.files ?? []), ...keyFiles(options)];
  return captureTo(openDestination(resolve(to), inputs), process, { ...options, parent: parent?.stored });
}

/** As captureAttached, with the parent already read and the output already opened. */
export async function captureTo(
  output: Destination,
  process: import('../capture/process.js').ImageProcess,
  options: Omit<CaptureOptions, 'to' | 'parent' | 'search'> & { readonly parent?: StoredSnapshot | undefined },
): Promise<CaptureReport> {
  const { captureProcess } = await import('../capture/capture.js');
  const form = await readForm(options);
  const { parent } = options;
  const recipients = form.packing?.recipients ?? [];
  const obstacle = parent && recipients.length > 0 ? obstacleFor(parent, recipients) : undefined;
  if (obstacle !== undefined)
    throw new InputError('parent', `${obstacle}: without --parent, all of the snapshot is written and encrypted`);
  return captureProcess(process, { ...options, form, output });
}
