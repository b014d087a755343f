/** Memories and files in a snapshot's files, as sources of pages. Their contents can be mapped. */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { FileContents } from './host.js';
import type { ByteSource, PageRun, PageSource } from './pages.js';
import type { SnapshotMemory } from './snapshot.js';
import type { SnapshotFile } from './snapshot-file.js';
import { touchedPages } from './touched-pages.js';

/** Files by their numbers in Extent.file. */
export interface NumberedFiles {
  file(number: number): ByteSource;
}

/** A memory. Its runs are the pages that its extents have a part of. */
export class StoredMemory implements PageSource {
  readonly isExact = true;

  constructor(
    private readonly files: NumberedFiles,
    readonly stored: SnapshotMemory,
  ) {}

  /** The length of all runs in bytes. */
  get size(): number {
    return this.stored.blocks.length * WASM_PAGE;
  }

  *runs(): Generator<PageRun, void> {
    const { pages } = touchedPages(this.stored.extents);
    for (let from = 0; from < pages.length; ) {
      let to = from + 1;
      while (to < pages.length && pages[to] === pages[to - 1] + 1) to++;
      yield { first: pages[from], blocks: this.stored.blocks.subarray(from, to) };
      from = to;
    }
  }

  /** Leaves `target` unchanged where no extent has data. */
  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    const { extents } = this.stored;
    const n = this.extentAt(offset);
    const extent = extents[n];
    const skipped = offset - extent.offset;
    const file = this.files.file(extent.file ?? 0);
    if (skipped + length <= extent.bytes) return file.read(extent.fileOffset + skipped, length, target, at);
    return this.readSeveral(n, offset, length, target, at);
  }

  private async readSeveral(n: number, offset: number, length: number, target: Buffer, at: number): Promise<void> {
    const { extents } = this.stored;
    const end = offset + length;
    for (; n < extents.length && extents[n].offset < end; n++) {
      const extent = extents[n];
      const from = Math.max(offset, extent.offset);
      const to = Math.min(end, extent.offset + extent.bytes);
      if (from >= to) continue;
      const place = extent.fileOffset + from - extent.offset;
      await this.files.file(extent.file ?? 0).read(place, to - from, target, at + from - offset);
    }
  }

  /** Index of the last extent that begins at or before an offset. Extents ascend, which memory-codec.ts has checked. */
  private extentAt(offset: number): number {
    const { extents } = this.stored;
    let low = 0;
    for (let high = extents.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (extents[middle].offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The contents of an unlinked file. */
export class StoredContents implements ByteSource {
  readonly fileOffset: number;

  constructor(
    private readonly file: SnapshotFile,
    { fileOffset }: FileContents,
  ) {
    this.fileOffset = fileOffset;
  }

  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    return this.file.read(this.fileOffset + offset, length, target, at);
  }
}
