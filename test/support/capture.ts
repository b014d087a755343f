/** Captures of a process by its pid: attached for one capture, and no longer. */

import { captureProcess } from '../../src/capture/capture.js';
import type { CaptureOptions } from '../../src/capture/capture-options.js';
import { type CoredumpOptions, coredumpProcess } from '../../src/capture/coredump-process.js';
import { ImageProcess } from '../../src/capture/process.js';
import type { CaptureReport } from '../../src/snapshot/capture-report.js';

export async function capturePid(pid: number, options: CaptureOptions): Promise<CaptureReport> {
  return attached(pid, (process) => captureProcess(process, { tracking: forcedTracking(), ...options }));
}

export async function coredumpPid(pid: number, output: string, options?: CoredumpOptions): Promise<void> {
  return attached(pid, (process) => coredumpProcess(process, output, options));
}

async function attached<T>(pid: number, use: (process: ImageProcess) => Promise<T>): Promise<T> {
  const process = await ImageProcess.attach(pid);
  try {
    return await use(process);
  } finally {
    process.close();
  }
}

/** WAGSNAP_TRACKING has all captures of a test run track by that way, however small a memory is. */
function forcedTracking(): CaptureOptions['tracking'] {
  const way = process.env['WAGSNAP_TRACKING'];
  return way === 'userfault' || way === 'protect' || way === 'none' ? way : undefined;
}
