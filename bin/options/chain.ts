/** `--parent` and `--search`: where the files are that a snapshot with a parent needs besides its own. */

import type { Options as YargsOption } from 'yargs';
import type { ChainPlaces } from '../../src/api/stored-snapshot.js';
import { several } from './usage.js';

/** As yargs has given them. */
export interface ChainOptions {
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
    describe: 'DIR: where such snapshots are (may be repeated)',
  },
} satisfies Record<string, YargsOption>;

/** @param isTemporary whether the snapshot's file is a copy of what came through a pipe: nothing is beside it */
export function chainPlaces({ parent, search }: ChainOptions, isTemporary: boolean): ChainPlaces {
  return { parents: several(parent), search: several(search), beside: !isTemporary };
}
