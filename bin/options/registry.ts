/** Options of commands that speak with a registry. */

import type { Options as YargsOption } from 'yargs';
import { once, UsageError } from './usage.js';

/** The values from yargs. */
export interface RegistryOptions {
  readonly plainHttp: boolean;
  readonly ca: string | undefined;
}

export const registryOptions = {
  'plain-http': {
    type: 'boolean',
    default: false,
    describe: 'with a registry: http instead of https; without it only to this machine',
  },
  ca: {
    type: 'string',
    requiresArg: true,
    coerce: once('ca'),
    describe: 'with a registry: FILE: certificates (PEM) that are trusted besides the usual ones',
  },
} satisfies Record<string, YargsOption>;

/** Of a command that speaks with no registry this time. @throws UsageError */
export function refuseRegistry({ plainHttp, ca }: RegistryOptions): void {
  if (plainHttp) throw new UsageError('--plain-http is for registries: oci://HOST/REPOSITORY');
  if (ca !== undefined) throw new UsageError('--ca is for registries: oci://HOST/REPOSITORY');
}
