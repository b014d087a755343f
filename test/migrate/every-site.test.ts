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
  ['spin', [], 6],
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
const everything = join(import.meta.dirname, 'everything.wat');

for (const [name, args, limit] of programs) {
  test(`${name} goes on from every site`, { timeout: 600_000 }, async () => {
    const own = join(folder, name);
    mkdirSync(own);
    const source = name === 'screens' ? hastyScreens() : name === 'everything' ? everything : programPath(name);
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

/** The program of the README's screen, which computes a hundred thousandth as long. */
function hastyScreens(): Uint8Array {
  const text = readFileSync(programPath('screens').replace('.wasm', '.wat'), 'latin1');
  const hasty = text.replace('(i32.const 300000000)', '(i32.const 3000)');
  expect(hasty).not.toBe(text);
  return Buffer.from(hasty, 'latin1');
}
