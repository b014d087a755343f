/**
 * A memory in a snapshot's file whose pages are written repeatedly while the program runs. A page keeps its first
 * place. Places are assigned as pages arrive, so extents do not ascend in the file. A block that has become zero stays
 * stored.
 */

import { BugError } from '../base/errors.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { appendExtent, type PageRoom, type Placement, placePages } from './page-stream.js';
import type { LazyChangingPages, OnBytes, PageSource, PlacedPages } from './pages.js';
import type { Extent } from './snapshot.js';

export class ChangingMemory implements LazyChangingPages, Placement {
  /** For each page: its file offset in pages plus 1; 0 when it has no place. */
  private slots = new Uint32Array(0);
  private blocks = new Uint16Array(0);

  constructor(private readonly room: PageRoom) {}

  take(source: PageSource, onBytes: OnBytes = () => {}): Promise<void> {
    return placePages(source, this.room, this, onBytes);
  }

  leave(blocks: Uint16Array): void {
    for (let page = 0; page < blocks.length; ) {
      const first = page;
      while (page < blocks.length && blocks[page] !== 0 && this.find(page) === undefined) page++;
      if (page > first) {
        this.add(first, this.room.reserve(page - first), blocks.subarray(first, page));
        continue;
      }
      const known = blocks[page] === 0 ? undefined : this.find(page);
      if (known !== undefined) this.add(page, known, blocks.subarray(page, page + 1));
      page++;
    }
  }

  inherit(): void {
    throw new BugError('a memory without a parent inherits nothing');
  }

  placed(): PlacedPages {
    const extents: Extent[] = [];
    const blocks: number[] = [];
    for (const [page, slot] of this.slots.entries()) {
      if (slot === 0) continue;
      appendExtent(extents, page * WASM_PAGE, (slot - 1) * WASM_PAGE, WASM_PAGE);
      blocks.push(this.blocks[page]);
    }
    return { extents, blocks: Uint16Array.from(blocks) };
  }

  find(page: number): number | undefined {
    return (this.slots[page] ?? 0) === 0 ? undefined : (this.slots[page] - 1) * WASM_PAGE;
  }

  add(first: number, fileOffset: number, blocks: Uint16Array): void {
    if (first + blocks.length > this.slots.length) this.grow(first + blocks.length);
    for (const [i, used] of blocks.entries()) {
      this.slots[first + i] = fileOffset / WASM_PAGE + i + 1;
      this.blocks[first + i] |= used;
    }
  }

  private grow(pages: number): void {
    const length = Math.max(pages, this.slots.length * 2);
    const slots = new Uint32Array(length);
    slots.set(this.slots);
    this.slots = slots;
    const blocks = new Uint16Array(length);
    blocks.set(this.blocks);
    this.blocks = blocks;
  }
}
