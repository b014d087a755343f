/**
 * Pages on their way: what they come from, and what takes them. A source does not know where its pages go, a sink not
 * where they come from.
 *
 *     a live process's memory    capture/live-memory.ts          a file with slots     page-file.ts: a snapshot, an image
 *     a snapshot's memory        stored-pages.ts          --->   a mapping             restore/mapped-pages.ts: nothing
 *     contents of a file         capture/file-data.ts,                                 is copied
 *                                stored-pages.ts
 *
 * Pages have 64 KiB, and 16 blocks of 4 KiB each; what is not in a source is zeros. Sizes and offsets are in bytes
 * where nothing else is said.
 */

import type { Extent } from './snapshot.js';

/** Bytes that can be read from anywhere. */
export interface ByteSource {
  /**
   * Reads `length` bytes to `target` at `at`: all of them, or it throws. A short read may be done at once, others go to
   * the thread pool.
   *
   * @throws InputError, ToolError
   */
  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined;
  /** Where the first of them is in the snapshot's file, when they lie there one after the other. */
  readonly fileOffset?: number;
}

/** Pages next to each other in a memory. */
export interface PageRun {
  /** Number of the first page in the memory. */
  readonly first: number;
  /** Of each page: bit n set when block n may have something in it. */
  readonly blocks: Uint16Array;
}

/** The pages of one memory. Offsets are in the memory; only blocks of its runs can be read. */
export interface PageSource extends ByteSource {
  /** In the order of their addresses. */
  runs(): Iterable<PageRun>;
  /** Whether each block of its runs is known to be needed; else those that are zeros are found, and left out. */
  readonly isExact: boolean;
  /** Where its runs are in the snapshot's file, when they lie there. */
  readonly stored?: PlacedPages;
  /**
   * Its chunks are taken one after the other, by this thread alone; else as quickly as can be. A thread that wakes up
   * others, a thousand times a second, takes the processor from whoever runs there.
   */
  readonly isOneByOne?: boolean | undefined;
}

/** Where a sink has the pages of a memory. */
export interface PlacedPages {
  readonly extents: readonly Extent[];
  /** Of each page of the extents: bit n set when block n is there; other blocks are zeros. */
  readonly blocks: Uint16Array;
}

/** Told now and then how many bytes of the source are done since the last time; may throw to give up. */
export type OnBytes = (bytes: number) => void;

/** A sink's place for a memory that changes while it is taken. */
export interface ChangingPages {
  /** Takes what the runs of a source have now: pages that have a place are replaced. @throws as PageSink.takePages */
  take(source: PageSource, onBytes?: OnBytes): Promise<void>;
  /**
   * In a sink that writes differences: what is not taken from now on is as the parent has it, in the first `pages` pages.
   * Without this call, and after one with 0, it is zeros.
   */
  inherit(pages: number): void;
  /** Where all that was taken is. */
  placed(): PlacedPages;
}

export interface PageSink {
  /** Takes a memory's pages, and leaves out pages of zeros. @throws ToolError, and what the source throws */
  takePages(source: PageSource, onBytes?: OnBytes): Promise<PlacedPages>;
  /**
   * Takes all of a file's contents, in order, so that they lie together.
   *
   * @returns where, in the sink's file
   * @throws ToolError, and what the source throws
   */
  takeContents(source: ByteSource, size: number, onBytes?: OnBytes): Promise<number>;
}

/** A sink that takes memories while they change. */
export interface LivePageSink extends PageSink {
  openMemory(): ChangingPages;
}
