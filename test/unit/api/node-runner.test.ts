/** A node starts a few programs at the same time only; one that cannot be started makes room for the next. */

import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import type { JobStores } from '../../../src/api/job-stores.js';
import type { NodeArrivals } from '../../../src/api/node-arrivals.js';
import { NodeGrants } from '../../../src/api/node-grants.js';
import { NodeRunner, type RunnerOptions } from '../../../src/api/node-runner.js';
import { readProgram } from '../../../src/api/read-program.js';
import { InputError } from '../../../src/base/errors.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import { digestOf, hexOf, type LatticeServer } from '../../../src/lattice/server.js';
import type { Event } from '../../../src/lattice/state.js';
import { commandComponent } from '../../support/command-component.js';
import { temporaryFolder } from '../../support/workload.js';

const job = (n: number): JobRecord => ({
  ...{ name: `job-${n}`, group: 'job', desired: 'run', fence: 1, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] },
  spec: {
    ...{ module: `sha256:${String(n).padStart(64, '0')}`, args: [], env: {}, arch: null, labels: {}, memory: null },
    ...{ dirs: [], listen: [], snapshotEvery: null, restart: 'never' },
  },
});

const runnerOf = (options: Partial<RunnerOptions>) =>
  new NodeRunner({
    ...{
      name: 'a',
      stores: undefined,
      seal: {},
      grants: new NodeGrants(),
      arch: 'x64',
      folder: temporaryFolder(),
      onEvent: () => {},
    },
    ...{ server: {} as never, guard: {} as never },
    ...options,
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
  const runner = runnerOf({ server: { getModule } as unknown as LatticeServer });
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
  expect(runner.gauges.running).toBe(0);
});

test('only the news that a node still has a job make it remove older snapshots of it', () => {
  const removed: string[] = [];
  const stores = { removeBefore: async (reference: string) => void removed.push(reference) };
  const runner = runnerOf({ stores: stores as unknown as JobStores });
  const holder = { node: 'a', incarnation: 1 };
  const record = { ...job(1), name: 'job', holder, snapshot: { reference: 'job:34', fence: 1 } };
  runner.noticed(record);
  runner.noticed({ ...record, holder: { node: 'b', incarnation: 1 } });
  runner.noticed({ ...record, fence: 2 });
  runner.noticed({ ...record, end: { code: 0, signal: null, problem: null } });
  expect(removed).toEqual(['job:34']);
});

const target: NodeRecord = {
  ...{ name: 'b', incarnation: 3, session: 'b', renewal: 1, lease: 1000, fenced: false, cordoned: false },
  ...{ draining: false, receiver: { address: '127.0.0.1:1', key: '' } },
  offer: { arch: ['x64'], cpus: 1, memory: 0, labels: {}, store: true, dirs: [], listen: {} },
};

test('what is sent to a node that is lost is given up, and not handed over by a snapshot', async () => {
  const events: Event[] = [];
  const runner = runnerOf({});
  runner.report = (event) => void events.push(event);
  runner.arrivals = { keys: {} } as NodeArrivals;
  let known = target;
  runner.nodeOf = () => known;
  let giveUp: (error: Error) => void = () => {};
  const given: string[] = [];
  const program = {
    ...{ job: job(1), isWanted: true },
    send: () => new Promise((_, reject) => (giveUp = reject)),
    giveUpSending: (why: string) => {
      given.push(why);
      giveUp(new Error(why));
    },
  };
  (runner as unknown as { programs: Map<string, unknown> }).programs.set('job-1', program);
  runner.send(job(1), { id: 'move', to: { node: 'b', incarnation: 3 } });
  const hear = (record: NodeRecord) => {
    known = record;
    runner.heard(record);
  };
  hear({ ...target, renewal: 2 });
  hear({ ...target, name: 'c', fenced: true });
  expect(given).toEqual([]);
  hear({ ...target, fenced: true });
  expect(given).toEqual(['b was lost meanwhile']);
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual([{ kind: 'not-sent', job: 'job-1', id: 'move', why: 'b was lost meanwhile' }]);
});

test('a node that cannot open what a program has open is given no snapshot of it either, if a user has asked for it', async () => {
  const why = 'job-1: cannot be restored here: descriptor 3, listener: the address is in use';
  const handedOver: string[] = [];
  for (const to of ['b', null]) {
    const runner = runnerOf({ stores: {} as JobStores });
    runner.arrivals = { keys: {} } as NodeArrivals;
    runner.nodeOf = () => target;
    const program = {
      ...{ job: job(1), isWanted: true },
      send: async () => {
        throw new InputError('host-state', 'job-1: cannot be restored here:', [
          '  descriptor 3, listener: the address is in use',
        ]);
      },
      handOver: async () => {
        handedOver.push(String(to));
        throw new Error('it runs on');
      },
    };
    (runner as unknown as { programs: Map<string, unknown> }).programs.set('job-1', program);
    const said = await new Promise<Event>((resolve) => {
      runner.report = resolve;
      runner.send({ ...job(1), to }, { id: 'move', to: { node: 'b', incarnation: 3 } });
    });
    expect(said).toEqual({ kind: 'not-sent', job: 'job-1', id: 'move', why: to === null ? 'it runs on' : why });
  }
  expect(handedOver).toEqual(['null']);
});

test('what the policy of the node does not let begin is given back, with the sha256 that snapshots have of it', async () => {
  const module = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const component = await commandComponent();
  const made = (await readProgram(component, 'component')).bytes;
  const sha256 = (bytes: Uint8Array) => hexOf(digestOf(bytes));
  const policy = { path: 'policy.json', rules: [{ modules: [sha256(component)] }] };
  const keys = { recipients: [], signingKey: undefined, identities: [], publicKeys: undefined, policy };
  const getModule = async (digest: string) => (digest === job(1).spec.module ? module : component);
  const runner = runnerOf({ seal: { keys }, server: { getModule } as unknown as LatticeServer });
  const events = await new Promise<Event[]>((done) => {
    const all: Event[] = [];
    runner.report = (event) => all.push(event) === 2 && done(all);
    for (const n of [1, 2]) runner.start(job(n), 1);
  });
  for (const [n, bytes] of [
    [1, module],
    [2, made],
  ] as const) {
    const why = `the module ${sha256(bytes)}: policy.json has no rule that fits it`;
    expect(events).toContainEqual({ kind: 'not-started', job: `job-${n}`, fence: 1, why });
  }
});
