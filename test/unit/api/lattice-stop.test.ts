/** `stop` and `scale`: a job that nobody has is over at once, as there may be no node that could say so. */

import { expect, test } from 'vitest';
import { LatticeClient } from '../../../src/api/lattice-client.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import type { LatticeServer } from '../../../src/lattice/server.js';

const job = { name: 'x', group: 'x', desired: 'run', fence: 1, holder: null, end: null, history: [] } as unknown;
const held = (incarnation: number) => ({ ...(job as JobRecord), holder: { node: 'a', incarnation } });

/** @param meanwhile what the record is when it is written first @returns what it is in the end */
async function stop(record: JobRecord, nodes: Partial<NodeRecord>[], meanwhile = record): Promise<JobRecord> {
  let [now, revision] = [record, 1];
  const server = {
    readAll: async () => ({ nodes, jobs: [now] }),
    ask: (work: () => Promise<unknown>) => work(),
    readJob: async () => ({ record: now, revision }),
    write: async (written: JobRecord, at: number) => {
      if (now !== meanwhile) [now, revision] = [meanwhile, 2];
      if (at !== revision) return undefined;
      now = written;
      return ++revision;
    },
  };
  expect(await new LatticeClient(server as unknown as LatticeServer).stop('x')).toEqual(['x']);
  return now;
}

const OVER = { desired: 'stop', holder: null, end: { code: null, signal: null, problem: null } };

test('a job that nobody has, or a node whose life is over, is over at once', async () => {
  const a = { name: 'a', incarnation: 2, fenced: false };
  expect(await stop(job as JobRecord, [a])).toMatchObject({ ...OVER, history: [{ what: 'stopped', node: null }] });
  expect(await stop(held(1), [a])).toMatchObject(OVER);
  expect(await stop(held(2), [{ ...a, fenced: true }])).toMatchObject(OVER);
});

test('a job that a node has is ended by it', async () => {
  const asked = { ...held(2), desired: 'stop', end: null };
  expect(await stop(held(2), [{ name: 'a', incarnation: 2, fenced: false }])).toEqual(asked);
  expect(await stop(held(2), [{ name: 'a', incarnation: 1, fenced: true }])).toEqual(asked);
  expect(await stop(held(2), [])).toEqual(asked);
  expect(await stop(job as JobRecord, [], held(2))).toEqual(asked); // it is taken at the same time
});
