/** Writes an image to a file: whole or not at all, executable. */

import { closeSync, fchmodSync, ftruncateSync, openSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { ToolError, writeFailure } from '../../errors.js';
import type { ImageParts } from './image-file.js';

/**
 * Writes to a temporary name beside `path`, then renames. Gaps become holes.
 * @throws ToolError 'write'
 */
export function writeImage(image: ImageParts, path: string): void {
  writeAtomically(path, (fd) => {
    ftruncateSync(fd, image.size);
    for (const { bytes, fileOffset } of image.parts) writeAt(fd, bytes, fileOffset);
  });
}

/**
 * Before any work: a folder can neither be replaced by a file, nor is a file without a name one.
 * @throws ToolError 'write'
 */
export function checkOutput(path: string): void {
  if (path === '' || statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ToolError(
      'write',
      `${path || 'the output'}: cannot be written: ${path ? 'it is a folder' : 'it has no name'}`,
    );
  }
}

/** Calls `fill` with a descriptor of a new file that replaces `path` when all went well; by default it is executable. */
export function writeAtomically(path: string, fill: (fd: number) => void, mode = 0o755): void {
  const temporary = `${path}.${process.pid}.tmp`;
  let fd = -1;
  checkOutput(path);
  try {
    fd = openSync(temporary, 'wx', mode);
    fill(fd);
    fchmodSync(fd, mode);
    closeSync(fd);
    fd = -1;
    renameSync(temporary, path);
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    try {
      unlinkSync(temporary);
    } catch {
      // it was never there
    }
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw writeFailure(path, error);
  }
}

export function writeAt(fd: number, bytes: Uint8Array, fileOffset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, fileOffset + done);
  }
}
