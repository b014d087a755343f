/**
 * Facts about a file at one moment: type, size, time of its last change, and on request its hash. Recorded at capture
 * and compared at restore: a file that differs is not the one that the program knew.
 *
 * Inode number and device are left out: a copy on another machine that preserves times (cp -p, rsync -a) counts as the
 * same file. If hashes are known, they alone decide about the contents.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, read, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemReason, ToolError } from '../base/errors.js';
import { openRegularFile } from '../base/path-descriptor.js';
import type { FileFacts, FileType } from './host.js';

const CHUNK = 1 << 20;
const readAsync = promisify(read);

export function fileFacts(stat: BigIntStats): FileFacts {
  return { type: fileType(stat), size: stat.size, modified: stat.mtimeNs };
}

function fileType(stat: BigIntStats): FileType {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isFIFO()) return 'pipe';
  if (stat.isCharacterDevice()) return 'character device';
  return stat.isBlockDevice() ? 'block device' : 'socket';
}

/**
 * The facts of an open file, by its path below /proc/PID/fd (proc(5)). Undefined when it was closed without the host
 * layer's knowledge.
 */
export function openFileFacts(path: string): FileFacts | undefined {
  try {
    return fileFacts(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

/**
 * The sha256 of a regular file in hex. If the file has become another kind of file meanwhile, it is not opened: opening
 * a device or FIFO could have effects or block for ever.
 *
 * @param check called now and then; may throw to cancel
 * @throws ToolError when the file cannot be read
 */
export async function hashFile(path: string, check: () => void = () => {}): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(CHUNK);
  let fd: number | undefined;
  try {
    fd = openRegularFile(path, () => true);
    if (fd === undefined) throw new ToolError('hash', `${path}: is not a regular file any more: it cannot be hashed`);
    for (;;) {
      const { bytesRead } = await readAsync(fd, buffer, 0, CHUNK, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      check();
    }
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError('hash', `${path}: cannot be read to be hashed: ${systemReason(error)}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** How a file differs from what was recorded: `size 16 -> 17`, ... Empty when it is the same. */
export function factsThatDiffer(then: FileFacts, now: FileFacts): string[] {
  const differences: string[] = [];
  if (then.type !== now.type) differences.push(`${then.type} -> ${now.type}`);
  if (then.size !== now.size) differences.push(`size ${then.size} -> ${now.size}`);
  if (then.sha256 !== undefined && now.sha256 !== undefined) {
    if (then.sha256 !== now.sha256) differences.push(`sha256 ${short(then.sha256)} -> ${short(now.sha256)}`);
    else if (differences.length === 0) return []; // the same contents, whatever its time
  }
  if (then.modified !== now.modified) {
    differences.push(`modified ${formatTime(then.modified)} -> ${formatTime(now.modified)}`);
  }
  return differences;
}

const short = (sha256: string) => `${sha256.slice(0, 16)}…`;

/** ISO 8601, with nanoseconds. */
export function formatTime(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const milliseconds = Number((nanoseconds - fraction) / 1_000_000n);
  if (Math.abs(milliseconds) > 8.64e15) return `${nanoseconds} ns`; // beyond the range of Date
  return new Date(milliseconds).toISOString().replace('.000Z', `.${String(fraction).padStart(9, '0')}Z`);
}
