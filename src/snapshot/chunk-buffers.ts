/**
 * A pool of buffers for chunks of pages. Allocating them for each round of a capture would make V8 collect garbage, for
 * 10 ms and more, just when the process stands still.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';

/** The most pages of a chunk. */
export const CHUNK_PAGES = 16;
/** How many unused buffers are kept: those of one stream that compares, or of two that do not. */
const KEPT_MAX = 6;

export interface ChunkBuffer {
  readonly bytes: Buffer;
  /** The same memory. */
  readonly words: Int32Array;
}

const free: ChunkBuffer[] = [];

/** @returns a buffer that nobody else uses, with arbitrary contents; releaseChunk() takes it back */
export function takeChunk(): ChunkBuffer {
  const kept = free.pop();
  if (kept) return kept;
  const bytes = Buffer.from(new ArrayBuffer(CHUNK_PAGES * WASM_PAGE));
  return { bytes, words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

export function releaseChunk(chunk: ChunkBuffer): void {
  if (free.length < KEPT_MAX) free.push(chunk);
}
