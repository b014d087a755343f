/**
 * A page sink that reads nothing: each page gets a place in a file that is empty, and is brought there when the restored
 * process needs it, or when there is time (lazy-pages.ts).
 */

import { LAZY_UNIT } from '../image/contract/lazy-pages.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { BLOCK, BLOCKS_PER_PAGE } from '../snapshot/page-blocks.js';
import type { PageFile } from '../snapshot/page-file.js';
import { appendExtent } from '../snapshot/page-stream.js';
import type { ByteSource, PageSink, PageSource, PlacedPages } from '../snapshot/pages.js';
import type { Extent } from '../snapshot/snapshot.js';
import { unitBytes } from './lazy-pages.js';

interface Unit {
  readonly source: PageSource;
  readonly page: number;
  readonly blocks: number;
}

export class LazyLayout implements PageSink {
  /** By their numbers: offset in the file / 64 KiB. */
  private readonly units = new Map<number, Unit>();

  /** @param file where pages will be; contents of files are written there at once */
  constructor(private readonly file: PageFile) {}

  async takePages(source: PageSource): Promise<PlacedPages> {
    const extents: Extent[] = [];
    const kept: number[] = [];
    for (const { first, blocks } of source.runs()) {
      const fileOffset = this.file.reserve(blocks.length);
      appendExtent(extents, first * WASM_PAGE, fileOffset, blocks.length * WASM_PAGE);
      for (const [i, used] of blocks.entries()) {
        this.units.set(fileOffset / LAZY_UNIT + i, { source, page: first + i, blocks: used });
        kept.push(used);
      }
    }
    return { extents, blocks: Uint16Array.from(kept) };
  }

  takeContents(source: ByteSource, size: number): Promise<number> {
    return this.file.takeContents(source, size);
  }

  /** The file's size in bytes, once all was taken. */
  get size(): number {
    return this.file.end;
  }

  /** The units of pages, in the order of their addresses. */
  get order(): Iterable<number> {
    return this.units.keys();
  }

  /** Bit n is set when unit n is a page. */
  get missing(): Uint8Array {
    const bits = new Uint8Array(unitBytes(this.size));
    for (const unit of this.units.keys()) bits[unit >> 3] |= 1 << (unit & 7);
    return bits;
  }

  /**
   * Reads a page from where it is.
   *
   * @param target of 64 KiB, of zeros
   * @throws InputError, ToolError
   */
  async read(unit: number, target: Buffer): Promise<void> {
    const found = this.units.get(unit);
    if (found === undefined) return;
    const { source, page, blocks } = found;
    for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
      const first = n;
      while (n < BLOCKS_PER_PAGE && (blocks & (1 << n)) !== 0) n++;
      if (n > first) await source.read(page * WASM_PAGE + first * BLOCK, (n - first) * BLOCK, target, first * BLOCK);
    }
  }
}
