/**
 * Interfaces for moving pages: sources and sinks. A source does not know where its pages go, a sink not where they come
 * from.
 *
 *     a live process's memory    capture/live-memory.ts          a file with slots     page-file.ts: a snapshot, an image
 *     a snapshot's memory        stored-pages.ts          --->   a mapping             restore/mapped-pages.ts: nothing
 *     contents of a file         capture/file-data.ts,                                 is copied
 *                                stored-pages.ts
 *
 * A page has 64 KiB, in 16 blocks of 4 KiB; what a source does not have is zero. Sizes and offsets are in bytes unless
 * stated otherwise.
 */

import type { Extent } from './snapshot.js';

/** Bytes with random access. */
export interface ByteSource {
  /**
   * Reads `length` bytes to `target` at `at`, all of them, or throws. A short read may be done on this thread, others
   * on the pool.
   *
   * @throws InputError, ToolError
   */
  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined;
  /** The place of a range in the snapshot's file, when it is contiguous there. */
  readonly fileOffset?: number;
}

/** Adjacent pages of a memory. */
export interface PageRun {
  /** Number of the first page in the memory. */
  readonly first: number;
  /** For each page: bit n is set when block n may hold data. */
  readonly blocks: Uint16Array;
}

/** The pages of one memory. Offsets are in the memory; only blocks of its runs can be read. */
export interface PageSource extends ByteSource {
  /** Runs in order of address. */
  runs(): Iterable<PageRun>;
  /** Whether every block of the runs must be kept; else zero blocks are found and left out. */
  readonly isExact: boolean;
  /** The place of the runs in the snapshot's file, when they are there. */
  readonly stored?: PlacedPages;
  /**
   * Its chunks are taken one after the other, by this thread alone; else as quickly as can be. A thread that wakes up
   * others, a thousand times a second, takes the processor from whoever runs there.
   */
  readonly isOneByOne?: boolean | undefined;
}

/** The place of a memory's pages in a sink. */
export interface PlacedPages {
  readonly extents: readonly Extent[];
  /** For each page of the extents: bit n is set when block n is stored; other blocks are zero. */
  readonly blocks: Uint16Array;
}

/** Called now and then with the source's bytes done since the last call; may throw to cancel. */
export type OnBytes = (bytes: number) => void;

/** A sink's place for a memory that changes while it is copied. */
export interface ChangingPages {
  /**
   * Takes the present contents of a source's runs, and replaces pages that have a place. @throws as PageSink.takePages
   */
  take(source: PageSource, onBytes?: OnBytes): Promise<void>;
  /**
   * In a sink that writes differences: what is not taken from now on is as the parent has it, in the first `pages` pages.
   * Without this call, and after one with 0, it is zeros.
   */
  inherit(pages: number): void;
  /** The places of everything that was taken, or left. */
  placed(): PlacedPages;
}

/** One in a snapshot whose pages may follow later. */
export interface LazyChangingPages extends ChangingPages {
  /** Gives pages places without taking their contents. @param blocks for each page: bit n is set for block n */
  leave(blocks: Uint16Array): void;
  /** File offset of a page; undefined when it has no place. */
  find(page: number): number | undefined;
}

export interface PageSink {
  /** Takes a memory's pages, without pages of zeros. @throws ToolError, and what the source throws */
  takePages(source: PageSource, onBytes?: OnBytes): Promise<PlacedPages>;
  /**
   * Takes a file's contents as a whole, so that they stay contiguous.
   *
   * @returns their offset in the sink's file
   * @throws ToolError, and what the source throws
   */
  takeContents(source: ByteSource, size: number, onBytes?: OnBytes): Promise<number>;
}

/** A sink that takes memories while they change. */
export interface LivePageSink extends PageSink {
  openMemory(): ChangingPages;
}
