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

const everything = join(import.meta.dirname, 'everything.wat');
const atomics = join(import.meta.dirname, 'atomics.wat');
const vectors = join(import.meta.dirname, 'vectors.wat');
/** Has memories that memories.wat imports. */
const LIBRARY = `(module
  (memory (export "shared") 1 3)
  (memory (export "wide") i64 2 0x20000)
  (func (export "sum") (result i32)
    (i32.add (i32.load8_u (i32.const 20)) (i32.load8_u 1 (i64.const 65536)))))`;

/** Has a tag, a function that throws and a global that exceptions.wat imports. */
const THROWER = `(module
  (tag $fault (export "fault") (param i64 i32))
  (global (export "kept") (mut exnref) (ref.null exn))
  (func (export "fail") (param i32) (throw $fault (i64.const -1) (local.get 0))))`;

export const smallPrograms: readonly SmallProgram[] = [
  fixture('hello'),
  { name: 'everything', args: [], source: everything },
  { name: 'atomics', args: [], source: atomics },
  { name: 'vectors', args: [], source: vectors },
  {
    name: 'memories',
    args: [],
    source: join(import.meta.dirname, 'memories.wat'),
    linked: { library: LIBRARY },
  },
  { name: 'memory64', args: [], source: join(import.meta.dirname, 'memory64.wat') },
  { name: 'tail-calls', args: [], source: join(import.meta.dirname, 'tail-calls.wat') },
  {
    name: 'exceptions',
    args: [],
    source: join(import.meta.dirname, 'exceptions.wat'),
    linked: { library: THROWER },
  },
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
