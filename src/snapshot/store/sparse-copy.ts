/** Copies a file without its holes: blocks of zeros become holes of the copy, as they are in snapshots. */

import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
} from 'node:fs';
import { reading } from '../../base/errors.js';
import { writeAt } from '../../base/output.js';

const CHUNK = 1 << 20;
/** A file system's block: what is smaller makes no hole. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

/**
 * Makes a new file that only its owner may read, durably. It shares the blocks of the other one where the file system
 * can do that.
 *
 * @param onChunk called now and then; may reject to give up
 * @throws ToolError when the other one cannot be read; the system's error when this one cannot be written
 */
export async function copySparse(from: string, to: string, onChunk: () => Promise<void>): Promise<void> {
  const isCloned = clone(from, to);
  const output = openSync(to, isCloned ? 'r+' : 'wx', 0o600);
  try {
    if (!isCloned) await copyBlocks(from, output, onChunk);
    fsyncSync(output);
  } finally {
    closeSync(output);
  }
}

/** @returns false where the file system cannot share blocks; then there is no file */
function clone(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch {
    return false;
  }
  chmodSync(to, 0o600); // it has the permissions of the other one
  return true;
}

async function copyBlocks(from: string, output: number, onChunk: () => Promise<void>): Promise<void> {
  const input = reading(from, () => openSync(from, constants.O_RDONLY));
  try {
    const read = (buffer: Buffer, at: number) => reading(from, () => readSync(input, buffer, 0, CHUNK, at));
    await copyOpened(
      reading(from, () => fstatSync(input).size),
      read,
      output,
      onChunk,
    );
  } finally {
    closeSync(input);
  }
}

async function copyOpened(
  size: number,
  read: (buffer: Buffer, at: number) => number,
  output: number,
  onChunk: () => Promise<void>,
): Promise<void> {
  ftruncateSync(output, size);
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; at < size; ) {
    const got = read(buffer, at);
    if (got === 0) return; // it has become shorter meanwhile: what is missing is found by its digest
    writeBlocks(output, buffer.subarray(0, got), at);
    at += got;
    await onChunk();
  }
}

/** Writes the runs of blocks that are not zero. */
function writeBlocks(output: number, bytes: Buffer, fileOffset: number): void {
  for (let start = 0; start < bytes.length; ) {
    if (isZero(bytes, start)) {
      start += BLOCK;
      continue;
    }
    let end = start + BLOCK;
    while (end < bytes.length && !isZero(bytes, end)) end += BLOCK;
    writeAt(output, bytes.subarray(start, end), fileOffset + start);
    start = end;
  }
}

function isZero(bytes: Buffer, at: number): boolean {
  const length = Math.min(BLOCK, bytes.length - at);
  return bytes.compare(ZEROS, 0, length, at, at + length) === 0;
}
