/**
 * How a restored process gets a memory whose pages lie in several files: which pieces it maps, which it copies.
 *
 *     memory      0       1       2       3       4 MiB
 *     oldest file ####### ## #### ####### ##############     mapped as one, although newer blocks lie in it
 *     newer                 #                                copied over it: a mapping each would cost more
 *     newest             #       #        ......             mapped over it, where it is long
 *
 * Mappings are bounded, as a process may have 65,530 (vm.max_map_count), and each one that lies in another makes three
 * of it. Pieces come in the order in which they are put in place: the oldest file first.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { Extent } from '../snapshot/snapshot.js';

/** Shorter pieces are copied: 16 pages of 4 KiB at most. */
const MAPPED_BYTES = WASM_PAGE;
/** Of all memories together. */
const MAPPINGS_MAX = 4096;

export interface Piece extends Extent {
  readonly file: number;
  /** Whether it is read into the memory, instead of mapped. */
  readonly isCopied: boolean;
}

/**
 * @param memories the extents of each
 * @returns the pieces of each, in order
 */
export function choosePieces(memories: readonly (readonly Extent[])[], mappingsMax = MAPPINGS_MAX): Piece[][] {
  const merged = memories.map(mergeExtents);
  const sizes = merged.flatMap((extents) => extents.map(({ bytes }) => bytes));
  const longest = sizes.filter((bytes) => bytes >= MAPPED_BYTES).sort((a, b) => b - a);
  const mappedBytes = longest.length > mappingsMax ? longest[mappingsMax - 1] + 1 : MAPPED_BYTES;
  return merged.map((extents) =>
    extents
      .map((extent) => ({ ...extent, file: extent.file ?? 0, isCopied: extent.bytes < mappedBytes }))
      .sort((a, b) => b.file - a.file || a.offset - b.offset),
  );
}

/**
 * Makes one of neighbours in the same file that are as far apart there as in memory, where all between them is in newer
 * files: they are put in place later.
 */
function mergeExtents(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  const open: number[] = []; // of each file: number of the extent in `merged` that may be continued, or -1
  let end = 0;
  for (const extent of extents) {
    const { offset, fileOffset, bytes, file = 0 } = extent;
    // Zeros between: nothing would put them in place later.
    if (offset > end) open.length = 0;
    // An older file's: what comes over it must not hide it.
    for (let newer = 0; newer < file && newer < open.length; newer++) open[newer] = -1;
    end = offset + bytes;
    const at = open[file] ?? -1;
    if (at >= 0 && fileOffset - merged[at].fileOffset === offset - merged[at].offset) {
      merged[at] = { ...merged[at], bytes: end - merged[at].offset };
      continue;
    }
    open[file] = merged.length;
    merged.push(extent);
  }
  return merged;
}
