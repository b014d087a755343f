/**
 * Writes the contents of unlinked files from a snapshot into a self-contained file. They follow the pages, each at a
 * multiple of 64 KiB. Blocks of zeros stay holes.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import { writeAt } from '../base/output.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import type { SharedContents } from '../snapshot/file-contents.js';
import { BLOCK, BLOCKS_PER_PAGE, usedBlocks } from '../snapshot/page-blocks.js';

/** Bytes that they take. */
export function sizeOfFiles(files: readonly SharedContents[]): number {
  return files.reduce((sum, { contents }) => sum + slotBytes(contents.size), 0);
}

/** The files as they lie in another file from `start` on. */
export function moveFiles(files: readonly SharedContents[], start: number): SharedContents[] {
  let at = start;
  return files.map(({ contents, fds }) => {
    const fileOffset = at;
    at += slotBytes(contents.size);
    return { fds, contents: { ...contents, fileOffset } };
  });
}

/** Copies them from the snapshot at `path` to where moveFiles has put them. @throws InputError */
export function copyFiles(
  path: string,
  files: readonly SharedContents[],
  moved: readonly SharedContents[],
  fd: number,
): void {
  if (files.length === 0) return;
  const source = reading(path, () => openSync(path, 'r'));
  const bytes = Buffer.from(new ArrayBuffer(WASM_PAGE));
  const words = new Int32Array(bytes.buffer);
  try {
    for (const [i, { contents }] of files.entries()) {
      for (let at = 0; at < contents.size; at += WASM_PAGE) {
        const length = Math.min(WASM_PAGE, contents.size - at);
        readPage(path, source, bytes, length, contents.fileOffset + at);
        const used = usedBlocks(bytes, words, 0, 0xffff);
        for (let n = 0; n < BLOCKS_PER_PAGE; n++) {
          if ((used & (1 << n)) === 0) continue;
          writeAt(fd, bytes.subarray(n * BLOCK, (n + 1) * BLOCK), moved[i].contents.fileOffset + at + n * BLOCK);
        }
      }
    }
  } finally {
    closeSync(source);
  }
}

function readPage(path: string, source: number, bytes: Buffer, length: number, from: number): void {
  bytes.fill(0, length);
  for (let done = 0; done < length; ) {
    const got = reading(path, () => readSync(source, bytes, done, length - done, from + done));
    if (got === 0)
      throw new InputError('snapshot', `${path}: it was cut off while being read, at offset ${from + done}`);
    done += got;
  }
}

function slotBytes(size: number): number {
  return Math.ceil(size / WASM_PAGE) * WASM_PAGE;
}
