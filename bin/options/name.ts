/** `--name NAME`: what a workload is called, wherever a command takes a pid. */

import type { Options as YargsOption } from 'yargs';
import { quoted } from '../../src/base/terminal-text.js';
import { NAME_RULE, NAME_VARIABLE, nameProblem } from '../../src/image/workload-name.js';
import { once, UsageError } from './usage.js';

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
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem === undefined) return name;
  throw new UsageError(`--name ${quoted(name ?? '')}: ${problem}; a name is ${NAME_RULE}`);
}

/** By which an image is told. */
export function nameVariable(name: string | undefined): Record<string, string> {
  return name === undefined ? {} : { [NAME_VARIABLE]: name };
}
