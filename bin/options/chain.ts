/**
 * `--parent`, `--search` and `--store`: where the files are that a snapshot with a parent needs besides its own; and what
 * opens them (trust.ts).
 */

import type { Options as YargsOption } from 'yargs';
import type { SnapshotPlaces } from '../../src/api/stored-snapshot.js';
import { type StoreOptions, storeOptions } from './store.js';
import { type TrustOptions, trust, trustOptions } from './trust.js';
import { several } from './usage.js';

/** The values from yargs. */
export interface ChainOptions extends StoreOptions, TrustOptions {
  readonly parent: string | string[] | undefined;
  readonly search: string | string[] | undefined;
}

export const chainOptions = {
  parent: {
    type: 'string',
    requiresArg: true,
    describe: 'FILE: a snapshot that this one is a difference to, if it is not beside it (may be repeated)',
  },
  search: {
    type: 'string',
    requiresArg: true,
    describe: 'DIR: a folder with such snapshots (may be repeated)',
  },
  ...storeOptions,
  ...trustOptions,
} satisfies Record<string, YargsOption>;

/** What is known of the snapshot's own file. */
interface Input {
  /** It is a copy of what came through a pipe: nothing is beside it. */
  readonly isTemporary: boolean;
  /** It is in a store, which knows the others. */
  readonly parents: readonly string[] | undefined;
  /** As the user gave it. */
  readonly name: string;
}

/** Reads the files of keys that the options name. @throws UsageError, InputError, ToolError */
export async function chainPlaces(
  { parent, search, ...given }: ChainOptions,
  { isTemporary, parents, name }: Input,
): Promise<SnapshotPlaces> {
  const { openerFor } = await import('../../src/api/seal-options.js');
  return {
    opener: await openerFor(trust(given)),
    name: parents === undefined ? undefined : name.split(':')[0],
    parents: [...(parents ?? []), ...several(parent)],
    search: several(search),
    beside: !isTemporary && parents === undefined,
  };
}
