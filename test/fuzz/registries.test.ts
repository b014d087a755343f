/**
 * A sample of hostile registries (hostile-registry.ts). WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { HostileRegistry } from './hostile-registry.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(40, 10_000));
const hostile = new HostileRegistry(temporaryFolder());
beforeAll(() => hostile.prepare());
afterAll(() => hostile.close());

test(`${rounds} hostile registries (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const what = await hostile.bear(seed + round);
    if (what !== undefined) wrong.push(`seed ${seed + round}: ${what}`);
  }
  console.log([...hostile.ends].map(([code, count]) => `${code} ${count}`).join(', '));
  expect(wrong).toEqual([]);
});
