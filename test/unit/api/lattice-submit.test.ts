/** A job is submitted once, whatever becomes of the answers; and if that is not known, it is said. */

import { expect, test } from 'vitest';
import { LatticeClient } from '../../../src/api/lattice-client.js';
import { ToolError } from '../../../src/base/errors.js';
import { afterElection } from '../../../src/lattice/election.js';
import type { JobRecord } from '../../../src/lattice/records.js';
import type { LatticeServer } from '../../../src/lattice/server.js';

const MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** What becomes of a write: it is answered; it is done, and the answer is lost; it is lost itself; it is done later. */
type Fate = 'answered' | 'unanswered' | 'lost' | 'late';

class Cluster {
  readonly jobs = new Map<string, { record: JobRecord; revision: number }>();
  /** Of the next writes; the last one holds for all that follow. */
  fates: Fate[] = ['answered'];
  writes = 0;
  /** What a node does with a record that has just been written. */
  node: (record: JobRecord) => JobRecord = (record) => record;
  private isOver = false;
  private late: (() => void)[] = [];

  ask<T>(work: () => Promise<T>): Promise<T> {
    return afterElection(() => !this.isOver, work);
  }
  async putModule() {
    return `sha256:${'0'.repeat(64)}`;
  }
  async readJob(name: string) {
    const found = this.jobs.get(name);
    for (const arrive of this.late.splice(0)) arrive();
    return found;
  }
  async findJob(name: string) {
    return (await this.readJob(name)) ?? { record: undefined, revision: 0 };
  }
  async write(record: JobRecord, revision: number) {
    this.writes++;
    const isLast = this.fates.length === 1;
    const fate = isLast ? this.fates[0]! : this.fates.shift()!;
    const arrive = () => {
      if ((this.jobs.get(record.name)?.revision ?? 0) !== revision) return undefined;
      this.jobs.set(record.name, { record: this.node(record), revision: revision + 1 });
      return revision + 1;
    };
    if (fate === 'answered') return arrive();
    if (fate === 'unanswered') arrive();
    if (fate === 'late') this.late.push(arrive);
    // the last of all tries ends the election's time
    if (fate === 'lost' && isLast) this.isOver = true;
    throw new ToolError('nats', 'no NATS server answers there (timeout)');
  }
  async removeJob(name: string) {
    if (this.isOver) throw new ToolError('nats', 'no NATS server answers there (timeout)');
    return this.jobs.delete(name);
  }
}

const submit = (cluster: Cluster, name = 'job', replicas = 1) =>
  new LatticeClient(cluster as unknown as LatticeServer).submit(MODULE, { name, replicas });

test.each([
  ['is lost', ['lost', 'answered'], 2],
  ['is done, and its answer is lost', ['unanswered', 'answered'], 1],
  ['is done after the next look', ['late', 'answered'], 2],
] as const)('a write that %s: the job is there once', async (_, fates, writes) => {
  const cluster = new Cluster();
  cluster.fates = [...fates];
  expect(await submit(cluster)).toEqual(['job']);
  expect(cluster.writes).toBe(writes);
  expect([...cluster.jobs.keys()]).toEqual(['job']);
  await expect(submit(cluster)).rejects.toMatchObject({ code: 'job-exists' });
});

test('a job that a node has taken and ended meanwhile is not begun again', async () => {
  const cluster = new Cluster();
  cluster.fates = ['unanswered', 'answered'];
  cluster.node = (record) => ({ ...record, fence: 1, end: { code: 0, signal: null, problem: null } });
  expect(await submit(cluster)).toEqual(['job']);
  expect(cluster.writes).toBe(1);
});

test('a job of somebody else, with the same name, is none of ours', async () => {
  const cluster = new Cluster();
  cluster.fates = ['unanswered', 'answered'];
  cluster.node = (record) => ({ ...record, spec: { ...record.spec, args: ['other'] } });
  await expect(submit(cluster)).rejects.toMatchObject({ code: 'job-exists' });
});

test('if nobody ever answers, it is said what is not known', async () => {
  const cluster = new Cluster();
  cluster.fates = ['answered', 'lost'];
  await expect(submit(cluster, 'job', 2)).rejects.toMatchObject({
    code: 'nats',
    details: [
      'whether "job-2" was submitted is not known: wag-snap jobs lists it then',
      'these jobs are there all the same, and wag-snap stop ends them: job',
    ],
  });
});

test('a program with less memory than it begins with is refused before it is submitted', async () => {
  const cluster = new Cluster();
  const memory = new Uint8Array([...MODULE, 5, 4, 1, 1, 2, 4]); // 2 pages, at most 4
  const client = new LatticeClient(cluster as unknown as LatticeServer);
  await expect(client.submit(memory, { name: 'job', memory: 131_071 })).rejects.toThrow(
    '--memory 131071: the program begins with 131072 bytes of memory',
  );
  expect(cluster.jobs.size).toBe(0);
  expect(await client.submit(memory, { name: 'job', memory: 131_072 })).toEqual(['job']);
});

test('a job that is being stopped is not said to be there already', async () => {
  const cluster = new Cluster();
  await submit(cluster);
  await expect(submit(cluster)).rejects.toThrow('there is a job "job" already: stop it first');
  const { record, revision } = cluster.jobs.get('job')!;
  cluster.jobs.set('job', { record: { ...record, desired: 'stop' }, revision });
  await expect(submit(cluster)).rejects.toThrow('the job "job" is being stopped: try again once it has ended');
});
