/**
 * Opens a snapshot's file and the files of its ancestors, if it is a difference to others. Reads and checks everything
 * but the contents of memories.
 */

import { type ChainPlaces, locateAncestors } from '../snapshot/chain.js';
import { Opener } from '../snapshot/opener.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { openerFor, type TrustOptions } from './seal-options.js';

/** Where the files of a snapshot are, and what opens them. */
export interface SnapshotPlaces extends ChainPlaces {
  /** Its name in a store, for a policy. */
  readonly name?: string | undefined;
}

/** Where ancestors are that are not beside a snapshot, and what opens the files. */
export interface ChainOptions extends TrustOptions {
  /** Files of ancestors. */
  readonly parents?: readonly string[] | undefined;
  /** Folders to search for ancestors. */
  readonly search?: readonly string[] | undefined;
}

/** Reads the files that the options name. @throws UsageError, InputError, ToolError */
export async function placesFor({ parents, search, ...trust }: ChainOptions): Promise<SnapshotPlaces> {
  return { parents, search, opener: await openerFor(trust) };
}

/** Opens a snapshot with all of its files. @throws InputError that also names missing files; ToolError */
export async function openSnapshot(path: string, places: SnapshotPlaces = {}): Promise<StoredSnapshot> {
  return locateAncestors(await readOwn(path, places), places);
}

/** The same, but ancestors may be missing. Their contents are then unknown. */
export async function openForReading(path: string, places: SnapshotPlaces = {}): Promise<StoredSnapshot> {
  const stored = await readOwn(path, places);
  try {
    return await locateAncestors(stored, places);
  } catch (error) {
    if ((error as { code?: string }).code === 'no-parent') return stored;
    throw error;
  }
}

/** Reads the snapshot's own file. */
export function readOwn(path: string, { opener = new Opener(), name }: SnapshotPlaces = {}): Promise<StoredSnapshot> {
  return opener.read(path, name);
}

/** All files of a snapshot, its own first. */
export function filesOf({ path, ancestors = [] }: StoredSnapshot): string[] {
  return [path, ...ancestors.map((file) => file.path)];
}
