/** A node starts a few programs at the same time only; one that cannot be started makes room for the next. */

import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { NodeRunner } from '../../../src/api/node-runner.js';
import { InputError } from '../../../src/base/errors.js';
import type { JobRecord } from '../../../src/lattice/records.js';
import type { LatticeServer } from '../../../src/lattice/server.js';
import type { Event } from '../../../src/lattice/state.js';
import { temporaryFolder } from '../../support/workload.js';

const job = (n: number): JobRecord => ({
  ...{ name: `job-${n}`, group: 'job', desired: 'run', fence: 1, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: null, end: null, restarts: 0, history: [] },
  spec: {
    ...{ module: `sha256:${String(n).padStart(64, '0')}`, args: [], env: {}, arch: null, labels: {}, memory: null },
    ...{ dirs: [], snapshotEvery: null, restart: 'never' },
  },
});

test('of many jobs that come at once, a few are started at the same time', async () => {
  const COUNT = 50;
  const waiting: (() => void)[] = [];
  let asked = 0;
  const getModule = () => {
    asked++;
    return new Promise<Uint8Array>((_, reject) => {
      waiting.push(() => reject(new InputError('no-module', 'it does not come')));
    });
  };
  const runner = new NodeRunner({
    ...{ name: 'a', store: undefined, seal: {}, dirs: [], arch: 'x64', folder: temporaryFolder(), onEvent: () => {} },
    server: { getModule } as unknown as LatticeServer,
    guard: {} as never,
  });
  const events: Event[] = [];
  runner.report = (event) => void events.push(event);
  for (let n = 0; n < COUNT; n++) runner.start(job(n), 1);
  const most = 2 * availableParallelism();
  let largest = 0;
  while (events.length < COUNT) {
    largest = Math.max(largest, asked - events.length);
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(largest).toBe(Math.min(most, COUNT));
  expect(events.every(({ kind }) => kind === 'not-started')).toBe(true);
  expect(new Set(events.map((event) => 'job' in event && event.job)).size).toBe(COUNT);
  expect(runner.running).toBe(0);
});
