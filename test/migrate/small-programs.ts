/**
 * The small programs of fixtures, with the least work that still goes everywhere: for tests that run them at each of
 * their sites.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../support/workload.js';

export interface SmallProgram {
  readonly name: string;
  readonly args: readonly string[];
  /** A path, or a module's text. */
  readonly source: string | Uint8Array;
  /** Modules that it is linked to: see build. */
  readonly linked?: Readonly<Record<string, string>>;
}

const here = (name: string) => join(import.meta.dirname, `${name}.wat`);
const textOf = (name: string) => readFileSync(here(name), 'latin1');

export const smallPrograms: readonly SmallProgram[] = [
  fixture('hello'),
  { name: 'everything', args: [], source: here('everything') },
  { name: 'atomics', args: [], source: here('atomics') },
  { name: 'vectors', args: [], source: here('vectors') },
  { name: 'memories', args: [], source: here('memories'), linked: { library: textOf('library') } },
  { name: 'memory64', args: [], source: here('memory64') },
  { name: 'tail-calls', args: [], source: here('tail-calls') },
  { name: 'exceptions', args: [], source: here('exceptions'), linked: { library: textOf('thrower') } },
  { name: 'screens', args: [], source: hasty('screens', '(i32.const 300000000)', '(i32.const 3000)') },
  { name: 'spin', args: [], source: hasty('spin', '(i64.const 1000000000)', '(i64.const 1000)') },
  fixture('fib', '12'),
  fixture('throwing'),
  fixture('callchain', '50'),
  fixture('deep', '40', '100'),
  fixture('growmem', '2'),
  fixture('hashmap', '300'),
  fixture('interp', '1'),
  fixture('mandelbrot', '10'),
  fixture('nan', '1'),
  fixture('nbody', '10'),
  fixture('quicksort', '100'),
  fixture('sha256', '1'),
  fixture('fileio', '20'),
];

function fixture(name: string, ...args: string[]): SmallProgram {
  return { name, args, source: programPath(name) };
}

/** A program with less to do: a constant of its text is replaced. */
function hasty(name: string, from: string, to: string): Uint8Array {
  const text = readFileSync(programPath(name).replace('.wasm', '.wat'), 'latin1');
  if (!text.includes(from)) throw new Error(`${name}.wat has no ${from}`);
  return Buffer.from(text.replace(from, to), 'latin1');
}
