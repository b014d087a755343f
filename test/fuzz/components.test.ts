/**
 * Components that somebody has damaged are compiled, or refused (hostile-components.ts). More of them: `npm run fuzz --
 * components`. WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { HostileComponents } from './hostile-components.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(40, 20_000));
const components = new HostileComponents(temporaryFolder());
beforeAll(() => components.prepare());
afterAll(() => components.close());

test(`${rounds} hostile components (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const what = await components.bear(seed + round);
    if (what !== undefined) wrong.push(`seed ${seed + round}: ${what}`);
  }
  expect(wrong).toEqual([]);
  // some are compiled, others are not
  expect(components.ends.get('done')).toBeLessThan(rounds);
});
