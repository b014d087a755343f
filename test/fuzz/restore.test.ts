/** Random mutations of real snapshots: see restore.ts. WAGSNAP_SEED and WAGSNAP_FUZZ set seed and number. */

import { expect, test } from 'vitest';
import { random } from '../support/random.js';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { fuzzRestore } from './restore.js';
import { makeSeeds } from './restore-seeds.js';

const folder = temporaryFolder();
const count = Number(process.env['WAGSNAP_FUZZ'] ?? sized(2000, 100_000));

test(`${count} mutated snapshots are refused or run (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const next = random(seed);
  const seeds = await makeSeeds(folder, sized(2, 4), next);
  const { failures, ...counts } = await fuzzRestore(seeds, count, next, folder);
  console.log(JSON.stringify(counts));
  expect(failures).toEqual([]);
  expect(counts.refused).toBeGreaterThan(count / 4);
});
