/**
 * The file of a snapshot, and those that it needs besides: the files of its ancestors, if it is a difference to others.
 * All but the contents of memories is read and checked.
 */

import { type ChainPlaces, locateAncestors } from '../snapshot/chain.js';
import { readSnapshot } from '../snapshot/format.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';

export type { ChainPlaces };
export { readSnapshot };

/** Where the files of ancestors are that are not beside a snapshot. */
export interface ChainOptions {
  /** Snapshots that it is a difference to. */
  readonly parents?: readonly string[] | undefined;
  /** Folders in which those may be. */
  readonly search?: readonly string[] | undefined;
}

/** With all of its files. @throws InputError that also names the files that are missing; ToolError */
export function openSnapshot(path: string, places: ChainPlaces = {}): StoredSnapshot {
  return locateAncestors(readSnapshot(path), places);
}

/** The same, but its ancestors may be missing: what is in their files is not known then. */
export function openForReading(path: string, places: ChainPlaces = {}): StoredSnapshot {
  const stored = readSnapshot(path);
  try {
    return locateAncestors(stored, places);
  } catch (error) {
    if ((error as { code?: string }).code === 'no-parent') return stored;
    throw error;
  }
}

/** All files that it is in, its own first. */
export function filesOf({ path, ancestors = [] }: StoredSnapshot): string[] {
  return [path, ...ancestors.map((file) => file.path)];
}
