/**
 * Chains of hops between CPUs and compiler versions: each hop goes from x86-64 to ARM64 or back, at a random moment,
 * and every second image of a CPU is one that another version of the compiler might have made
 * (src/compile/convention/variation.ts).
 *
 * Moments and versions come from a seed, which is in each test's name; WAGSNAP_SEED sets it. An exhaustive run makes
 * fifty hops of runs that are as much longer. Needs qemu-user; the Lua script needs what test/e2e needs.
 */

import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as debian from '../e2e/debian-source.js';
import { random } from '../support/random.js';
import { exhaustive, seed } from '../support/sampling.js';
import { type Built, build, canRun, type Ending, programPath, temporaryFolder, Workload } from '../support/workload.js';
import { hopChains } from './hop-chain.js';

const HOPS = exhaustive ? 50 : 4;
const scaled = (count: number) => String(exhaustive ? count * 4 : count);

/** A fraction of a second on x86-64, some seconds under qemu-user. */
const programs: readonly (readonly [name: string, ...args: string[]])[] = [
  ['hashmap', scaled(400_000)],
  ['growmem', scaled(100)],
  ['deep', '50000', scaled(30_000_000)],
  ['fileio', scaled(20_000)],
  ['nan', scaled(1000)],
  ['callchain', scaled(200_000)],
];

const able = canRun('x64') && canRun('arm64');

describe.runIf(able)(`crossing, seed ${seed}`, () => {
  const folder = temporaryFolder();
  const here = process.arch === 'arm64' ? 'arm64' : 'x64';

  test.each(programs)('%s continues', { timeout: 900_000 }, async (name, ...args) => {
    const own = join(folder, name);
    mkdirSync(own);
    await crossAndCompare(name, programPath(name), own, args);
  });

  test('a Lua script continues', { timeout: 900_000 }, async ({ skip }) => {
    const lua = await debian.build(debian.lua);
    if ('missing' in lua) return skip(lua.missing);
    const own = join(folder, 'lua');
    mkdirSync(own);
    cpSync(resolve('test/e2e/lua/script.lua'), join(own, 'script.lua'));
    await crossAndCompare('lua', lua.wasm, own, ['script.lua', scaled(8)]);
  });

  async function crossAndCompare(name: string, module: string, own: string, args: string[]): Promise<void> {
    const next = random(seed);
    const image = (arch: 'x64' | 'arm64', variation?: number) =>
      build(module, join(own, `${arch}-${variation ?? 'usual'}`), { arch, variation, deterministic: true });
    const images = [await image('x64'), await image('arm64', seed), await image('x64', seed), await image('arm64')];
    const options = { args, dirs: [{ host: own, guest: '.', readOnly: false }] };

    const runs = new Map<string, { ending: Ending; duration: number }>();
    for (const built of [images[0], images[3]]) {
      const start = performance.now();
      const ending = await Workload.start(built.path, options).ended();
      runs.set(built.target.name, { ending, duration: performance.now() - start });
    }
    const whole = runs.get(here)!.ending;
    expect(runs.get('arm64')!.ending).toEqual(runs.get('x64')!.ending);
    const wait = ({ target }: Built) => (next() * runs.get(target.name)!.duration) / HOPS;
    const chains = await hopChains(images, HOPS, wait, own, options);
    const hops = chains.map((chain) => chain.hops).join(' + ');
    const durations = [...runs].map(([arch, { duration }]) => `${duration.toFixed(0)} ms on ${arch}`);
    console.log(`${name}: ${hops} hops in runs of ${durations.join(' and ')}`);
    for (const { ending } of chains) expect(ending).toEqual(whole);
  }
});

if (!able) test.skip('was not run: install qemu-user-static', () => {});
