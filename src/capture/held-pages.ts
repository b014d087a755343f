/**
 * Blocks of a memory that were copied into a buffer while the process stood still: a source of pages, which are written
 * to the file after the process was let go. Reading takes a fifth of the time of writing to a file, so the pause is
 * shorter.
 */

import { BLOCK, BLOCKS_PER_PAGE } from '../snapshot/page-blocks.js';
import type { PageRun, PageSource } from '../snapshot/pages.js';
import { touchedRuns } from './live-memory.js';

/** Bytes copied at once: Node is slower with larger pieces. */
const PIECE = 1 << 20;

export class HeldPages implements PageSource {
  readonly isExact = false;
  readonly isOneByOne = true; // the process runs again
  /** Bytes that are held. */
  readonly size: number;
  /** Of each page: how many blocks are held of the pages before it. */
  private readonly before: Uint32Array;

  private constructor(
    private readonly blocks: Uint16Array,
    private readonly bytes: Buffer,
  ) {
    this.before = new Uint32Array(blocks.length);
    let count = 0;
    for (let page = 0; page < blocks.length; page++) {
      this.before[page] = count;
      count += countBits(blocks[page]);
    }
    this.size = count * BLOCK;
  }

  /**
   * Copies blocks of a memory.
   *
   * @param blocks of each page: bit n set when block n is wanted
   * @param read reads `length` bytes at an offset of the memory
   * @param bytes room for them, large enough
   * @throws what `read` throws
   */
  static copy(
    blocks: Uint16Array,
    read: (offset: number, length: number, target: Buffer, at: number) => void,
    bytes: Buffer,
  ): HeldPages {
    let done = 0;
    const copyRun = (first: number, end: number) => {
      for (let at = first * BLOCK; at < end * BLOCK; at += PIECE) {
        const length = Math.min(PIECE, end * BLOCK - at);
        read(at, length, bytes, done);
        done += length;
      }
    };
    let first = -1; // of a run of blocks, -1 for none
    for (let page = 0; page < blocks.length; page++) {
      if (blocks[page] === 0 && first < 0) continue;
      for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
        const block = page * BLOCKS_PER_PAGE + n;
        const isWanted = (blocks[page] & (1 << n)) !== 0;
        if (isWanted && first < 0) first = block;
        if (isWanted || first < 0) continue;
        copyRun(first, block);
        first = -1;
      }
    }
    if (first >= 0) copyRun(first, blocks.length * BLOCKS_PER_PAGE);
    return new HeldPages(blocks, bytes);
  }

  runs(): Generator<PageRun, void> {
    return touchedRuns(this.blocks);
  }

  read(offset: number, length: number, target: Buffer, at: number): undefined {
    const block = offset / BLOCK;
    const below = this.blocks[block >> 4] & ((1 << (block & 15)) - 1);
    const from = (this.before[block >> 4] + countBits(below)) * BLOCK;
    this.bytes.copy(target, at, from, from + length);
  }
}

/** How many blocks there are. @param blocks of each page: bit n set for block n */
export function countBlocks(blocks: Uint16Array): number {
  let count = 0;
  for (let page = 0; page < blocks.length; page++) if (blocks[page] !== 0) count += countBits(blocks[page]);
  return count;
}

function countBits(bits: number): number {
  let count = 0;
  for (; bits !== 0; bits &= bits - 1) count++;
  return count;
}
