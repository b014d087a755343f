/** A fault at each step of a capture; see capture-sweep.ts. All of them: `WAGSNAP_FAULTS=all`. */

import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { build, temporaryFolder } from '../support/workload.js';
import { CaptureSweep } from './capture-sweep.js';
import { faultsFor } from './command.js';
import { BLOCKED, BUSY } from './programs.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('capture').printAtEnd();

beforeAll(async () => {
  await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
  await build(Buffer.from(BUSY), join(folder, 'busy'));
});

test('every step', { timeout: 7_200_000 }, async () => {
  const sweeps = [
    await CaptureSweep.start(folder, join(folder, 'blocked')),
    await CaptureSweep.start(folder, join(folder, 'busy')),
  ];
  const faults = faultsFor(await sweeps[0].trace());
  await sweeps[1].trace();
  const queue = faults.values();
  await Promise.all(
    sweeps.map(async (sweep) => {
      for (const fault of queue) await sweep.inject(fault, tally);
      expect(await sweep.finish()).toBeUndefined();
    }),
  );
  expect(tally.failures).toEqual([]);
  expect(tally.injected).toBeGreaterThan(60);
});
