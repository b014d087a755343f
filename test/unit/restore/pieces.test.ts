/** How a memory in several files is put together: in as few pieces as may be, and with the right contents. */

import { expect, test } from 'vitest';
import { choosePieces, type Piece } from '../../../src/restore/pieces.js';
import type { Extent } from '../../../src/snapshot/snapshot.js';
import { random } from '../../support/random.js';

const BLOCK = 4096;
const PAGE = 65536;
const extent = (at: number, count: number, file: number, place = at): Extent => ({
  offset: at * BLOCK,
  bytes: count * BLOCK,
  fileOffset: place * BLOCK,
  ...(file === 0 ? {} : { file }),
});

/** Of each block of a memory, what is there: file and block of the file, or nothing. */
function laid(pieces: readonly (Extent | Piece)[]): string[] {
  const memory: string[] = [];
  for (const { offset, fileOffset, bytes, file = 0 } of pieces) {
    for (let n = 0; n < bytes / BLOCK; n++) memory[offset / BLOCK + n] = `${file}:${fileOffset / BLOCK + n}`;
  }
  return memory;
}

test('an older file is mapped as one below what is newer', () => {
  const [pieces] = choosePieces([
    [extent(0, 20, 2), extent(20, 1, 1, 100), extent(21, 19, 2), extent(40, 16, 0, 200), extent(56, 30, 2)],
  ]);
  expect(pieces).toEqual([
    { ...extent(0, 86, 2), isCopied: false },
    { ...extent(20, 1, 1, 100), isCopied: true },
    { ...extent(40, 16, 0, 200), file: 0, isCopied: false },
  ]);
});

test('zeros between, other distances in the file, and older files between keep pieces apart', () => {
  const apart = (...extents: Extent[]) => expect(choosePieces([extents])[0]).toHaveLength(extents.length);
  apart(extent(0, 20, 1), extent(21, 20, 1));
  apart(extent(0, 20, 1), extent(20, 20, 1, 21));
  apart(extent(0, 20, 1), extent(20, 1, 2), extent(21, 20, 1));
});

test('only so many are mapped, the longest', () => {
  const extents = Array.from({ length: 100 }, (_, i) => extent(i * 1000, 16 + i, 1));
  const [pieces] = choosePieces([extents], 10);
  expect(pieces.filter(({ isCopied }) => !isCopied).map(({ bytes }) => bytes / BLOCK)).toEqual(
    Array.from({ length: 9 }, (_, i) => 107 + i),
  );
});

test('random memories come out as their extents say', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = random(seed);
    const below = (limit: number) => Math.floor(next() * limit);
    const extents: Extent[] = [];
    const files = 1 + below(4);
    // A file lies as the memory does, or packed.
    const packed = Array.from({ length: files }, () => (below(2) === 0 ? 0 : -1));
    for (let at = 0; at < 400; ) {
      const count = 1 + below(below(3) === 0 ? 40 : 3);
      if (below(6) > 0) {
        const file = below(files);
        const place = packed[file] < 0 ? at : packed[file];
        if (packed[file] >= 0) packed[file] += count;
        extents.push(extent(at, count, file, place));
      }
      at += count;
    }
    const [pieces] = choosePieces([extents], 1 + below(30));
    expect(laid(pieces), `seed ${seed}`).toEqual(laid(extents));
    expect(pieces.length).toBeLessThanOrEqual(extents.length);
    expect(pieces.filter(({ isCopied }) => !isCopied).every(({ bytes }) => bytes >= PAGE)).toBe(true);
  }
});
