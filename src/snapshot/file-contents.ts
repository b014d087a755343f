/**
 * Contents of unlinked files in a snapshot: which descriptors share them, where they are in the file, and whether they
 * are what was written. A snapshot is hostile input.
 */

import { createHash } from 'node:crypto';
import { InputError } from '../base/errors.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE } from './annex-block.js';
import type { Descriptor, FileContents } from './host.js';
import type { Snapshot } from './snapshot.js';
import type { SnapshotFile } from './snapshot-file.js';

const CHUNK = 1 << 20;

/** A file, and the descriptors that have it open. */
export interface SharedContents {
  readonly contents: FileContents;
  readonly fds: readonly number[];
}

/** One for each file, in the order of descriptors. */
export function groupContents(descriptors: readonly Descriptor[]): SharedContents[] {
  const groups = new Map<FileContents, number[]>(); // by object: empty files may have the same place
  for (const { fd, contents } of descriptors) {
    if (contents === undefined) continue;
    const fds = groups.get(contents);
    if (fds === undefined) groups.set(contents, [fd]);
    else fds.push(fd);
  }
  return Array.from(groups, ([contents, fds]) => ({ contents, fds }));
}

/** A row of the annex. */
interface Row {
  readonly fds: readonly number[];
  readonly at: number;
  readonly size: number;
  readonly sha256: string;
}

/**
 * The contents by descriptor. Each belongs to regular files only, and overlaps nothing else in the snapshot's data.
 *
 * @param limit the file offset before which they must end
 * @param fail throws the error
 */
export function placeContents(
  { host, modules, instances }: Snapshot,
  rows: readonly Row[],
  limit: number,
  fail: (what: string) => never,
): Map<number, FileContents> {
  const found = new Map<number, FileContents>();
  if (rows.length === 0) return found;
  const files = new Set(host.descriptors.flatMap(({ fd, kind }) => (kind === 'file' || kind === 'given' ? [fd] : [])));
  const taken: [number, number, string][] = [[0, ANNEX_BLOCK + ANNEX_BLOCK_SIZE, 'its start']];
  for (const { fileOffset, size, file = 0 } of modules) {
    if (fileOffset !== undefined && file === 0) taken.push([fileOffset, fileOffset + size, 'a module']);
  }
  for (const { extents } of instances.flatMap(({ memories }) => memories)) {
    for (const { fileOffset, bytes, file = 0 } of extents)
      if (file === 0) taken.push([fileOffset, fileOffset + bytes, 'a memory']);
  }
  for (const [i, { fds, at, size, sha256 }] of rows.entries()) {
    const what = `contents.${i}`;
    if (at % WASM_PAGE !== 0) fail(`${what}: offset ${at} is not a multiple of ${WASM_PAGE}`);
    if (at + size > limit) fail(`${what}: goes beyond the file's data: offset ${at + size} of ${limit}`);
    if (size > 0) taken.push([at, at + size, what]);
    const contents = { fileOffset: at, size, sha256 };
    for (const fd of fds) {
      if (!files.has(fd)) fail(`${what}: descriptor ${fd} is not a file`);
      if (found.has(fd)) fail(`${what}: descriptor ${fd} has contents already`);
      found.set(fd, contents);
    }
  }
  taken.sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < taken.length; i++) {
    const [from, , what] = taken[i];
    const [, end, before] = taken[i - 1];
    if (from < end) fail(`${what}: its place in the file (offset ${from}) is taken by ${before}`);
  }
  return found;
}

/** @throws InputError when they differ from what was captured */
export async function checkContents(file: SnapshotFile, descriptors: readonly Descriptor[]): Promise<void> {
  const bytes = Buffer.allocUnsafe(CHUNK);
  for (const { contents, fds } of groupContents(descriptors)) {
    const hash = createHash('sha256');
    for (let at = 0; at < contents.size; at += CHUNK) {
      const length = Math.min(CHUNK, contents.size - at);
      await file.read(contents.fileOffset + at, length, bytes, 0);
      hash.update(bytes.subarray(0, length));
    }
    if (hash.digest('hex') !== contents.sha256) {
      throw new InputError('snapshot', `${file.path}: damaged: the hash of the file of descriptor ${fds[0]} differs`);
    }
  }
}
