/** Reads the first bytes of a snapshot's file, which identify it (digest.ts). Opens regular files only. */

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import { FRONT_SIZE } from './digest.js';

export interface Front {
  /** FRONT_SIZE bytes, or the whole of a shorter file. */
  readonly front: Buffer;
  /** Size of the whole file in bytes. */
  readonly size: number;
}

/** @throws InputError when it is not a regular file, ToolError when it cannot be read */
export function readFront(path: string): Front {
  return reading(path, () => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile()) throw new InputError('snapshot', `${path}: not a regular file`);
      return { front: frontOf(fd), size: stat.size };
    } finally {
      closeSync(fd);
    }
  });
}

/** Reads from an open file. @throws the system's error */
export function frontOf(fd: number): Buffer {
  const front = Buffer.alloc(FRONT_SIZE);
  let length = 0;
  for (;;) {
    const got = readSync(fd, front, length, FRONT_SIZE - length, length);
    length += got;
    if (got === 0 || length === FRONT_SIZE) return front.subarray(0, length);
  }
}
