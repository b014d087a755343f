/** The places of non-empty blocks of memories in a file. */

import { BLOCK, BLOCKS_PER_PAGE } from './page-blocks.js';
import type { SnapshotInstance, SnapshotMemory } from './snapshot.js';

/** Consecutive non-empty blocks. */
export interface StoredRun {
  readonly fileOffset: number;
  readonly bytes: number;
}

/** @param file the file's number, as in Extent.file */
export function* storedRuns(instances: readonly SnapshotInstance[], file: number): Generator<StoredRun, void> {
  for (const { memories } of instances) {
    for (const memory of memories) for (const piece of extentRuns(memory, file)) yield* piece;
  }
}

/** Bytes of memory that are stored in the snapshot's own file. */
export function storedBytes(instances: readonly SnapshotInstance[]): number {
  let sum = 0;
  for (const { bytes } of storedRuns(instances, 0)) sum += bytes;
  return sum;
}

/**
 * The runs of each extent in a file.
 *
 * @param pieceBlocks cuts extents into pieces of this many blocks; no run crosses from one piece to the next
 */
export function* extentRuns(
  { extents, blocks }: SnapshotMemory,
  wanted: number,
  pieceBlocks = Infinity,
): Generator<StoredRun[], void> {
  let index = -1; // index of the page in `blocks`
  let page = -1;
  for (const { offset, fileOffset, bytes, file = 0 } of extents) {
    const first = offset / BLOCK;
    const count = bytes / BLOCK;
    for (let from = 0; from < count; from += pieceBlocks) {
      const runs: { fileOffset: number; bytes: number }[] = [];
      for (let n = from; n < Math.min(from + pieceBlocks, count); n++) {
        const own = Math.floor((first + n) / BLOCKS_PER_PAGE);
        if (own !== page) index++;
        page = own;
        if (file !== wanted || (blocks[index] & (1 << ((first + n) % BLOCKS_PER_PAGE))) === 0) continue;
        const at = fileOffset + n * BLOCK;
        const last = runs.at(-1);
        if (last !== undefined && last.fileOffset + last.bytes === at) last.bytes += BLOCK;
        else runs.push({ fileOffset: at, bytes: BLOCK });
      }
      if (file === wanted) yield runs;
    }
  }
}
