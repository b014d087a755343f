/**
 * Finds the world of a component, as far as possible. The binary does not name it, but each world of WASI has an export
 * of its own.
 */

import { Sort } from './definitions.js';
import type { Graph } from './instantiate.js';

const RUN = /^wasi:cli\/run@0\.2\.\d+$/;

/** By the interface that only this world exports. */
const WORLDS: readonly (readonly [marker: RegExp, world: string])[] = [
  [/^wasi:cli\/run@(.+)$/, 'wasi:cli/command'],
  [/^wasi:http\/incoming-handler@(.+)$/, 'wasi:http/proxy'],
  [/^wasi:http\/handler@(.+)$/, 'wasi:http/service'],
];

/** The name of the export that makes a component a command of WASI 0.2. */
export function commandInterface({ exports }: Graph): string | undefined {
  for (const [name, { sort }] of exports) if (sort === Sort.Instance && RUN.test(name)) return name;
  return undefined;
}

/** `wasi:cli/command@0.2.6`; undefined: it is none of WASI's. */
export function worldName({ exports }: Graph): string | undefined {
  for (const [marker, world] of WORLDS) {
    for (const name of exports.keys()) {
      const version = marker.exec(name)?.[1];
      if (version !== undefined) return `${world}@${version}`;
    }
  }
  return undefined;
}
