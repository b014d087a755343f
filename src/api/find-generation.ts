/** Finds the snapshot of a store that a text on the command line names. */

import { resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { adviceWithoutStore } from '../snapshot/store/folders.js';
import { readReference } from '../snapshot/store/reference.js';
import { SnapshotStore } from '../snapshot/store/store.js';
import { type HeldGeneration, hold } from './held-generation.js';
import { defaultStore } from './store.js';

export type { HeldGeneration };

/**
 * Finds the generation that a text names where there is no file of that name. Its files can be read until the caller
 * closes them.
 *
 * @param text NAME:TAG, or NAME for the newest one
 * @param folder of the store
 * @param others what else the text could have named: `no such file, and`
 * @returns undefined when the text cannot be such a name
 * @throws InputError 'no-generation', 'no-store' that says what was looked for
 */
export async function holdGeneration(
  text: string,
  folder: string | undefined,
  others: string,
): Promise<HeldGeneration | undefined> {
  const reference = readReference(text);
  if (reference === undefined) return undefined;
  const path = resolve(folder ?? defaultStore());
  let store: SnapshotStore;
  try {
    store = SnapshotStore.open(path);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'no-store') throw error;
    const advice = adviceWithoutStore(path);
    throw new InputError(error.code, `${text}: ${others} no store of snapshots in ${path}: ${advice}`);
  }
  return hold(store, reference, others);
}
