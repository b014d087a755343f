/**
 * Unlinked files for a snapshot before it is packed. One that is to be encrypted is in memory (/dev/shm) if there is
 * enough, so that it reaches no disk; others are not, as the program may need the memory.
 */

import { constants, openSync, statfsSync, unlinkSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { writeFailure } from '../base/errors.js';
import { ownName } from '../base/temporary.js';

/** Linux's, which Node does not name. The kernel takes it on most file systems. */
const O_TMPFILE = 0o20200000;
const SHARED_MEMORY = '/dev/shm';

export interface Scratch {
  /** For reading and writing. The caller closes it. */
  readonly fd: number;
  readonly folder: string;
}

/**
 * Creates a file without a name, for its owner only.
 *
 * @param folder where it goes unless it is secret and there is memory for it
 * @param secret the bytes that a secret file may get; undefined for one that is not secret
 * @throws ToolError
 */
export function openScratch(folder: string, secret: number | undefined): Scratch {
  if (secret !== undefined && hasRoom(SHARED_MEMORY, secret)) {
    try {
      return { fd: unnamed(SHARED_MEMORY), folder: SHARED_MEMORY };
    } catch {
      // the folder is not ours to write to
    }
  }
  try {
    return { fd: unnamed(folder), folder };
  } catch (error) {
    throw writeFailure(folder, error);
  }
}

/** Half of what is free may be taken: others use it, too. */
function hasRoom(folder: string, bytes: number): boolean {
  // Node 20.13 knows the limits of containers
  const { availableMemory = freemem } = process as { availableMemory?: () => number };
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bytes <= Math.min(bavail * bsize, availableMemory()) / 2;
  } catch {
    return false;
  }
}

function unnamed(folder: string): number {
  try {
    return openSync(folder, constants.O_RDWR | O_TMPFILE, 0o600);
  } catch {
    const path = join(folder, ownName());
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  }
}
