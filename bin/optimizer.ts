/**
 * How V8 optimizes this program: with little inlining. A command compiles for a second or two, and half of that would
 * be V8 inlining the code generator into itself; the code that comes of it is no faster than what it takes to make it
 * (SQLite, 0.9 MB: 30 % less process time without; esbuild, 14 MB: 8 %).
 *
 * The program's own business: a library leaves the options of its host alone.
 */

import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function may inline, besides calls of the smallest functions; V8's default is 920. */
const INLINED = 100;

/** V8 prints a line when it does not know an option: these versions are known to have it (Node 20 to 24). */
const [FIRST, LAST] = [11, 13];

/** To be called before anything is worth optimizing. */
export function inlineLittle(): void {
  const version = Number.parseInt(process.versions.v8, 10);
  if (version >= FIRST && version <= LAST) setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED}`);
}
