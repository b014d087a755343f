/** Extents of a packed file that were written one after the other, and their hashes. */

import { createHash } from 'node:crypto';
import { readAt } from '../../base/read-at.js';

export interface WrittenExtents {
  /** The file offset of the first one. */
  readonly offset: number;
  /** Bytes of each. */
  readonly lengths: readonly number[];
}

/** Reads them again, which the kernel still has. @returns 32 bytes for each. @throws the system's errors */
export function hashWritten(fd: number, { offset, lengths }: WrittenExtents): Uint8Array[] {
  const bytes = Buffer.allocUnsafe(Math.max(...lengths));
  let at = offset;
  return lengths.map((length) => {
    const extent = readAt(fd, bytes.subarray(0, length), at);
    at += length;
    return createHash('sha256').update(extent).digest();
  });
}
