/**
 * Bytes of files that are in a store only because a chain needs some other part of them: after their own generation was
 * removed, and later ones have written most of their pages again.
 */

import { statSync } from 'node:fs';
import { unpackedBytes } from '../packing/packed-header.js';
import type { LocatedFile, StoredSnapshot } from '../snapshot.js';
import { storedRuns } from '../stored-runs.js';

/**
 * Whether a chain has more dead bytes than it has others. Then the next snapshot is better whole: after it, and when
 * this one is removed, the files go.
 *
 * @param stored the newest snapshot of a chain, whose ancestors have been found
 * @param unowned for each ancestor: whether it is the own file of no generation. Only asked if that could matter
 */
export function isMostlyDead(stored: StoredSnapshot, unowned: () => readonly boolean[]): boolean {
  const { ancestors = [] } = stored;
  const used = ancestors.map((_, i) => liveBytes(stored, i + 1));
  const live = liveBytes(stored, 0) + sumOf(used);
  const unused = ancestors.map((file, i) => Math.max(contentsOf(file) - used[i], 0));
  if (sumOf(unused) <= live) return false;
  const isUnowned = unowned();
  return sumOf(unused.filter((_, i) => isUnowned[i])) > live;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** What a snapshot has in one of its files, by the file's number as in Extent.file. */
function liveBytes({ snapshot: { modules, instances } }: StoredSnapshot, number: number): number {
  let bytes = 0;
  for (const run of storedRuns(instances, number)) bytes += run.bytes;
  for (const { file = 0, fileOffset, size } of modules) if (file === number && fileOffset !== undefined) bytes += size;
  return bytes;
}

/** Bytes of a file before it was packed, without its holes. */
function contentsOf({ path, packing }: LocatedFile): number {
  return packing === undefined ? statSync(path).blocks * 512 : unpackedBytes(packing.index);
}
