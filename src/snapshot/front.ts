/** Reads the first bytes of a snapshot's file, which identify it (digest.ts). */

import { readSync } from 'node:fs';
import { FRONT_SIZE } from './digest.js';

/** @returns FRONT_SIZE bytes, or the whole of a shorter file. @throws the system's error */
export function frontOf(fd: number): Buffer {
  const front = Buffer.alloc(FRONT_SIZE);
  let length = 0;
  for (;;) {
    const got = readSync(fd, front, length, FRONT_SIZE - length, length);
    length += got;
    if (got === 0 || length === FRONT_SIZE) return front.subarray(0, length);
  }
}
