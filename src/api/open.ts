/** Opens images and snapshots. Their contents are read when they are asked for. */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { type FileType, fileType, HEAD_SIZE } from './file-kind.js';
import type { Image } from './image.js';
import type { Snapshot } from './snapshot.js';
import type { ChainOptions } from './stored-snapshot.js';

/**
 * Opens a file as what it is. The caller closes it.
 *
 * @throws InputError when it is neither an image nor a snapshot, or damaged; ToolError when it cannot be read
 */
export async function open(path: string): Promise<Image | Snapshot> {
  const { kind, what } = typeOf(path);
  if (kind === 'image') return openImage(path);
  if (kind === 'snapshot') return openSnapshot(path);
  throw new InputError('wrong-kind', `${path} is ${what}; open takes an image or a snapshot`);
}

/**
 * Opens an image. The caller closes it.
 *
 * @throws InputError when it is not an image, or damaged; ToolError when it cannot be read
 */
export async function openImage(path: string): Promise<Image> {
  const { kind, what } = typeOf(path);
  if (kind !== 'image') throw new InputError('wrong-kind', `${path} is ${what}; openImage takes an image`);
  const { ImageInFile } = await import('./opened-image.js');
  return ImageInFile.open(path);
}

/**
 * Opens a snapshot and reads everything but the contents of memories. The caller closes it.
 *
 * @param options where the files of its ancestors are, when they are not beside it
 * @throws InputError when it is not a snapshot, or damaged; ToolError when it cannot be read
 */
export async function openSnapshot(path: string, options: ChainOptions = {}): Promise<Snapshot> {
  const { kind, what } = typeOf(path);
  if (kind !== 'snapshot') throw new InputError('wrong-kind', `${path} is ${what}; openSnapshot takes a snapshot`);
  const { OpenedSnapshot } = await import('./opened-snapshot.js');
  const { parents, search } = options;
  return OpenedSnapshot.open(path, { parents, search });
}

/** The type of a regular file, by its first bytes. @throws InputError, ToolError */
export function typeOf(path: string): FileType {
  try {
    if (!statSync(path).isFile()) throw new InputError('wrong-kind', `${path}: is not a regular file`);
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(HEAD_SIZE);
      return fileType(head.subarray(0, readSync(fd, head, 0, head.length, 0)));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(error, path);
  }
}
