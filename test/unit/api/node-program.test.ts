/** What a node says of a program that cannot be started. */

import { expect, test } from 'vitest';
import { NodeProgram, type ProgramHost } from '../../../src/api/node-program.js';
import { InputError } from '../../../src/base/errors.js';
import type { JobRecord } from '../../../src/lattice/records.js';
import type { Event } from '../../../src/lattice/state.js';

const job = {
  ...{ name: 'job', group: 'job', desired: 'run', fence: 1, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: { reference: 'job:1', fence: 1 }, uncaptured: null, end: null, restarts: 0, history: [] },
  spec: {
    ...{ module: 'sha256:', args: [], env: {}, arch: null, labels: {}, memory: null },
    ...{ dirs: [], listen: [], snapshotEvery: 1, restart: 'never' },
  },
} as JobRecord;

const hostOf = (more: Partial<ProgramHost>) =>
  ({
    guard: { add: async () => {}, gone: () => {} },
    seal: {},
    onEvent: () => {},
    publish: () => {},
    ...more,
  }) as never;

test('one that cannot be started: with all reasons, in one line', async () => {
  const events: Event[] = [];
  const prepare = async () => {
    throw new InputError('host-state', 'job:1: cannot be restored here:', ['  descriptor 3', '  descriptor 4']);
  };
  await new NodeProgram(job, 1, hostOf({ prepare, report: (event) => void events.push(event) })).start();
  const why = 'job:1: cannot be restored here: descriptor 3; descriptor 4';
  expect(events).toEqual([{ kind: 'not-started', job: 'job', fence: 1, why }]);
});
