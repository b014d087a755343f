/**
 * Opens a snapshot's file and the files of its ancestors, if it is a difference to others. Reads and checks everything
 * but the contents of memories.
 */

import { type ChainPlaces, locateAncestors } from '../snapshot/chain.js';
import { readSnapshot } from '../snapshot/format.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';

export type { ChainPlaces };
export { readSnapshot };

/** Where ancestors are that are not beside a snapshot. */
export interface ChainOptions {
  /** Files of ancestors. */
  readonly parents?: readonly string[] | undefined;
  /** Folders to search for ancestors. */
  readonly search?: readonly string[] | undefined;
}

/** Opens a snapshot with all of its files. @throws InputError that also names missing files; ToolError */
export function openSnapshot(path: string, places: ChainPlaces = {}): StoredSnapshot {
  return locateAncestors(readSnapshot(path), places);
}

/** The same, but ancestors may be missing. Their contents are then unknown. */
export function openForReading(path: string, places: ChainPlaces = {}): StoredSnapshot {
  const stored = readSnapshot(path);
  try {
    return locateAncestors(stored, places);
  } catch (error) {
    if ((error as { code?: string }).code === 'no-parent') return stored;
    throw error;
  }
}

/** All files of a snapshot, its own first. */
export function filesOf({ path, ancestors = [] }: StoredSnapshot): string[] {
  return [path, ...ancestors.map((file) => file.path)];
}
