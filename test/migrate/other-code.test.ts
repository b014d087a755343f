/**
 * Snapshots continue in the code of another compiler version: the same modules with other registers, frames, arguments
 * in slots and functions in another order (src/compile/convention/variation.ts), so that places of values and code
 * differ at most sites. There and back.
 *
 * The seeds differ from run to run, and are in the name of the test; WAGSNAP_SEED sets the first. Which sites are on
 * the way is found out on this machine's CPU.
 */

import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { compareSites } from '../sites/same-sites.js';
import { seed } from '../support/sampling.js';
import { build, canRun, programPath, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';

const folder = temporaryFolder();
const programs: readonly (readonly [program: string, ...args: string[]])[] = [
  [join(import.meta.dirname, 'everything.wat')],
  [join(import.meta.dirname, 'tail-calls.wat')],
  [join(import.meta.dirname, 'vectors.wat')],
  [programPath('quicksort'), '100'],
  [programPath('nbody'), '10'],
  [programPath('callchain'), '50'],
];
const arches = (['x64', 'arm64'] as const).filter(canRun);
const cases = arches.flatMap((arch) =>
  programs.map(([program, ...args], i) => ({ arch, program, name: basename(program), args, variation: seed + i })),
);
/** Of a program's sites that are on its way: an emulated process takes its time. */
const REACHED = { x64: 8, arm64: 3 };

test.each(cases)('seed $variation: $name on $arch', async (example) => {
  const { arch, program, name, args, variation } = example;
  const own = join(folder, `${name}-${arch}`);
  mkdirSync(own);
  const usual = await build(program, join(own, 'usual'), { arch });
  const other = await build(program, join(own, 'other'), { arch, variation });
  expect(compareSites(usual.image, other.image).differences).toEqual([]);
  const native = await build(program, join(own, 'native'));
  const found = await captureAtEverySite(native, own, { args }, { reached: REACHED[arch], seed: variation });
  expect(found.failures).toEqual([]);
  const sites = sitesIn(usual, native, found.reached);
  const there = await captureAtEverySite(usual, own, { args }, sites.length, other, sites);
  expect(there.failures).toEqual([]);
  expect(there.reached).toEqual(sites);
  const reached = sitesIn(other, usual, there.reached);
  const back = await captureAtEverySite(other, own, { args }, reached.length, usual, reached);
  expect(back.failures).toEqual([]);
  console.log(`${there.reached.length} sites there, ${back.reached.length} back`);
  expect(back.reached).toEqual(reached);
});
