/**
 * Encodes the places of a memory's pages in the header of a .wsnap file.
 *
 *     complete       extents   u32 x 3 each: first page, number of pages, first slot of the file (file offset / 64 KiB)
 *     a difference   extents   u32 x 4 each: first block, number of blocks, which file, first block of the file
 *     both           blocks    u16 for each page that an extent has a part of, ascending, once each: bit n is set
 *                              when 4 KiB block n is not empty
 *
 * Extents ascend and do not overlap, neither in the memory nor in a file. File 0 is the snapshot's own; file n is
 * ancestor n - 1.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { bytesOf, type Fail, words32 } from './frames-codec.js';
import type { Header, RawHeader } from './header-schema.js';
import { BLOCK } from './page-blocks.js';
import type { Extent, SnapshotMemory } from './snapshot.js';
import { touchedPages } from './touched-pages.js';

type RawMemory = Header['instances'][number]['memories'][number];

/** A used range of a file: the file, its first byte, the byte after its last, and what it holds. */
export type FileRange = readonly [file: number, from: number, to: number, where: string];

/** @param isChain whether the snapshot has ancestors */
export function encodeMemory(
  memory: SnapshotMemory,
  isChain: boolean,
): RawHeader['instances'][number]['memories'][number] {
  const width = isChain ? 4 : 3;
  const extents = new Uint32Array(memory.extents.length * width);
  for (const [i, { offset, fileOffset, bytes, file = 0 }] of memory.extents.entries()) {
    const row = isChain
      ? [offset / BLOCK, bytes / BLOCK, file, fileOffset / BLOCK]
      : [offset / WASM_PAGE, bytes / WASM_PAGE, fileOffset / WASM_PAGE];
    extents.set(row, i * width);
  }
  const { pages, maxPages, bytes, blocks } = memory;
  const size = bytes === undefined ? {} : { bytes };
  return { pages, max: maxPages, ...size, extents: bytesOf(extents), blocks: bytesOf(blocks) };
}

/** @param fileCount the number of ancestors plus 1; undefined in formats 1 and 2 */
export function decodeMemory(
  raw: RawMemory,
  where: string,
  fileCount: number | undefined,
  ranges: FileRange[],
  fail: Fail,
): SnapshotMemory {
  if (raw.pages > raw.max) fail(where, `has ${raw.pages} pages, more than its maximum ${raw.max}`);
  if (raw.bytes !== undefined && Math.ceil(raw.bytes / WASM_PAGE) !== raw.pages) {
    fail(`${where}.bytes`, `${raw.bytes} are not ${raw.pages} pages`);
  }
  const words = words32(raw.extents, `${where}.extents`, fail);
  const unit = fileCount === undefined ? WASM_PAGE : BLOCK;
  const width = fileCount === undefined ? 3 : 4;
  if (words.length % width !== 0) fail(`${where}.extents`, `is not ${width === 3 ? 'triples' : 'quadruples'} of words`);
  const limit = (raw.pages * WASM_PAGE) / unit;
  const extents: Extent[] = [];
  let next = 0; // the first unit after the last extent
  for (let i = 0; i < words.length; i += width) {
    const [first, count] = words.subarray(i, i + 2);
    const file = fileCount === undefined ? 0 : words[i + 2];
    const place = words[i + width - 1];
    const at = `${where}.extents[${i / width}]`;
    if (count === 0) fail(at, 'is empty');
    if (first < next) fail(at, 'overlaps the one before it, or is out of order');
    if (first + count > limit) fail(at, `goes beyond the memory's ${raw.pages} pages`);
    if (file >= (fileCount ?? 1)) fail(at, `is in file ${file} of ${fileCount}`);
    next = first + count;
    ranges.push([file, place * unit, (place + count) * unit, at]);
    const extent = { offset: first * unit, fileOffset: place * unit, bytes: count * unit };
    extents.push(file === 0 ? extent : { ...extent, file });
  }
  const size = raw.bytes === undefined ? {} : { bytes: raw.bytes };
  const blocks = decodeBlocks(raw.blocks, extents, where, fail);
  return { pages: raw.pages, maxPages: raw.max, ...size, extents, blocks };
}

function decodeBlocks(raw: Uint8Array, extents: readonly Extent[], where: string, fail: Fail): Uint16Array {
  const { pages, covered } = touchedPages(extents);
  if (raw.length !== pages.length * 2) fail(`${where}.blocks`, `has ${raw.length} bytes for ${pages.length} pages`);
  const blocks = new Uint16Array(pages.length);
  bytesOf(blocks).set(raw);
  for (let i = 0; i < blocks.length; i++) {
    if ((blocks[i] & ~covered[i]) !== 0) fail(`${where}.blocks`, `has blocks of page ${pages[i]} that no extent has`);
  }
  return blocks;
}

/**
 * Checks that everything in the snapshot's own file is between its start and its header, and that no ranges overlap.
 */
export function checkRanges(ranges: FileRange[], start: number, limit: number, fail: Fail): void {
  ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let end = start;
  let last = 0;
  for (const [file, from, to, where] of ranges) {
    if (file !== last) end = start;
    last = file;
    if (from < end) fail(where, `its place in the file (offset ${from}) is taken`);
    if (file === 0 && to > limit) fail(where, `goes beyond the file's data: offset ${to} of ${limit}`);
    end = to;
  }
}
