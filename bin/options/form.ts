/** `--compress`, `--encrypt-to` and `--sign-key`: how a snapshot's file is written. */

import type { Options as YargsOption } from 'yargs';
import type { FormOptions as Form } from '../../src/api/seal-options.js';
import { once, several } from './usage.js';

/** The values from yargs. */
export interface FormOptions {
  readonly compress: string | undefined;
  readonly encryptTo: string | string[] | undefined;
  readonly signKey: string | undefined;
}

export const formOptions = {
  compress: {
    type: 'string',
    requiresArg: true,
    coerce: once('compress'),
    describe: 'zstd[:LEVEL]: compress the file; levels are 1 (default, fast) to 19',
  },
  'encrypt-to': {
    type: 'string',
    requiresArg: true,
    describe: 'age1..., or FILE with one a line: encrypt the file for this age recipient (may be repeated)',
  },
  'sign-key': {
    type: 'string',
    requiresArg: true,
    coerce: once('sign-key'),
    describe: 'FILE: sign the file with this ed25519 key (wag-snap keys --signing FILE makes one)',
  },
} satisfies Record<string, YargsOption>;

export function form({ compress, encryptTo, signKey }: FormOptions): Form {
  return { compress, encryptTo: several(encryptTo), signKey };
}
