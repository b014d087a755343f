/** `--link NAME=MODULE`, of `compile` and `run`: a module that the program is linked to. */

import type { Options as YargsOption } from 'yargs';
import { checkLinkName } from '../../src/api/links.js';
import { several, UsageError } from './usage.js';

/** The value from yargs. */
export interface LinkOptions {
  readonly link: string | string[] | undefined;
}

export const linkOptions = {
  link: {
    type: 'string',
    requiresArg: true,
    describe: 'NAME=MODULE: another module, which the program imports by this name (may be repeated)',
  },
} satisfies Record<string, YargsOption>;

/** One --link. */
export interface Link {
  readonly name: string;
  readonly path: string;
}

/** @throws UsageError */
export function parseLinks({ link }: LinkOptions): Link[] {
  const links: Link[] = [];
  for (const text of several(link)) {
    const split = text.indexOf('=');
    if (split < 1 || split === text.length - 1) throw new UsageError(`--link ${text}: expected NAME=MODULE`);
    const name = checkLinkName(text.slice(0, split));
    if (links.some((other) => other.name === name)) throw new UsageError(`--link: ${name} was given more than once`);
    links.push({ name, path: text.slice(split + 1) });
  }
  return links;
}
