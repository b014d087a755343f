/** `--store`: the folder in which snapshots are kept by name. */

import type { Options as YargsOption } from 'yargs';
import { once } from './usage.js';

/** The options as yargs gives them. */
export interface StoreOptions {
  readonly store: string | undefined;
}

export const storeOptions = {
  store: {
    type: 'string',
    requiresArg: true,
    coerce: once('store'),
    describe: 'DIR: the store of snapshots; default: $XDG_DATA_HOME/wag-snap/store',
  },
} satisfies Record<string, YargsOption>;
