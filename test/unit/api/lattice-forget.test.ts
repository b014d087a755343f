/** `nodes --forget` and `jobs --forget`: only what nothing can need any more is removed. */

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

const END = { code: 1, signal: null, problem: null };
const ended = (name: string, group = name): JobRecord => ({ ...job, name, group, desired: 'run', end: END });

/** What is removed, in this order: `log JOB`, `job JOB`. */
class Jobs {
  readonly removed: string[] = [];
  /** What happens before a record is read. */
  before = (_: string) => {};

  constructor(readonly jobs: Map<string, JobRecord>) {}

  get client(): LatticeClient {
    const server = {
      readAll: async () => ({
        ...{ nodes: [], jobs: [...this.jobs.values()], silence: new Map() },
        ages: new Map(Array.from(this.jobs.keys(), (name, i) => [name, i * 1000])),
      }),
      ask: (work: () => Promise<unknown>) => work(),
      lastPiece: async () => 7,
      readJob: async (name: string) => {
        this.before(name);
        const record = this.jobs.get(name);
        return record && { record, revision: 3 };
      },
      removeLog: async (name: string, last: number) => void this.removed.push(`log ${name} ${last}`),
      removeJob: async (name: string, revision: number) => {
        this.removed.push(`job ${name} ${revision}`);
        return this.jobs.get(name)?.end !== null;
      },
    };
    return new LatticeClient(server as unknown as LatticeServer);
  }
}

const jobsOf = (...jobs: JobRecord[]) => new Jobs(new Map(jobs.map((one) => [one.name, one])));

test('a job that has ended goes with its replicas, what it has printed first', async () => {
  const world = jobsOf(ended('x'), ended('x-2', 'x'), ended('y'));
  expect(await world.client.forgetJob('x')).toEqual(['x', 'x-2']);
  expect(world.removed).toEqual(['log x 7', 'job x 3', 'log x-2 7', 'job x-2 3']);
  await expect(world.client.forgetJob('z')).rejects.toMatchObject({ code: 'no-job' });
});

test('of a job with a replica that has not ended nothing goes, and it is said what to do', async () => {
  const alive = { ...ended('x-2', 'x'), end: null };
  const world = jobsOf(ended('x'), alive);
  await expect(world.client.forgetJob('x')).rejects.toMatchObject({
    ...{ code: 'job-alive', message: 'the job "x-2" has not ended: wag-snap stop x-2 ends it first' },
  });
  const stopping = jobsOf({ ...alive, desired: 'stop' });
  await expect(stopping.client.forgetJob('x-2')).rejects.toThrow('is being stopped: try again once it has ended');
  expect([...world.removed, ...stopping.removed]).toEqual([]);
});

test('one that begins again meanwhile stays, with what it prints', async () => {
  const world = jobsOf(ended('x'));
  world.before = (name) => world.jobs.set(name, { ...ended(name), end: null });
  await expect(world.client.forgetJob('x')).rejects.toMatchObject({ code: 'busy' });
  expect(world.removed).toEqual([]);
});

test('those that have ended long ago', async () => {
  const world = jobsOf(ended('now'), { ...ended('alive'), end: null }, ended('long'), ended('again'), ended('longer'));
  world.before = (name) => name === 'again' && void world.jobs.set(name, { ...ended(name), end: null });
  expect(await world.client.forgetEnded(2000)).toEqual(['long', 'longer']);
  expect(world.removed).toEqual(['log long 7', 'job long 3', 'log longer 7', 'job longer 3']);
});
