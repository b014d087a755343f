/**
 * Finds the parts of a process's memory that were ever touched, from /proc/PID/pagemap and maps
 * (admin-guide/mm/pagemap.rst).
 *
 * Reading an untouched anonymous page would be harmless but slow, so only pages that are present or swapped out count.
 * All memory that is mapped from a file counts, as it has contents even when it is not present: a restored process maps
 * its pages from the snapshot. The result is in blocks of 4 KiB, whatever the kernel's page size.
 */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { BLOCK } from '../snapshot/page-blocks.js';
import type { Mapping } from './proc-maps.js';

const PRESENT_OR_SWAPPED = 0xc0000000; // bits 63 and 62, in the upper word
const ENTRIES_PER_READ = 65536;
const AT_PAGESZ = 6;
const ALL_BLOCKS = 0xffff;

/**
 * @param pagemap path of the process's pagemap
 * @param start a multiple of 64 KiB
 * @param pages size of the range in pages of 64 KiB
 * @param settle lets pending events in now and then; may throw
 * @returns for each page of 64 KiB: bit n is set when its 4 KiB block n may hold data
 */
export async function touchedBlocks(
  pagemap: string,
  start: number,
  pages: number,
  maps: readonly Mapping[],
  settle: () => Promise<void>,
): Promise<Uint16Array> {
  const blocks = new Uint16Array(pages);
  if (!(await addPagemap(pagemap, start, blocks, settle))) blocks.fill(ALL_BLOCKS);
  addFileMappings(start, blocks, maps);
  return blocks;
}

/**
 * What is mapped from a file and is not there: nobody has used it yet. A restored process has such pages.
 *
 * @returns as touchedBlocks() does; all that is mapped from a file, when the kernel does not say what is there
 */
export async function absentBlocks(
  pagemap: string,
  start: number,
  pages: number,
  maps: readonly Mapping[],
  settle: () => Promise<void>,
): Promise<Uint16Array> {
  const mapped = new Uint16Array(pages);
  addFileMappings(start, mapped, maps);
  if (mapped.every((blocks) => blocks === 0)) return mapped;
  const present = new Uint16Array(pages);
  await addPagemap(pagemap, start, present, settle);
  for (let page = 0; page < pages; page++) mapped[page] &= ~present[page];
  return mapped;
}

/** Marks everything that is mapped from a file as touched. */
export function addFileMappings(start: number, blocks: Uint16Array, maps: readonly Mapping[]): void {
  const end = start + blocks.length * WASM_PAGE;
  for (const { inode, start: from, end: to } of maps) {
    if (inode === 0 || to <= start || from >= end) continue;
    const last = Math.ceil((Math.min(to, end) - start) / WASM_PAGE);
    blocks.fill(ALL_BLOCKS, Math.floor((Math.max(from, start) - start) / WASM_PAGE), last);
  }
}

/** Returns false when the kernel does not provide the information. */
async function addPagemap(
  pagemap: string,
  start: number,
  blocks: Uint16Array,
  settle: () => Promise<void>,
): Promise<boolean> {
  const pageSize = kernelPageSize();
  let fd: number;
  try {
    fd = openSync(pagemap, 'r');
  } catch {
    return false; // hidden in some containers: then the whole memory is read
  }
  try {
    const total = (blocks.length * WASM_PAGE) / pageSize;
    const entries = new Uint32Array(Math.min(total, ENTRIES_PER_READ) * 2);
    for (let first = 0; first < total; first += ENTRIES_PER_READ) {
      const count = Math.min(total - first, ENTRIES_PER_READ);
      const bytes = new Uint8Array(entries.buffer, 0, count * 8);
      if (!readEntries(fd, bytes, (start / pageSize + first) * 8)) return false;
      markPresent(entries, first, count, pageSize, blocks);
      await settle();
    }
    return true;
  } finally {
    closeSync(fd);
  }
}

function readEntries(fd: number, bytes: Uint8Array, position: number): boolean {
  try {
    return readSync(fd, bytes, 0, bytes.length, position) === bytes.length;
  } catch {
    return false;
  }
}

/** @param entries pagemap words (lower, upper), of the pages from `first` on */
export function markPresent(
  entries: Uint32Array,
  first: number,
  count: number,
  pageSize: number,
  blocks: Uint16Array,
): void {
  const blocksPerPage = pageSize / BLOCK;
  const mask = (2 ** blocksPerPage - 1) >>> 0;
  for (let i = 0; i < count; i++) {
    if ((entries[i * 2 + 1] & PRESENT_OR_SWAPPED) === 0) continue;
    const block = (first + i) * blocksPerPage;
    blocks[block >> 4] |= mask << (block & 15);
  }
}

let pageSizeCache = 0;

/** The kernel's page size, from this process's auxiliary vector. */
export function kernelPageSize(): number {
  if (pageSizeCache !== 0) return pageSizeCache;
  pageSizeCache = 4096;
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === BigInt(AT_PAGESZ)) pageSizeCache = Number(vector.readBigUInt64LE(at + 8));
  }
  return pageSizeCache;
}
