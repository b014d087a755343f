/** `--identity`, `--verify-key` and `--policy`: what opens encrypted snapshots, and which snapshots are trusted. */

import type { Options as YargsOption } from 'yargs';
import type { TrustOptions as Trust } from '../../src/api/seal-options.js';
import { once, several, UsageError } from './usage.js';

/** The values from yargs. */
export interface TrustOptions {
  readonly identity: string | string[] | undefined;
  readonly verifyKey: string | string[] | undefined;
  readonly policy: string | undefined;
}

export const trustOptions = {
  identity: {
    type: 'string',
    requiresArg: true,
    describe: 'FILE: an age identity that can read encrypted snapshots (may be repeated)',
  },
  'verify-key': {
    type: 'string',
    requiresArg: true,
    describe: 'ed25519:..., or FILE: a key, one of which must have signed the snapshot (may be repeated)',
  },
  policy: {
    type: 'string',
    requiresArg: true,
    coerce: once('policy'),
    describe: 'FILE: which snapshots are trusted; default: ~/.config/wag-snap/policy.json, if it is there',
  },
} satisfies Record<string, YargsOption>;

/** Of a command that reads no snapshot. @throws UsageError */
export function refuseTrust({ identity, verifyKey, policy }: TrustOptions): void {
  const given = Object.entries({ identity, 'verify-key': verifyKey, policy }).find(([, value]) => value !== undefined);
  if (given !== undefined) throw new UsageError(`--${given[0]} is for reading snapshots, and none is read`);
}

export function trust({ identity, verifyKey, policy }: TrustOptions): Trust {
  return { identities: several(identity), verifyKeys: several(verifyKey), policy };
}
