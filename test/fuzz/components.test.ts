/**
 * Components that somebody has damaged are compiled, or refused (hostile-components.ts); those of random worlds are
 * refused when jco refuses them (component-signatures.ts); random ones do what jco's code for them does in V8
 * (component-differential.ts). More of them: `npm run fuzz -- components`. WAGSNAP_SEED repeats a
 * run, WAGSNAP_ROUNDS makes it longer.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seed, sized } from '../support/sampling.js';
import { canRun, temporaryFolder } from '../support/workload.js';
import { ComponentDifferential } from './component-differential.js';
import { compareSignatures } from './component-signatures.js';
import { HostileComponents } from './hostile-components.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(25, 20_000));
const runs = Math.ceil(rounds / 10);
const components = new HostileComponents(temporaryFolder());
const differential = new ComponentDifferential(temporaryFolder());
beforeAll(() => components.prepare());
afterAll(() => components.close());

test(`${rounds} hostile components (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const wrong: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const what = await components.bear(seed + round);
    if (what !== undefined) wrong.push(`seed ${seed + round}: ${what}`);
  }
  expect(wrong).toEqual([]);
  // not all for the same reason
  expect(components.ends.size).toBeGreaterThan(1);
});

test(`components of ${rounds} random worlds (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const wrong: string[] = [];
  let valid = 0;
  for (let round = 0; round < rounds; round++) {
    const result = await compareSignatures(seed + round);
    if (result.isValid) valid++;
    if (result.wrong !== undefined) wrong.push(`seed ${seed + round}: ${result.wrong}`);
  }
  expect(wrong).toEqual([]);
  expect(valid).toBeGreaterThan(0);
});

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  test.skipIf(!canRun(arch))(`${runs} random components (seed ${seed})`, { timeout: 7_200_000 }, async () => {
    const wrong: string[] = [];
    for (let run = 0; run < runs; run++) {
      const what = await differential.run(seed + run, arch);
      if (what !== undefined) wrong.push(`seed ${seed + run}: ${what}`);
    }
    expect(wrong).toEqual([]);
  });
});
