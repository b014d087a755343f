/**
 * Hostile stores: documents, files and names that somebody has made up (store-mutations.ts). Each action bears them.
 * More of them: `npm run fuzz -- stores`. WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { beforeAll, expect, test } from 'vitest';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { HostileStores } from './stores.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(25, 10_000));
const stores = new HostileStores(temporaryFolder());
beforeAll(() => stores.prepare());

test(`${rounds} hostile stores (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const what = await stores.bear(seed + round);
    if (what !== undefined) wrong.push(`seed ${seed + round}: ${what}`);
  }
  expect(wrong).toEqual([]);
  expect(stores.ends.get('store')).toBeGreaterThan(rounds / 10);
  expect(stores.ends.get('done')).toBeGreaterThan(rounds);
});
