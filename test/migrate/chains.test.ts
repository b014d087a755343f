/**
 * Some hops, ten in an exhaustive run: a program is captured at a random moment, ended, restored, captured again from there, and so on. What all
 * the pieces print is what an unbroken run prints. Half of the hops go through a self-contained image.
 *
 * The moments come from a seed, printed with a failure; WAGSNAP_SEED sets it.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { capturePid } from '../support/capture.js';
import { random } from '../support/random.js';
import { sized } from '../support/sampling.js';
import { build, type Ending, programPath, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { endsByItself, hopChains } from './hop-chain.js';

const HOPS = sized(5, 10);

/** Each runs for about half a second. */
const programs: readonly (readonly [name: string, ...args: string[]])[] = [
  ['fib', '38'],
  ['callchain', '600000'],
  ['deep', '100000', '100000000'],
  ['growmem', '300'],
  ['hashmap', '1000000'],
  ['interp', '600'],
  ['mandelbrot', '2000'],
  ['nan', '3000'],
  ['nbody', '6000000'],
  ['quicksort', '400000'],
  ['sha256', '60000'],
  ['fileio', '60000'],
  ['sleeper', '500'],
  ['clock'],
];

const folder = temporaryFolder();
const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

for (const [name, ...args] of programs) {
  test(`${name} continues over ${HOPS} hops (seed ${seed})`, { timeout: 300_000 }, async () => {
    const next = random(seed);
    const own = join(folder, name);
    mkdirSync(own);
    const dirs = [{ host: own, guest: '.', readOnly: false }];
    const built = await build(programPath(name), join(own, 'image'));
    const start = performance.now();
    const whole = await Workload.start(built.path, { args, dirs }).ended();
    const duration = performance.now() - start;

    const wait = () => (next() * duration * 1.2) / HOPS;
    const chains = await hopChains([built], HOPS, wait, own, { args, dirs });
    const hops = chains.map((chain) => chain.hops).join(' + ');
    console.log(`${name}: ${hops} hops in a run of ${duration.toFixed(0)} ms`);
    for (const { ending } of chains) expect(ending).toEqual(whole);
  });
}

test(`a captured program continues unharmed (seed ${seed})`, { timeout: 300_000 }, async () => {
  const next = random(seed);
  const built = await build(programPath('hashmap'), join(folder, 'unharmed'));
  const options = { args: ['1000000'] };
  const start = performance.now();
  const whole = await Workload.start(built.path, options).ended();
  const duration = performance.now() - start;

  let captures = 0;
  for (let runs = 0; captures < 5; runs++) {
    expect(runs, 'runs that ended before five captures were made').toBeLessThan(20);
    const wait = () => (next() * duration * 0.8 ** runs) / 5;
    const files = await captureWhileItRuns(Workload.start(built.path, options), 5 - captures, wait, whole);
    for (const file of files) {
      const rest = await (await restoreAndStart(file, built, join(folder, 'unharmed-resumable'))).ended();
      expect(rest.code).toBe(whole.code);
      expect(whole.stdout.endsWith(rest.stdout)).toBe(true);
    }
    captures += files.length;
  }
});

/** At most `count` snapshots of a workload that continues after each; fewer when it has ended before. */
async function captureWhileItRuns(
  workload: Workload,
  count: number,
  wait: () => number,
  whole: Ending,
): Promise<readonly string[]> {
  const files: string[] = [];
  while (files.length < count) {
    await sleep(wait());
    const file = join(folder, `unharmed-${files.length}.wsnap`);
    try {
      await capturePid(workload.pid, { output: file });
    } catch (error) {
      if (await endsByItself(workload)) break;
      workload.kill();
      throw error;
    }
    files.push(file);
  }
  expect(await workload.ended()).toEqual(whole);
  return files;
}
