/**
 * Snapshots go on under another code generator: the same modules compiled with other and fewer registers for locals
 * and for float arguments, so that places of values, slots and code differ at most sites. There and back.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Target } from '../../src/arch/target.js';
import { x64 } from '../../src/arch/x64/target.js';
import { build, programPath, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';

const plan = {
  ...x64.plan,
  pinnedInts: x64.plan.pinnedInts.slice(3, 5),
  pinnedFloats: x64.plan.pinnedFloats.slice(4, 5),
  argFloats: x64.plan.argFloats.slice(2, 4),
};

const otherX64: Target = {
  ...x64,
  plan,
  createAssembler: (bytes) => Object.assign(x64.createAssembler(bytes), { plan }),
};

const folder = temporaryFolder();
const programs: readonly (readonly [program: string, ...args: string[]])[] = [
  [join(import.meta.dirname, 'everything.wat')],
  [programPath('quicksort'), '100'],
  [programPath('nbody'), '10'],
  [programPath('callchain'), '50'],
];

test.each(programs)('%s goes on in other code', { timeout: 300_000 }, async (program, ...args) => {
  const own = join(folder, program.replace(/.*\//, ''));
  mkdirSync(own);
  const usual = await build(program, join(own, 'usual'));
  const other = await build(program, join(own, 'other'), otherX64);
  expect(other.image.sites.siteCount).toBe(usual.image.sites.siteCount);
  const there = await captureAtEverySite(usual, own, { args }, 200, other);
  expect(there.failures).toEqual([]);
  const back = await captureAtEverySite(other, own, { args }, 200, usual);
  expect(back.failures).toEqual([]);
  expect(back.reached).toBe(there.reached);
});
