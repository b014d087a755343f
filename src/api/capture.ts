/** A snapshot of a running process, which continues. */

import { resolve } from 'node:path';
import { type Destination, openDestination } from '../base/output.js';
import type { TrackingWay } from '../capture/written-pages.js';
import type { CaptureReport } from '../snapshot/capture-report.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { OutputOption, ProgressOption, SignalOption, WarningOption } from './common-options.js';
import { attachGiven } from './find-process.js';

export type { CaptureReport };

export interface CaptureOptions extends OutputOption, WarningOption, ProgressOption, SignalOption {
  /**
   * A snapshot of the same program: write only what differs from it. The new snapshot then needs the parent's files.
   */
  readonly parent?: string | undefined;
  /** Folders to search for the files that the parent itself needs, when they are not beside it. */
  readonly search?: readonly string[] | undefined;
  /** End the program, with exit code 75, once the snapshot is on the disk. */
  readonly kill?: boolean | undefined;
  /**
   * Called once the file is on the disk, before `kill` ends the program: puts it where it is looked for. When it fails,
   * the program continues.
   *
   * @returns what the snapshot is called there, which the program says as it ends
   */
  readonly onDurable?: (() => Promise<string>) | undefined;
  /** Leave the module out; restore then has to be given it. */
  readonly withoutModules?: boolean | undefined;
  /** Record the sha256 of each open file, which restore compares. */
  readonly hashFiles?: boolean | undefined;
  /** Limit on the contents of unlinked open files in the snapshot, in bytes; default: 64 MiB. */
  readonly maxFileData?: number | undefined;
  /** How long to wait for a safepoint, in milliseconds. */
  readonly timeout?: number | undefined;
  /** How long the program may stand still, as far as possible, in milliseconds; default: 20. */
  readonly pauseBudget?: number | undefined;
  /**
   * 'none' copies everything while the program stands still. Other values are for tests. Default: the best way there
   * is.
   */
  readonly tracking?: TrackingWay | 'none' | undefined;
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
  { to, parent: path, search, ...options }: CaptureOptions,
): Promise<CaptureReport> {
  const parent = path === undefined ? undefined : await readParent(path, search);
  const inputs = [`/proc/${process.pid}/exe`, ...(parent?.files ?? [])];
  return captureTo(openDestination(resolve(to), inputs), process, { ...options, parent: parent?.stored });
}

/** As captureAttached, with the parent already read and the output already opened. */
export async function captureTo(
  output: Destination,
  process: import('../capture/process.js').ImageProcess,
  options: Omit<CaptureOptions, 'to' | 'parent' | 'search'> & { readonly parent?: StoredSnapshot | undefined },
): Promise<CaptureReport> {
  const { captureProcess } = await import('../capture/capture.js');
  return captureProcess(process, { ...options, output });
}

/** Reads the parent of a new snapshot. All of its files are inputs, which no output may replace. */
export async function readParent(
  path: string,
  search: readonly string[] = [],
): Promise<{ stored: StoredSnapshot; files: string[] }> {
  const { filesOf, openSnapshot } = await import('./stored-snapshot.js');
  const stored = openSnapshot(path, { search });
  return { stored, files: filesOf(stored) };
}
