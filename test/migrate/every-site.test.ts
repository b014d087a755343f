/** Each small program is captured at every site that it reaches: see every-site.ts. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, programPath, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';

const ALL = 100_000;

/** With the least work that still goes everywhere, and how many sites are tried of the larger ones. */
const programs: readonly (readonly [name: string, args: readonly string[], limit: number])[] = [
  ['hello', [], ALL],
  ['everything', [], ALL],
  ['screens', [], ALL],
  ['spin', [], ALL],
  ['fib', ['12'], ALL],
  ['callchain', ['50'], ALL],
  ['deep', ['40', '100'], ALL],
  ['growmem', ['2'], ALL],
  ['hashmap', ['300'], ALL],
  ['interp', ['1'], ALL],
  ['mandelbrot', ['10'], ALL],
  ['nan', ['1'], ALL],
  ['nbody', ['10'], ALL],
  ['quicksort', ['100'], ALL],
  ['sha256', ['1'], ALL],
  ['fileio', ['20'], 400],
];

const folder = temporaryFolder();

/** Modules that are not a program of fixtures as it is. */
const sources: Readonly<Record<string, () => string | Uint8Array>> = {
  everything: () => join(import.meta.dirname, 'everything.wat'),
  screens: () => hasty('screens', '(i32.const 300000000)', '(i32.const 3000)'),
  spin: () => hasty('spin', '(i64.const 1000000000)', '(i64.const 1000)'),
};

for (const [name, args, limit] of programs) {
  test(`${name} goes on from every site`, { timeout: 600_000 }, async () => {
    const own = join(folder, name);
    mkdirSync(own);
    const source = sources[name]?.() ?? programPath(name);
    const built = await build(source, join(own, 'image'));
    const start = performance.now();
    const result = await captureAtEverySite(
      built,
      own,
      { args, dirs: [{ host: own, guest: '.', readOnly: false }] },
      limit,
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${name}: ${result.sites} sites, ${result.tried} tried, ${result.reached} reached, ${seconds} s`);
    expect(result.failures).toEqual([]);
    expect(result.reached).toBeGreaterThan(0);
  });
}

/** A program with less to do: a constant of its text is replaced. */
function hasty(name: string, from: string, to: string): Uint8Array {
  const text = readFileSync(programPath(name).replace('.wasm', '.wat'), 'latin1');
  expect(text).toContain(from);
  return Buffer.from(text.replace(from, to), 'latin1');
}
