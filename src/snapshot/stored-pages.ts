/** What a snapshot's file has of a process's memory and files, as sources. Both lie in the file and can be mapped. */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { ByteSource, PageRun, PageSource } from './pages.js';
import type { Extent, FileContents, SnapshotMemory } from './snapshot.js';
import type { SnapshotFile } from './snapshot-file.js';

/** A memory: a run for each of its extents. */
export class StoredMemory implements PageSource {
  readonly isExact = true;

  constructor(
    private readonly file: SnapshotFile,
    readonly stored: SnapshotMemory,
  ) {}

  /** Bytes of all runs. */
  get size(): number {
    return this.stored.blocks.length * WASM_PAGE;
  }

  *runs(): Generator<PageRun, void> {
    let page = 0;
    for (const { offset, bytes } of this.stored.extents) {
      const blocks = this.stored.blocks.subarray(page, page + bytes / WASM_PAGE);
      yield { first: offset / WASM_PAGE, blocks };
      page += blocks.length;
    }
  }

  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    const extent = this.extentOf(offset);
    return this.file.read(extent.fileOffset + offset - extent.offset, length, target, at);
  }

  /** Extents ascend, which header.ts has checked. */
  private extentOf(offset: number): Extent {
    const { extents } = this.stored;
    let low = 0;
    for (let high = extents.length - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (extents[middle].offset <= offset) low = middle;
      else high = middle - 1;
    }
    return extents[low];
  }
}

/** Contents of a file that had no name any more. */
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
