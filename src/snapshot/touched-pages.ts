/** The pages of a memory that extents have a part of. Extents may begin and end at any block of 4 KiB. */

import { BLOCK, BLOCKS_PER_PAGE } from './page-blocks.js';
import type { Extent } from './snapshot.js';

export interface TouchedPages {
  /** Numbers of the pages, ascending. */
  readonly pages: Uint32Array;
  /** For each page: bit n is set when an extent has block n. */
  readonly covered: Uint16Array;
}

/** @param extents ascending, not overlapping */
export function touchedPages(extents: readonly Extent[]): TouchedPages {
  const most = extents.reduce((sum, { bytes }) => sum + Math.ceil(bytes / BLOCK / BLOCKS_PER_PAGE) + 1, 0);
  const pages = new Uint32Array(most);
  const covered = new Uint16Array(most);
  let count = 0;
  for (const { offset, bytes } of extents) {
    const end = (offset + bytes) / BLOCK;
    for (let block = offset / BLOCK; block < end; ) {
      const page = Math.floor(block / BLOCKS_PER_PAGE);
      const to = Math.min(end, (page + 1) * BLOCKS_PER_PAGE);
      if (count === 0 || pages[count - 1] !== page) pages[count++] = page;
      covered[count - 1] |= blockMask(block % BLOCKS_PER_PAGE, to - block);
      block = to;
    }
  }
  return { pages: pages.slice(0, count), covered: covered.slice(0, count) };
}

/** Bits `from` to `from + count - 1`. */
export function blockMask(from: number, count: number): number {
  return ((1 << count) - 1) << from;
}
