/**
 * The page data of a snapshot on its way into a self-contained file: the same extents one after the other, with only
 * those 4 KiB blocks written that have anything in them.
 *
 * Streams in pieces of up to 1 MiB. What is not written stays a hole of the sparse file.
 */

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import type { Extent, SnapshotMemory, StoredSnapshot } from '../snapshot/snapshot.js';

/** Reads the snapshot's file. @returns how many bytes */
type Read = (buffer: Buffer, length: number, from: number) => number;

const BLOCK = 4096;
const BLOCKS_PER_PAGE = WASM_PAGE / BLOCK;
const CHUNK = 1 << 20;

/** The extents of all memories, instance by instance, as they lie in a file from `start` on. */
export function placeExtents(stored: StoredSnapshot, start: number): { extents: Extent[][]; bytes: number } {
  let at = start;
  const memories = stored.snapshot.instances.flatMap((instance) => instance.memories);
  const extents = memories.map((memory) =>
    memory.extents.map(({ offset, bytes }) => {
      const fileOffset = at;
      at += bytes;
      return { offset, fileOffset, bytes };
    }),
  );
  return { extents, bytes: at - start };
}

/**
 * Copies all page data to where placeExtents has put it.
 *
 * @param onProgress bytes of extents behind us, of how many
 */
export function copyPageData(
  stored: StoredSnapshot,
  placed: { readonly extents: readonly (readonly Extent[])[]; readonly bytes: number },
  fd: number,
  onProgress?: (done: number, total: number) => void,
): void {
  const source = reading(stored.path, () => openSync(stored.path, 'r'));
  try {
    const memories = stored.snapshot.instances.flatMap((instance) => instance.memories);
    const end = placed.extents.flat().reduce((last, { fileOffset, bytes }) => Math.max(last, fileOffset + bytes), 0);
    if (fstatSync(fd).size < end) ftruncateSync(fd, end);
    let done = 0;
    for (const [i, memory] of memories.entries()) {
      const read = (buffer: Buffer, length: number, from: number) =>
        reading(stored.path, () => readSync(source, buffer, 0, length, from));
      const copied = (bytes: number) => onProgress?.(bytes, placed.bytes);
      done = copyMemory(read, fd, memory, placed.extents[i], done, copied);
    }
  } finally {
    closeSync(source);
  }
}

function copyMemory(
  read: Read,
  fd: number,
  memory: SnapshotMemory,
  placed: readonly Extent[],
  done: number,
  progress: (done: number) => void,
): number {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let page = 0;
  for (const [i, { fileOffset, bytes }] of memory.extents.entries()) {
    const target = placed[i].fileOffset;
    const blocks = (bytes / WASM_PAGE) * BLOCKS_PER_PAGE;
    const present = (block: number) =>
      ((memory.blocks[page + Math.floor(block / BLOCKS_PER_PAGE)] >>> (block % BLOCKS_PER_PAGE)) & 1) === 1;
    for (let block = 0; block < blocks; ) {
      if (!present(block)) {
        block++;
        continue;
      }
      const first = block;
      while (block < blocks && block - first < CHUNK / BLOCK && present(block)) block++;
      copyRange(read, fileOffset + first * BLOCK, fd, target + first * BLOCK, buffer, (block - first) * BLOCK);
      progress(done + block * BLOCK);
    }
    page += bytes / WASM_PAGE;
    done += bytes;
  }
  return done;
}

function copyRange(read: Read, from: number, fd: number, to: number, buffer: Buffer, length: number): void {
  for (let at = 0; at < length; ) {
    const count = read(buffer, length - at, from + at);
    if (count === 0)
      throw new InputError('snapshot', `snapshot: it was cut off while being read, at offset ${from + at}`);
    for (let written = 0; written < count; )
      written += writeSync(fd, buffer, written, count - written, to + at + written);
    at += count;
  }
}
