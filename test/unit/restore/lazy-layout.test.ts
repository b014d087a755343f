/** Places for pages that are read later. */

import { expect, test } from 'vitest';
import { LazyLayout } from '../../../src/restore/lazy-layout.js';
import { PageFile } from '../../../src/snapshot/page-file.js';
import type { PageSource } from '../../../src/snapshot/pages.js';

const PAGE = 65536;

/** A memory with runs of pages, which counts what is read of it. */
function source(reads: number[][], ...runs: [number, ...number[]][]): PageSource {
  return {
    isExact: true,
    *runs() {
      for (const [first, ...blocks] of runs) yield { first, blocks: Uint16Array.from(blocks) };
    },
    read(offset, length, target, at) {
      reads.push([offset, length]);
      target.fill(offset / 4096, at, at + length);
      return undefined;
    },
  };
}

test('pages get places one after the other, and none is read', async () => {
  const reads: number[][] = [];
  const layout = new LazyLayout(new PageFile(-1, 0, 'nowhere'));
  expect(await layout.takePages(source(reads, [2, 1, 0xffff], [9, 6]))).toEqual({
    extents: [
      { offset: 2 * PAGE, fileOffset: 0, bytes: 2 * PAGE },
      { offset: 9 * PAGE, fileOffset: 2 * PAGE, bytes: PAGE },
    ],
    blocks: Uint16Array.of(1, 0xffff, 6),
  });
  expect(await layout.takePages(source(reads, [0, 8]))).toEqual({
    extents: [{ offset: 0, fileOffset: 3 * PAGE, bytes: PAGE }],
    blocks: Uint16Array.of(8),
  });
  expect([reads, layout.size, [...layout.order], [...layout.missing]]).toEqual([[], 4 * PAGE, [0, 1, 2, 3], [15]]);
});

test('a page is read by its runs of blocks', async () => {
  const reads: number[][] = [];
  const layout = new LazyLayout(new PageFile(-1, 0, 'nowhere'));
  await layout.takePages(source(reads, [2, 0x8006, 0xffff]));
  const page = Buffer.alloc(PAGE);
  await layout.read(0, page);
  expect(reads).toEqual([
    [2 * PAGE + 4096, 8192],
    [2 * PAGE + 15 * 4096, 4096],
  ]);
  expect([0, 4096, 8192, 12288, 15 * 4096].map((at) => page[at])).toEqual([0, 33, 33, 0, 47]);
  await layout.read(1, page);
  expect(reads.at(-1)).toEqual([3 * PAGE, PAGE]);
  await layout.read(2, page);
  expect(reads).toHaveLength(3);
});
