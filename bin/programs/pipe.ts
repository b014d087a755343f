/** Reads what is no regular file: a pipe, a FIFO, a device. */

import { readSync } from 'node:fs';
import { HEAD_SIZE } from '../../src/api/file-kind.js';
import { limits } from '../../src/api/limits.js';
import { LimitError } from '../../src/base/errors.js';

/** As much as a pipe has room for. */
export const CHUNK = 1 << 16;
/** Milliseconds between two attempts to read. */
export const RETRY = 5;

/** What was read first, to tell what it is. */
export interface FirstBytes {
  readonly bytes: Buffer;
  /** Whether that is all of it. */
  readonly isAll: boolean;
}

export function readFirst(fd: number): FirstBytes {
  const bytes = Buffer.alloc(CHUNK);
  for (let length = 0; ; ) {
    const got = readSome(fd, bytes.subarray(length));
    length += got;
    if (got === 0 || length >= HEAD_SIZE) return { bytes: bytes.subarray(0, length), isAll: got === 0 };
  }
}

/** Waits for some bytes. @returns how many; 0 at the end */
export function readSome(fd: number, buffer: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, buffer, 0, buffer.length, null);
    } catch (error) {
      if (isAtEnd(error)) return 0;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY);
    }
  }
}

/**
 * Whether a read has failed as there is nothing more; else it is to be tried again after RETRY, as another process that
 * shares standard input has made it non-blocking.
 *
 * @throws what else is wrong
 */
export function isAtEnd(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EOF') return true;
  if (code !== 'EAGAIN') throw error;
  return false;
}

/** @throws LimitError */
export function checkLength(name: string, length: number): void {
  if (length <= limits.moduleBytes) return;
  throw new LimitError('moduleBytes', `${name}: has more than ${limits.moduleBytes} bytes, which no module may have`);
}
