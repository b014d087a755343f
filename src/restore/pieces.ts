/**
 * Decides how a restored process gets a memory whose pages are in several files: which pieces it maps, which it copies.
 *
 *     memory      0       1       2       3       4 MiB
 *     oldest file ####### ## #### ####### ##############     one mapping, although newer blocks replace parts
 *     newer                 #                                copied over it, as a mapping would cost more
 *     newest             #       #        ......             mapped over it where it is long
 *
 * The number of mappings is limited, as a process may have 65,530 (vm.max_map_count), and a mapping inside another one
 * splits it in two. Pieces are ordered as they are put in place: the oldest file first.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { Extent } from '../snapshot/snapshot.js';

/** Shorter pieces are copied: at most 16 pages of 4 KiB. */
const MAPPED_BYTES = WASM_PAGE;
/** The most mappings of all memories together. */
const MAPPINGS_MAX = 4096;

export interface Piece extends Extent {
  readonly file: number;
  /** Whether it is read into the memory instead of mapped. */
  readonly isCopied: boolean;
}

/**
 * @param memories the extents of each memory
 * @returns the pieces of each memory, in order
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
 * Joins neighbours in the same file that are as far apart there as in memory, if everything between them is in newer
 * files: those are put in place later.
 */
function mergeExtents(extents: readonly Extent[]): Extent[] {
  const merged: Extent[] = [];
  const open: number[] = []; // for each file: the index of the extent in `merged` that may be continued, or -1
  let end = 0;
  for (const extent of extents) {
    const { offset, fileOffset, bytes, file = 0 } = extent;
    // There are zeros between, which no later piece would put in place.
    if (offset > end) open.length = 0;
    // An older file's extent is between, which the joined piece must not hide.
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
