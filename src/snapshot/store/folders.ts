/** The folders of a store: made so that a power failure does not lose them, and checked before anything is written. */

import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createFolders } from '../../base/create-folders.js';
import { InputError, reading, writeFailure } from '../../base/errors.js';
import { syncFolder } from '../../base/output.js';
import { SPARE } from './spare.js';

/** Makes a folder and those above it that are missing, for their owner only, durably. @throws ToolError */
export function makeFolders(path: string): void {
  let first: string | undefined;
  try {
    first = createFolders(path);
  } catch (error) {
    throw writeFailure(path, error);
  }
  if (first === undefined) return;
  // A new name is durable once the folder that has it is synced.
  const top = dirname(resolve(first));
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    syncFolder(at);
    if (at === top || at === dirname(at)) return;
  }
}

/** Bytes of oci-layout: Node ends this process when it reads a text that is larger than its memory. */
const LAYOUT_MAX = 1 << 16;
const FOLDERS = ['blobs', 'blobs/sha256', 'ingest', 'lock'];
/** Which repositories of registries have files of the store. */
export const REGISTRIES = 'registries.json';
/** Files of a store beside its folders. */
export const FILES = ['index.json', 'oci-layout', SPARE, REGISTRIES];

/**
 * Whether a folder is a store.
 *
 * @throws InputError when something in it is of another kind than in a store; ToolError
 */
export function isStore(folder: string): boolean {
  checkPlaces(folder);
  const path = join(folder, 'oci-layout');
  const size = reading(path, () => lstatSync(path, { throwIfNoEntry: false }))?.size ?? 0;
  if (size > LAYOUT_MAX)
    throw new InputError('store', `${path}: has ${size} bytes, too many for the layout of a store`);
  // an early version could leave an empty one when it was killed
  return size > 0;
}

/**
 * Checks that what a store consists of is in its own folder. A link in it could have other files removed or replaced, a
 * FIFO would be waited for.
 */
function checkPlaces(store: string): void {
  const check = (name: string, kind: 'folder' | 'file') => {
    const path = join(store, name);
    const stat = reading(path, () => lstatSync(path, { throwIfNoEntry: false }));
    if (stat === undefined || (kind === 'folder' ? stat.isDirectory() : stat.isFile())) return;
    throw new InputError('store', `${path}: is not a ${kind}, as it must be in a store, also not by a link`);
  };
  for (const name of FOLDERS) check(name, 'folder');
  for (const name of FILES) check(name, 'file');
}

/** What to do about a folder that is no store: nodes of the lattice keep one for each job below theirs. */
export function adviceWithoutStore(folder: string): string {
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
  const entries = isFolder ? reading(folder, () => readdirSync(folder, { withFileTypes: true })) : [];
  const found = entries.find((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'oci-layout')));
  return found === undefined
    ? 'wag-snap capture -t NAME makes one'
    : `but folders in it are stores: --store ${join(folder, found.name)}`;
}
