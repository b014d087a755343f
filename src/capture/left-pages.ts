/**
 * Pages of a process that stands still that its snapshot has places for, but not the contents: a lazy move sends them
 * later, from the process's memory.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { BLOCK, BLOCKS_PER_PAGE } from '../snapshot/page-blocks.js';
import type { LazyChangingPages } from '../snapshot/pages.js';
import type { NativeMemory } from './instance-state.js';
import type { ProcessMemory } from './process-memory.js';

/** Bytes of a snapshot's file. */
export interface FilePiece {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** A memory, and what of it is left. */
export interface LeftMemory {
  readonly native: NativeMemory;
  /** For each page: bit n is set when block n is not in the snapshot's file as it is now. */
  readonly rest: Uint16Array;
  /** For each page: the number of the scan that has found it written last, from 1 on; 0 for none. */
  readonly ages: Uint16Array;
  readonly pages: LazyChangingPages;
}

export class LeftPages {
  /** Units of 64 KiB of the snapshot's file, the ones that were written last first. */
  readonly order: Uint32Array;
  private readonly addresses = new Map<number, number>();
  private readonly blocks = new Map<number, number>();

  /** Gives all of them places. */
  constructor(
    private readonly process: ProcessMemory,
    memories: readonly LeftMemory[],
  ) {
    const found: { readonly unit: number; readonly age: number }[] = [];
    for (const { native, rest, ages, pages } of memories) {
      pages.leave(rest);
      for (let page = 0; page < rest.length; page++) {
        const offset = rest[page] === 0 ? undefined : pages.find(page);
        if (offset === undefined) continue;
        const unit = offset / WASM_PAGE;
        this.addresses.set(unit, native.address + page * WASM_PAGE);
        this.blocks.set(unit, rest[page]);
        found.push({ unit, age: ages[page] ?? 0 });
      }
    }
    found.sort((a, b) => b.age - a.age); // stable: else in order of address
    this.order = Uint32Array.from(found, ({ unit }) => unit);
  }

  /** @param size of the snapshot's file. @returns bit n is set when unit n is left */
  units(size: number): Uint8Array<ArrayBuffer> {
    const bits = new Uint8Array(Math.ceil(size / WASM_PAGE / 8));
    for (const unit of this.order) bits[unit >> 3] |= 1 << (unit & 7);
    return bits;
  }

  /** The blocks of a unit, as they are in the process. @throws ToolError when it has ended */
  read(unit: number): FilePiece[] {
    const address = this.addresses.get(unit);
    const blocks = this.blocks.get(unit) ?? 0;
    const pieces: FilePiece[] = [];
    if (address === undefined) return pieces;
    for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
      if ((blocks & (1 << n)) === 0) continue;
      const first = n;
      while ((blocks & (1 << (n + 1))) !== 0) n++;
      const data = Buffer.allocUnsafe((n + 1 - first) * BLOCK);
      this.process.read(address + first * BLOCK, data.length, data, 0);
      pieces.push({ offset: unit * WASM_PAGE + first * BLOCK, data });
    }
    return pieces;
  }
}

/**
 * Takes the pages out of `memories` that are to be sent at once: those written last, up to a number of bytes.
 *
 * @param since the number of the first scan whose finds are hot
 * @returns for each memory the blocks of its hot pages
 */
export function takeHot(memories: readonly LeftMemory[], since: number, bytes: number): Uint16Array[] {
  const pages = memories.flatMap(({ rest, ages }, memory) =>
    Array.from(ages.keys())
      .filter((page) => ages[page] >= since && (rest[page] ?? 0) !== 0)
      .map((page) => ({ memory, page, age: ages[page] })),
  );
  pages.sort((a, b) => b.age - a.age);
  const hot = memories.map(({ rest }) => new Uint16Array(rest.length));
  for (const { memory, page } of pages.slice(0, Math.floor(bytes / WASM_PAGE))) {
    hot[memory][page] = memories[memory].rest[page];
    memories[memory].rest[page] = 0;
  }
  return hot;
}
