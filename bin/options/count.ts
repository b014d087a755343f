/** `--count N` and `--output-dir DIR`: clones, several processes that continue the same snapshot. */

import type { Options as YargsOption } from 'yargs';
import { checkCount } from '../../src/api/clones.js';
import { once } from './usage.js';

/** As yargs has given them. */
export interface CountOptions {
  readonly count: string | undefined;
  readonly outputDir: string | undefined;
}

export const countOptions = {
  count: {
    type: 'string',
    requiresArg: true,
    coerce: once('count'),
    describe: 'N: how many processes continue with it, which share the memory that none of them writes',
  },
  'output-dir': {
    type: 'string',
    requiresArg: true,
    coerce: once('output-dir'),
    describe: 'with --count: the folder that gets what each prints, NAME-NUMBER.out and .err',
  },
} satisfies Record<string, YargsOption>;

/** @throws UsageError */
export function parseCount({ count }: Pick<CountOptions, 'count'>): number | undefined {
  return count === undefined ? undefined : checkCount(/^\d{1,9}$/.test(count) ? Number(count) : NaN, count);
}
