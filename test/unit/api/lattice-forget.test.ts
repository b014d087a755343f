/** `nodes --forget`: only what is known of a node that nothing can need any more is removed. */

import { expect, test } from 'vitest';
import { LatticeClient } from '../../../src/api/lattice-client.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import type { LatticeServer } from '../../../src/lattice/server.js';

const LEASE = 10_000;
const node = { name: 'n', lease: LEASE, fenced: true } as NodeRecord;
const job = { name: 'j', holder: { node: 'n', incarnation: 1 }, end: null } as JobRecord;

/** @returns what was removed */
async function forget(silent: number, record: NodeRecord = node, jobs: JobRecord[] = [], removes = true) {
  const removed: unknown[] = [];
  const server = {
    readAll: async () => ({ nodes: [record], jobs, silence: new Map([['n', silent]]) }),
    readNode: async (name: string) => (name === 'n' ? { record, revision: 7 } : undefined),
    removeNode: async (...what: unknown[]) => removed.push(what) > 0 && removes,
  };
  await new LatticeClient(server as unknown as LatticeServer).forget('n');
  return removed;
}

test('one that has gone for two leases, and has no job, is forgotten in exactly this state', async () => {
  expect(await forget(2 * LEASE)).toEqual([['n', 7]]);
  const over = { ...job, end: { code: 0, signal: null, problem: null } };
  const elsewhere = { ...job, holder: { node: 'm', incarnation: 1 } };
  expect(await forget(2 * LEASE, node, [over, elsewhere, { ...job, holder: null }])).toEqual([['n', 7]]);
});

test('one that lives, or has not gone for long, is not', async () => {
  await expect(forget(9 * LEASE, { ...node, fenced: false })).rejects.toMatchObject({ code: 'node-alive' });
  await expect(forget(2 * LEASE - 1)).rejects.toMatchObject({ code: 'node-alive' });
});

test('one that has a job is not, and the job is named', async () => {
  await expect(forget(2 * LEASE, node, [job])).rejects.toMatchObject({ code: 'has-jobs', details: ['  j'] });
});

test('one that has changed meanwhile is not', async () => {
  await expect(forget(2 * LEASE, node, [], false)).rejects.toMatchObject({ code: 'busy' });
});
