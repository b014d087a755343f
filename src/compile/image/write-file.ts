/** Writes an image to a file: whole or not at all, executable. */

import { closeSync, fchmodSync, ftruncateSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { ToolError, writeFailure } from '../../errors.js';
import { removeTemporary, temporaryPath } from '../../temporary.js';
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
  let isFolder: boolean | undefined;
  try {
    isFolder = path !== '' && statSync(path, { throwIfNoEntry: false })?.isDirectory();
  } catch (error) {
    throw writeFailure(path, error);
  }
  if (path === '' || isFolder) {
    throw new ToolError(
      'write',
      `${path || 'the output'}: cannot be written: ${path ? 'it is a folder' : 'it has no name'}`,
    );
  }
}

/** Calls `fill` with a descriptor of a new file that replaces `path` when all went well; by default it is executable. */
export function writeAtomically(path: string, fill: (fd: number) => void, mode = 0o755): void {
  checkOutput(path);
  const temporary = temporaryPath(path);
  try {
    const fd = openSync(temporary, 'wx', mode);
    try {
      fill(fd);
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    removeTemporary(temporary);
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw writeFailure(path, error);
  }
}

export function writeAt(fd: number, bytes: Uint8Array, fileOffset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, fileOffset + done);
  }
}
