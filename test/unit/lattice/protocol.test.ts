/** What a node decides about a job that it cannot start, and about others after NATS was away for all. */

import { expect, test } from 'vitest';
import { NO_LOAD } from '../../../src/lattice/holdings.js';
import { problemsOf } from '../../../src/lattice/placement.js';
import { step } from '../../../src/lattice/protocol.js';
import { decodeRecord } from '../../../src/lattice/record-format.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import { type Effect, type Event, type NodeState, newNode, timingOf } from '../../../src/lattice/state.js';
import { spec } from '../../support/job-spec.js';

const timing = timingOf(1000);
const offer = { arch: ['x64'], cpus: 1, memory: 2 ** 30, labels: {}, store: true, dirs: [], listen: {} };
const job: JobRecord = {
  ...{ name: 'job', group: 'job', spec, desired: 'run', fence: 0, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] },
};

/** A node with its server: what it writes is there at once. */
class One {
  readonly node: NodeState = newNode({ name: 'a', session: 'a', timing, offer, receiver: null });
  revision = 0;
  effects: Effect[] = [];

  tell(event: Event, now: number): Effect[] {
    const effects = step(this.node, event, now);
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.do === 'write-node')
        this.tell({ kind: 'node', record: effect.record, revision: ++this.revision }, now);
      if (effect.do === 'write-job') this.tell({ kind: 'job', record: effect.record, revision: ++this.revision }, now);
    }
    return effects;
  }

  writes(): JobRecord[] {
    return this.effects.flatMap((effect) => (effect.do === 'write-job' ? [effect.record] : []));
  }

  starts(): number {
    return this.effects.filter((effect) => effect.do === 'start').length;
  }
}

function joined(): One {
  const one = new One();
  one.tell({ kind: 'up-to-date' }, 0);
  one.tell({ kind: 'tick' }, 0);
  expect(one.node.incarnation).toBe(1);
  return one;
}

test('a job that a node cannot start is not over: it is given back, and tried again later and later', () => {
  const one = joined();
  one.tell({ kind: 'job', record: job, revision: ++one.revision }, 0);
  const times: number[] = [];
  for (let now = 0; times.length < 4; now += 50) {
    one.tell({ kind: 'tick' }, now);
    const { record } = one.node.jobs['job']!;
    expect(record.end).toBeNull();
    if (one.starts() === times.length) continue;
    times.push(now);
    one.tell({ kind: 'not-started', job: 'job', fence: record.fence, why: 'the disk is full' }, now);
    const { holder, end, history } = one.node.jobs['job']!.record;
    expect({ holder, end, last: history.at(-1) }).toMatchObject({
      ...{ holder: null, end: null },
      last: { what: 'not-started', node: 'a', note: 'the disk is full' },
    });
  }
  const pauses = times.slice(1).map((time, i) => time - times[i]!);
  expect(pauses).toEqual([1000, 2000, 4000]);
  one.tell({ kind: 'tick' }, 1_000_000);
  one.tell({ kind: 'running', job: 'job', fence: one.node.jobs['job']!.record.fence }, 1_000_000);
  expect(one.node.unable).toEqual({});
});

test('a job that cannot be captured says so once, until it can', () => {
  const one = joined();
  one.tell({ kind: 'job', record: job, revision: ++one.revision }, 0);
  one.tell({ kind: 'tick' }, 50);
  const record = () => one.node.jobs['job']!.record;
  const { fence } = record();
  one.tell({ kind: 'running', job: 'job', fence }, 50);
  const fails = (why: string) => {
    const before = one.writes().length;
    one.tell({ kind: 'not-captured', job: 'job', fence, why }, 50);
    return one.writes().length - before;
  };
  expect(fails('the disk is full')).toBe(1);
  expect(record()).toMatchObject({ uncaptured: 'the disk is full', snapshot: null });
  expect(fails('the disk is full')).toBe(0);
  one.tell({ kind: 'not-captured', job: 'job', fence: fence - 1, why: 'of an earlier run' }, 50);
  for (const n of [1, 2]) {
    const snapshot = { reference: `job:${n}`, fence };
    one.tell({ kind: 'captured', job: 'job', fence, snapshot }, 50);
    expect(record()).toMatchObject({ uncaptured: null, snapshot });
    expect(fails(`again ${n}`)).toBe(1);
  }
  // the last one is in the history: others are not pushed out
  const { history } = record();
  expect(history.map(({ what }) => what)).toEqual(['taken', 'not-captured']);
  expect(history.at(-1)).toMatchObject({ node: 'a', fence, note: 'again 2' });
});

