/**
 * Writes a coredump of a process: captures a snapshot to a temporary file beside the coredump (in $TMPDIR when the
 * coredump is no regular file), and converts that.
 *
 * Not directly from the process: this way it stands still only as long as a capture takes, and all sizes are known
 * before the first byte is written. The snapshot needs disk space meanwhile, and is always removed.
 */

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Destination, openDestination } from '../base/output.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import { writeCoredump } from '../snapshot/coredump.js';
import { readSnapshot } from '../snapshot/format.js';
import { captureProcess } from './capture.js';
import type { CaptureOptions } from './capture-options.js';
import type { ImageProcess } from './process.js';

export type CoredumpOptions = Pick<CaptureOptions, 'kill' | 'timeout' | 'signal' | 'onProgress' | 'onWarning'>;

/**
 * The process stays attached.
 *
 * @throws InputError, ToolError, LimitError; after each of them the process continues, unless `kill` has ended it
 */
export async function coredumpProcess(
  process: ImageProcess,
  output: Destination | string,
  options: CoredumpOptions = {},
): Promise<void> {
  const destination = typeof output === 'string' ? openDestination(output) : output;
  const { file } = destination;
  const folder = file === undefined ? makeTemporaryFolder() : dirname(file);
  const name = `.${basename(file ?? 'coredump')}.${randomBytes(6).toString('hex')}.wsnap`;
  const snapshot = join(folder, name);
  nameTemporary(snapshot, destination.path);
  try {
    await captureProcess(process, { ...options, output: snapshot });
    await writeCoredump(readSnapshot(snapshot), destination);
  } finally {
    rmSync(snapshot, { force: true });
    if (file === undefined) removeTemporary(folder);
  }
}
