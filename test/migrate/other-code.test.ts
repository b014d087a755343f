/**
 * Snapshots go on in the code of another compiler version: the same modules with other registers, frames, arguments in
 * slots and functions in another order (src/compile/variation.ts), so that places of values and code differ at most
 * sites. There and back.
 *
 * The seeds differ from run to run, and are in the name of the test; WAGSNAP_SEED sets the first.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareSites } from '../sites/same-sites.js';
import { build, programPath, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';

const folder = temporaryFolder();
const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const programs: readonly (readonly [program: string, ...args: string[]])[] = [
  [join(import.meta.dirname, 'everything.wat')],
  [programPath('quicksort'), '100'],
  [programPath('nbody'), '10'],
  [programPath('callchain'), '50'],
];
const cases = programs.map(([program, ...args], i) => ({ program, args, variation: seed + i }));

test.each(cases)('seed $variation: $program', { timeout: 300_000 }, async ({ program, args, variation }) => {
  const own = join(folder, program.replace(/.*\//, ''));
  mkdirSync(own);
  const usual = await build(program, join(own, 'usual'));
  const other = await build(program, join(own, 'other'), { variation });
  expect(compareSites(usual.image, other.image).differences).toEqual([]);
  const there = await captureAtEverySite(usual, own, { args }, 150, other);
  expect(there.failures).toEqual([]);
  const reached = sitesIn(other, usual, there.reached);
  const back = await captureAtEverySite(other, own, { args }, 150, usual, reached);
  expect(back.failures).toEqual([]);
  console.log(`${there.reached.length} sites there, ${back.reached.length} back`);
  expect(back.reached).toEqual(reached);
});
