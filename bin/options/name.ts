/** `--name NAME`: the workload's name, which commands take in place of a pid. */

import type { Options as YargsOption } from 'yargs';
import { checkName } from '../../src/api/process-options.js';
import { once } from './usage.js';

/** The value from yargs. */
export interface NameOptions {
  readonly name: string | undefined;
}

export const nameOptions = {
  name: {
    type: 'string',
    requiresArg: true,
    coerce: once('name'),
    describe: 'NAME of the workload, which commands take in place of its pid',
  },
} satisfies Record<string, YargsOption>;

/** @throws UsageError that says which names are valid */
export function parseName({ name }: NameOptions): string | undefined {
  return name === undefined ? undefined : checkName(name);
}