test('whoever takes a job does not know yet that it cannot be captured', () => {
  const one = joined();
  const lost = { ...job, fence: 3, uncaptured: 'the disk is full' };
  one.tell({ kind: 'job', record: lost, revision: ++one.revision }, 0);
  one.tell({ kind: 'tick' }, 50);
  expect(one.node.jobs['job']!.record).toMatchObject({ fence: 4, holder: { node: 'a' }, uncaptured: null });
});

/** Lets a job end again and again. @returns what becomes of it, and the pauses before it begins again */
function restarts(restart: 'never' | 'on-failure' | 'always', runs: readonly { code: number; time: number }[]) {
  const one = joined();
  one.tell({ kind: 'job', record: { ...job, spec: { ...spec, restart } }, revision: ++one.revision }, 0);
  const pauses: number[] = [];
  let [now, ended] = [0, 0];
  for (const [i, { code, time }] of runs.entries()) {
    for (; one.starts() === i && now - ended < 100_000; now += 50) one.tell({ kind: 'tick' }, now);
    expect(one.starts()).toBe(i + 1);
    pauses.push(now - ended);
    const { fence } = one.node.jobs['job']!.record;
    one.tell({ kind: 'running', job: 'job', fence }, now);
    for (const until = now + time; now < until; now += 50) one.tell({ kind: 'tick' }, now);
    one.tell({ kind: 'ended', job: 'job', fence, end: { code, signal: null, problem: null } }, now);
    ended = now;
    if (one.node.jobs['job']!.record.end !== null) break;
  }
  return { record: one.node.jobs['job']!.record, pauses: pauses.slice(1) };
}

const RUN = { code: 0, time: 100 };
const FAILS = { code: 1, time: 100 };

test('a job that ends begins again as it was asked for', () => {
  const of = (restart: 'never' | 'on-failure' | 'always', runs: readonly { code: number; time: number }[]) => {
    const { record } = restarts(restart, runs);
    return { restarts: record.restarts, code: record.end?.code };
  };
  expect(of('never', [FAILS, RUN])).toEqual({ restarts: 0, code: 1 });
  expect(of('on-failure', [FAILS, FAILS, RUN])).toEqual({ restarts: 2, code: 0 });
  expect(of('on-failure', [RUN, RUN])).toEqual({ restarts: 0, code: 0 });
  expect(of('always', [RUN, FAILS, RUN])).toEqual({ restarts: 3, code: undefined });
});

test('a job that ends again and again waits for up to a minute, and one that has run for longer does not', () => {
  const { record, pauses } = restarts('always', [...Array(12).fill(RUN), { code: 0, time: 60_200 }, RUN, RUN]);
  expect(pauses.slice(0, 3).map((pause) => Math.floor(pause / 100))).toEqual([2, 4, 8]);
  expect(pauses.slice(9, 12).map((pause) => Math.floor(pause / 1000))).toEqual([60, 60, 60]);
  expect(pauses.slice(12).map((pause) => Math.floor(pause / 100))).toEqual([2, 4]);
  expect(record.restarts).toBe(3);
});

