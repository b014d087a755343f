/** The place of each block of a memory, when some blocks are new and others stay in a parent's files. */

import { BLOCK, BLOCKS_PER_PAGE } from './page-blocks.js';
import type { PlacedPages } from './pages.js';
import type { Extent } from './snapshot.js';
import { touchedPages } from './touched-pages.js';

/** New blocks: for each page which, and the file offset of each. */
export interface NewBlocks {
  readonly masks: Uint16Array;
  readonly placeOf: (page: number, block: number) => number;
}

/**
 * @param kept for each page: the parent's blocks that are unchanged
 * @param base for each page: all blocks of the parent
 * @param inherited the parent's extents, ascending
 * @returns extents of file 0 for new blocks; the parent's file n becomes n + 1
 */
export function pageTable(
  { masks, placeOf }: NewBlocks,
  kept: Uint16Array,
  base: Uint16Array,
  inherited: readonly Extent[],
): PlacedPages {
  const table = new Table();
  let at = 0; // the current extent of the parent
  for (let page = 0; page < masks.length; page++) {
    if ((masks[page] | base[page]) === 0) continue;
    for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
      const bit = 1 << n;
      const offset = (page * BLOCKS_PER_PAGE + n) * BLOCK;
      if ((masks[page] & bit) !== 0) {
        table.add(offset, placeOf(page, n), 0, -1);
      } else if ((kept[page] & bit) !== 0) {
        while (inherited[at].offset + inherited[at].bytes <= offset) at++;
        const { offset: from, fileOffset, file = 0 } = inherited[at];
        table.add(offset, fileOffset + offset - from, file + 1, at);
      } else if ((base[page] & bit) !== 0) {
        table.interrupt();
      }
    }
  }
  const { extents } = table;
  const touched = touchedPages(extents).pages;
  return { extents, blocks: Uint16Array.from(touched, (page) => masks[page] | kept[page]) };
}

class Table {
  readonly extents: Extent[] = [];
  /** The parent's extent that the last extent is a part of, or -1. */
  private origin = -1;

  /**
   * Extends the last extent by a block that is next in memory and file, or that is separated only by blocks that are
   * zero here and in the parent's extent.
   */
  add(offset: number, fileOffset: number, file: number, origin: number): void {
    const { extents } = this;
    const last = extents.at(-1);
    const distance = offset - (last?.offset ?? 0);
    const isNext = distance === last?.bytes || (origin >= 0 && origin === this.origin);
    if (last !== undefined && isNext && (last.file ?? 0) === file && last.fileOffset + distance === fileOffset) {
      extents[extents.length - 1] = { ...last, bytes: distance + BLOCK };
    } else {
      extents.push({ offset, fileOffset, bytes: BLOCK, ...(file === 0 ? {} : { file }) });
    }
    this.origin = origin;
  }

  /** Here the parent has data that is zero now. */
  interrupt(): void {
    this.origin = -1;
  }
}
