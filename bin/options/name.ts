/** `--name NAME`: what a workload is called, wherever a command takes a pid. */

import type { Options as YargsOption } from 'yargs';
import { checkName } from '../../src/api/process-options.js';
import { once } from './usage.js';

/** As yargs has given it. */
export interface NameOptions {
  readonly name: string | undefined;
}

export const nameOptions = {
  name: {
    type: 'string',
    requiresArg: true,
    coerce: once('name'),
    describe: 'NAME that it is called by, where commands take a pid',
  },
} satisfies Record<string, YargsOption>;

/** @throws UsageError that says which names there may be */
export function parseName({ name }: NameOptions): string | undefined {
  return name === undefined ? undefined : checkName(name);
}
