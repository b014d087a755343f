/** A snapshot of a running process, which continues. */

import type { CaptureOptions as Options } from '../capture/capture.js';
import type { ImageProcess } from '../capture/process.js';
import type { CaptureReport } from '../snapshot/capture-report.js';

export type { CaptureReport };

export interface CaptureOptions extends Omit<Options, 'output'> {
  /** The file that becomes the snapshot; one that is there is replaced, once all is written. */
  readonly to: Options['output'];
}

/** @throws InputError, ToolError, LimitError; the process continues then */
export async function captureAttached(
  process: ImageProcess,
  { to, ...options }: CaptureOptions,
): Promise<CaptureReport> {
  const { captureProcess } = await import('../capture/capture.js');
  return captureProcess(process, { ...options, output: to });
}
