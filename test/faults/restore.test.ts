/** A fault at each step of a restore; see restore-sweep.ts. All of them: see support/sampling.ts. */

import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { seed } from '../support/sampling.js';
import { build, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';
import { faultsFor } from './command.js';
import { BLOCKED, Conversation } from './programs.js';
import { type RestoreMode, RestoreSweep } from './restore-sweep.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('restore').printAtEnd();
const snapshot = join(folder, 'it.wsnap');
const next = random(seed);

beforeAll(async () => {
  const { path } = await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
  const workload = Workload.start(path, { stdin: 'pipe' });
  await workload.waitFor('A');
  await captureAndEnd(workload, snapshot);
});

const MODES: readonly RestoreMode[] = ['write', 'run', 'run uncached'];

test(`every step, seed ${seed}`, { timeout: 7_200_000 }, async () => {
  const sweeps = MODES.map((mode) => RestoreSweep.make(folder, mode, snapshot, new Conversation()));
  const done = new Set<string>();
  await Promise.all(
    sweeps.map(async (sweep) => {
      // the steps that another mode has too are tried there
      const counts = [...(await sweep.trace())].filter(([label]) => !done.has(label) && done.add(label));
      for (const fault of faultsFor(new Map(counts), next)) await sweep.inject(fault, tally);
      expect(await sweep.finish()).toBeUndefined();
    }),
  );
  expect(tally.failures).toEqual([]);
  expect(tally.injected).toBeGreaterThan(30);
});
