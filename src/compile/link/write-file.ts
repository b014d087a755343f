/** Writes an image to a file: whole or not at all, executable. */

import { ftruncateSync } from 'node:fs';
import { type Destination, writeAt, writeOutput } from '../../base/output.js';
import type { ImageParts } from './image-file.js';

/** Permissions of an executable, before the umask. */
const MODE = 0o777;

/**
 * Gaps between parts become holes of the file.
 * @throws ToolError 'write'
 */
export function writeImage(image: ImageParts, to: Destination | string): void {
  const fill = (fd: number) => {
    ftruncateSync(fd, image.size);
    for (const { bytes, fileOffset } of image.parts) writeAt(fd, bytes, fileOffset);
  };
  writeOutput(to, fill, MODE);
}
