/** A memory in a snapshot's file. */

import { UsageError } from '../base/errors.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { usedRuns } from '../snapshot/coredump.js';
import { BLOCK } from '../snapshot/page-blocks.js';
import type { StoredMemory } from '../snapshot/stored-pages.js';
import type { MemoryRange, SnapshotMemory } from './snapshot.js';

export class MemoryView implements SnapshotMemory {
  private used: readonly MemoryRange[] | undefined;

  constructor(
    private readonly source: StoredMemory,
    private readonly checkOpen: () => void,
    /** Resolves when its contents may be used; rejects when they are not what was signed. */
    private readonly believed: () => Promise<void>,
  ) {}

  get pages(): number {
    return this.source.stored.pages;
  }

  get maxPages(): number {
    return this.source.stored.maxPages;
  }

  get size(): number {
    return this.source.stored.bytes ?? this.pages * WASM_PAGE;
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    this.checkOpen();
    const isInside = Number.isSafeInteger(address) && Number.isSafeInteger(length) && address >= 0 && length >= 0;
    if (!isInside || address + length > this.size) {
      throw new UsageError(`${length} bytes at ${address} are not all within the memory, which has ${this.size}`);
    }
    await this.believed();
    const bytes = Buffer.alloc(length);
    const end = address + length;
    for (const range of this.ranges()) {
      const from = Math.max(address, range.address);
      const to = Math.min(end, range.address + range.length);
      if (range.address >= end) break;
      if (from < to) await this.source.read(from, to - from, bytes, from - address);
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
  }

  ranges(): readonly MemoryRange[] {
    this.used ??= usedRuns(this.source, BLOCK).map(({ offset, bytes }) => ({
      address: offset,
      length: Math.min(bytes, this.size - offset),
    }));
    return this.used;
  }
}