test('a job with a snapshot waits for a node that has a store', () => {
  const node = { ...(joined().node.nodes['a']!.record as NodeRecord), offer: { ...offer, store: false } };
  expect(problemsOf(job, node, NO_LOAD)).toEqual([]);
  const snapshot = { reference: 'job:1', fence: 1 };
  expect(problemsOf({ ...job, snapshot }, node, NO_LOAD)).toEqual([
    'it has no store, where the snapshots of the job are',
  ]);
  const asking = { ...job, spec: { ...spec, snapshotEvery: 1000 } };
  expect(problemsOf(asking, node, NO_LOAD)).toEqual(['it has no store for the snapshots of the job']);
  const { store: _, ...before } = offer;
  const bytes = new TextEncoder().encode(JSON.stringify({ ...node, offer: before }));
  expect(decodeRecord('node.a', bytes)).toMatchObject({ node: { offer: { store: false } } });
});

test('who was without NATS does not hold the silence of that time against the others', () => {
  const one = joined();
  const other: NodeRecord = { ...one.node.nodes['a']!.record, name: 'b', session: 'b' };
  one.tell({ kind: 'node', record: other, revision: ++one.revision }, 0);
  const isFenced = () => one.effects.some((effect) => effect.do === 'write-node' && effect.record.fenced);
  // nothing is answered for ten leases; then its own renewal comes first
  for (let now = 50; now < 10_000; now += 50) step(one.node, { kind: 'tick' }, now);
  one.tell({ kind: 'tick' }, 10_000);
  for (let now = 10_000; now < 11_200; now += 50) one.tell({ kind: 'tick' }, now);
  expect(one.node.until).toBeGreaterThan(11_200);
  expect(isFenced()).toBe(false);
  one.tell({ kind: 'tick' }, 11_250);
  expect(isFenced()).toBe(true);
});

test.each([
  ['it is lost meanwhile: the program continues here', true],
  ['it is not lost: the program continues there', false],
])('all of a program is at another node, and %s', (_, fenced) => {
  const one = joined();
  const other: NodeRecord = { ...one.node.nodes['a']!.record, name: 'b', session: 'b', cordoned: true };
  one.tell({ kind: 'node', record: other, revision: ++one.revision }, 0);
  one.tell({ kind: 'job', record: job, revision: ++one.revision }, 0);
  one.tell({ kind: 'running', job: 'job', fence: 1 }, 0);
  const { record } = one.node.jobs['job']!;
  one.tell({ kind: 'job', record: { ...record, to: 'b' }, revision: ++one.revision }, 0);
  const sent = one.effects.find((effect) => effect.do === 'send');
  expect(sent).toMatchObject({ move: { to: { node: 'b', incarnation: 1 } } });
  one.tell({ kind: 'node', record: { ...other, fenced }, revision: ++one.revision }, 0);
  one.tell({ kind: 'parked', job: 'job', id: sent!.move.id, snapshot: null, note: 'while it ran' }, 0);
  one.tell({ kind: 'tick' }, 0);
  const after = one.node.jobs['job']!.record;
  const last = after.history.at(-1);
  expect([after.holder?.node, after.to, last?.what, last?.note]).toEqual(
    fenced ? ['a', null, 'not-moved', 'that node was lost meanwhile'] : ['b', null, 'moved', 'while it ran'],
  );
  expect(one.effects.some((effect) => effect.do === 'resume')).toBe(fenced);
});

test('one look at its clock costs each job a few reads, however many nodes and jobs nobody can run there are', () => {
  const NODES = 100;
  const JOBS = 300;
  const one = joined();
  const own = one.node.nodes['a']!.record;
  for (let n = 0; n < NODES; n++) {
    const record = { ...own, name: `n${n}`, session: `n${n}` };
    one.tell({ kind: 'node', record, revision: ++one.revision }, 0);
  }
  let reads = 0;
  for (let n = 0; n < JOBS; n++) {
    const record = { ...job, name: `j${n}`, spec: { ...spec, labels: { zone: 'nowhere' } } };
    Object.defineProperty(record, 'holder', {
      get: () => {
        reads++;
        return null;
      },
    });
    one.tell({ kind: 'job', record, revision: ++one.revision }, 0);
  }
  reads = 0;
  one.tell({ kind: 'tick' }, 1000);
  expect(one.starts()).toBe(0);
  expect(reads).toBeLessThan(10 * JOBS);
});

