/**
 * Takes the blocks of a memory that differ from its parent's, in 4 KiB units, packed one after the other. The program
 * may run meanwhile, so a block may be taken again: it is then written to its first place.
 *
 * What is taken is read, and compared with what the parent's files have there. What is the same stays where it is. What
 * is not taken is zeros; after inherit() it is as the parent has it, so that only what was written is to be taken. The result says of all blocks where they are, in whichever file (page-table.ts); so a reader
 * needs no other header than this snapshot's.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { CHUNK_PAGES, releaseChunk, takeChunk } from './chunk-buffers.js';
import { BLOCK, BLOCKS_PER_PAGE, usedBlocks } from './page-blocks.js';
import type { PageFile } from './page-file.js';
import { chunksOf, inLanes, type Lane, readBlocks } from './page-stream.js';
import { pageTable } from './page-table.js';
import type { ChangingPages, OnBytes, PageRun, PageSource, PlacedPages } from './pages.js';
import type { StoredMemory } from './stored-pages.js';
import { touchedPages } from './touched-pages.js';

export class MemoryDifference implements ChangingPages {
  /** For each page: the blocks that are in the own file. */
  private own = new Uint16Array(0);
  /** For each page: the blocks that stay where the parent has them. */
  private kept = new Uint16Array(0);
  /** For each page: the blocks that the parent has. */
  private base: Uint16Array;
  /** For each page with places: each block's file offset in blocks plus 1; 0 when it has no place. */
  private readonly places: (Uint32Array | undefined)[] = [];

  /** @param parent the parent's part of the same memory; undefined: none */
  constructor(
    private readonly parent: StoredMemory | undefined,
    private readonly room: PageFile,
  ) {
    this.base = baseOf(parent);
    this.grow(this.base.length);
  }

  inherit(pages: number): void {
    this.grow(pages);
    this.kept.fill(0);
    this.kept.set(this.base.subarray(0, pages));
  }

  async take(source: PageSource, onBytes: OnBytes = () => {}): Promise<void> {
    const runs = Array.from(source.runs());
    this.grow(runs.reduce((most, { first, blocks }) => Math.max(most, first + blocks.length), 0));
    await inLanes(chunksOf(runs), () => this.lane(source), onBytes, source);
  }

  /** Extents in the own file (0) and in the parent's files, numbered as the parent does plus 1. */
  placed(): PlacedPages {
    const placeOf = (page: number, n: number) => ((this.places[page]?.[n] ?? 0) - 1) * BLOCK;
    return pageTable({ masks: this.own, placeOf }, this.kept, this.base, this.parent?.stored.extents ?? []);
  }

  private lane(source: PageSource): Lane {
    const buffers = [takeChunk(), takeChunk()];
    const [{ bytes, words }, { bytes: theirs }] = buffers;
    const changed = new Uint16Array(CHUNK_PAGES);
    return {
      close: () => buffers.forEach(releaseChunk),
      read: async (chunk) => {
        await readBlocks(source, chunk, bytes);
        const { first, blocks } = chunk;
        const common = new Uint16Array(blocks.length);
        for (let page = 0; page < blocks.length; page++) {
          changed[page] = source.isExact ? blocks[page] : usedBlocks(bytes, words, page * WASM_PAGE, blocks[page]);
          common[page] = changed[page] & this.base[first + page];
        }
        if (this.parent !== undefined) await readBlocks(this.parent, { first, blocks: common }, theirs);
        for (let page = 0; page < blocks.length; page++) {
          const same = sameBlocks(bytes, theirs, page * WASM_PAGE, common[page]);
          changed[page] &= ~same;
          const others = ~blocks[page];
          this.kept[first + page] = (this.kept[first + page] & others) | same;
          this.own[first + page] = (this.own[first + page] & others) | changed[page];
        }
      },
      place: (chunk) => {
        const writes = this.place(chunk, changed);
        if (writes.length === 0) return undefined;
        return async () => {
          for (const { at, length, fileOffset } of pack(bytes, writes)) {
            await this.room.writeBytes(bytes, at, length, fileOffset, source.isOneByOne);
          }
        };
      },
    };
  }

  /** Assigns places to a chunk's changed blocks that have none. */
  private place({ first, blocks }: PageRun, changed: Uint16Array): Write[] {
    const writes: Write[] = [];
    for (let page = 0; page < blocks.length; page++) {
      if (changed[page] === 0) continue;
      this.places[first + page] ??= new Uint32Array(BLOCKS_PER_PAGE);
      const places = this.places[first + page] as Uint32Array;
      for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
        if ((changed[page] & (1 << n)) === 0) continue;
        if (places[n] === 0) places[n] = this.room.reserveBytes(BLOCK, BLOCK) / BLOCK + 1;
        writes.push({ at: page * WASM_PAGE + n * BLOCK, length: BLOCK, fileOffset: (places[n] - 1) * BLOCK });
      }
    }
    return writes;
  }

  private grow(pages: number): void {
    if (pages <= this.own.length) return;
    const grown = (old: Uint16Array) => {
      const array = new Uint16Array(pages);
      array.set(old);
      return array;
    };
    this.own = grown(this.own);
    this.kept = grown(this.kept);
    this.base = grown(this.base);
  }
}

/** Of each page: the blocks that a parent has. */
function baseOf(parent: StoredMemory | undefined): Uint16Array {
  if (parent === undefined) return new Uint16Array(0);
  const { extents, blocks } = parent.stored;
  const { pages } = touchedPages(extents);
  const base = new Uint16Array((pages.at(-1) ?? -1) + 1);
  for (const [i, page] of pages.entries()) base[page] = blocks[i];
  return base;
}

interface Write {
  /** The block's offset in the buffer, in bytes. */
  readonly at: number;
  readonly length: number;
  readonly fileOffset: number;
}

/** Moves blocks together in the buffer that are adjacent in the file. They ascend in the buffer. */
function pack(bytes: Buffer, writes: readonly Write[]): Write[] {
  const packed: Write[] = [];
  for (const { at, length, fileOffset } of writes) {
    const last = packed.at(-1);
    if (last === undefined || last.fileOffset + last.length !== fileOffset) {
      packed.push({ at, length, fileOffset });
      continue;
    }
    const end = last.at + last.length;
    if (end !== at) bytes.copyWithin(end, at, at + length);
    packed[packed.length - 1] = { ...last, length: last.length + length };
  }
  return packed;
}

/** The blocks of `mask` that are equal in both. @param at byte offset of the page */
function sameBlocks(a: Buffer, b: Buffer, at: number, mask: number): number {
  let same = 0;
  for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
    if ((mask & (1 << n)) === 0) continue;
    const from = at + n * BLOCK;
    if (a.compare(b, from, from + BLOCK, from, from + BLOCK) === 0) same |= 1 << n;
  }
  return same;
}
