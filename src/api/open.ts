/** Opens images, snapshots and running programs. Their contents are read when they are asked for. */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import type { SignalOption } from './common-options.js';
import { type FileType, fileType, HEAD_SIZE } from './file-kind.js';
import { attachSubject } from './find-process.js';
import type { Image } from './image.js';
import type { TrustOptions } from './seal-options.js';
import type { Snapshot } from './snapshot.js';
import type { ChainOptions } from './stored-snapshot.js';
import type { AttachedWorkload } from './workload.js';

/**
 * Opens an image, a snapshot or a running program; `kind` says which it is. The caller closes it. A program continues.
 *
 * @param subject the path of a file, or a program's name or pid. A file takes precedence over a program of its name
 * @throws InputError when it is none of these, or damaged; ToolError when it cannot be read
 */
export async function open(
  subject: string | number,
  options: SignalOption & TrustOptions = {},
): Promise<Image | Snapshot | AttachedWorkload> {
  const process = await attachSubject(subject, options.signal);
  if (process !== undefined) {
    const { AttachedProcess } = await import('./attached-workload.js');
    return new AttachedProcess(process);
  }
  const path = String(subject);
  const { kind, what } = typeOf(path);
  if (kind === 'image') return openImage(path);
  if (kind === 'snapshot') return openSnapshot(path, options);
  throw new InputError('wrong-kind', `${path} is ${what}; open takes an image, a snapshot or a running program`);
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
  return OpenedSnapshot.open(path, options);
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