test('a life whose record was deleted is over, and the next one has a higher number', () => {
  const one = joined();
  one.tell({ kind: 'job', record: job, revision: ++one.revision }, 0);
  const fence = one.node.jobs['job']!.record.fence;
  one.tell({ kind: 'running', job: 'job', fence }, 0);
  const effects = one.tell({ kind: 'node-gone', node: 'a', revision: (one.revision = 40) }, 0);
  expect(effects).toContainEqual({ do: 'end', job: 'job', fence });
  expect(one.node.incarnation).toBe(41);
  const late = step(one.node, { kind: 'node-gone', node: 'a', revision: 30 }, 0);
  expect([late, one.node.incarnation]).toEqual([[], 41]);
});

test('a node whose name was somebody else before begins after all that the server has numbered', () => {
  const one = new One();
  one.tell({ kind: 'up-to-date', revision: 7 }, 0);
  expect(one.node.incarnation).toBe(8);
});

/** The job runs at a, and shall move to b. */
function shallMove(b: Partial<NodeRecord> | undefined): One {
  const one = joined();
  one.tell({ kind: 'job', record: job, revision: ++one.revision }, 0);
  one.tell({ kind: 'running', job: 'job', fence: 1 }, 0);
  const own = one.node.nodes['a']!.record;
  const other = (name: string, more: Partial<NodeRecord>) =>
    one.tell({ kind: 'node', record: { ...own, name, session: name, ...more }, revision: ++one.revision }, 0);
  if (b !== undefined) other('b', b);
  const { record } = one.node.jobs['job']!;
  one.tell({ kind: 'job', record: { ...record, to: 'b' }, revision: ++one.revision }, 0);
  if (b === undefined) other('c', {});
  return one;
}

test('a job that shall move to a node that has gone stays, and says why', () => {
  const one = shallMove({ fenced: true });
  const { to, holder, history } = one.node.jobs['job']!.record;
  expect({ to, holder }).toEqual({ to: null, holder: { node: 'a', incarnation: 1 } });
  expect(history.at(-1)).toMatchObject({ what: 'not-moved', node: 'a', note: 'b has left, or was lost' });
});

test('a job that shall move to a node that nobody knows does not keep its own one from leaving', () => {
  const one = shallMove(undefined);
  expect(one.effects.some((effect) => effect.do === 'send')).toBe(false);
  one.tell({ kind: 'leave', how: 'give' }, 0);
  one.tell({ kind: 'tick' }, 0);
  expect(one.effects.findLast((effect) => effect.do === 'send')).toMatchObject({
    move: { to: { node: 'c', incarnation: 1 } },
  });
});

test('late news of a job that was forgotten do not begin it again, those of a new one of its name do', () => {
  const one = joined();
  const record: JobRecord = { ...job, fence: 1, holder: { node: 'a', incarnation: one.node.incarnation } };
  const tell = (event: Event) => step(one.node, event, 0).map((effect) => effect.do);
  const END = { code: 0, signal: null, problem: null };
  expect(tell({ kind: 'job', record, revision: 3 })).toEqual(['start']);
  tell({ kind: 'running', job: 'job', fence: 1 });
  expect(tell({ kind: 'ended', job: 'job', fence: 1, end: END })).toEqual(['write-job']);
  tell({ kind: 'job', record: { ...record, holder: null, end: END }, revision: 4 });
  tell({ kind: 'gone', job: 'job', revision: 5 });
  for (const revision of [3, 5]) expect(tell({ kind: 'job', record, revision })).toEqual([]);
  tell({ kind: 'gone', job: 'job', revision: 2 });
  expect(tell({ kind: 'job', record, revision: 4 })).toEqual([]);
  expect(tell({ kind: 'job', record: { ...record, fence: 6 }, revision: 6 })).toEqual(['start']);
});
