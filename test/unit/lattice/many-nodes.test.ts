/** Many nodes and jobs, with a server that answers at once and tells everybody later: who takes what, and at what cost. */

import { expect, test } from 'vitest';
import { step } from '../../../src/lattice/protocol.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import { type Event, jobKey, type NodeState, newNode, nodeKey, timingOf } from '../../../src/lattice/state.js';
import { spec } from '../../support/job-spec.js';

const timing = timingOf(10_000);
const offer = { arch: ['x64'], cpus: 4, memory: 2 ** 30, labels: {}, store: true, dirs: [], listen: {} };

class Many {
  readonly nodes: NodeState[];
  readonly store = new Map<string, { record: NodeRecord | JobRecord; revision: number }>();
  now = 0;
  /** Of jobs: those that were carried out, and all. */
  written = 0;
  writes = 0;
  private revision = 0;
  /** What each node has not heard yet. */
  private readonly news: Event[][];

  constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, i) => {
      return newNode({ name: `n${i}`, session: `n${i}`, timing, offer, receiver: null });
    });
    this.news = this.nodes.map(() => [{ kind: 'up-to-date' }]);
  }

  put(record: NodeRecord | JobRecord, expected: number): void {
    const isNode = 'session' in record;
    const key = isNode ? nodeKey(record.name) : jobKey(record.name);
    if (!isNode) this.writes++;
    if ((this.store.get(key)?.revision ?? 0) !== expected) return;
    if (!isNode) this.written++;
    const revision = ++this.revision;
    this.store.set(key, { record, revision });
    const event: Event = isNode ? { kind: 'node', record, revision } : { kind: 'job', record, revision };
    for (const news of this.news) news.push(event);
  }

  submit(count: number, more: Partial<JobRecord['spec']> = {}): void {
    for (let i = 0; i < count; i++) {
      const name = `j${i}`;
      const begin = { fence: 0, begun: 0, holder: null, to: null, arrival: null, snapshot: null, end: null };
      this.put(
        {
          name,
          group: 'j',
          spec: { ...spec, ...more },
          desired: 'run',
          ...begin,
          uncaptured: null,
          restarts: 0,
          history: [],
        },
        0,
      );
    }
  }

  private tell(node: NodeState, event: Event): void {
    for (const effect of step(node, event, this.now)) {
      if (effect.do === 'write-node' || effect.do === 'write-job') this.put(effect.record, effect.revision);
      if (effect.do === 'start' || effect.do === 'begin') {
        const { name, fence } = effect.job;
        this.tell(node, { kind: 'running', job: name, fence });
      }
      if (effect.do === 'send') {
        const { name: job, fence } = effect.job;
        this.tell(node, { kind: 'parked', job, id: effect.move.id, snapshot: { reference: job, fence }, note: null });
      }
      if (effect.do === 'commit') this.tell(node, { kind: 'ended', job: effect.job, fence: 0, end: null });
      if (effect.do === 'end') this.tell(node, { kind: 'ended', job: effect.job, fence: effect.fence, end: null });
    }
  }

  /** Each node hears of what was written before, one after the other, and then looks at its clock. */
  round(milliseconds: number): void {
    this.now += milliseconds;
    const all = this.news.map((news) => news.splice(0));
    this.nodes.forEach((node, i) => {
      for (const event of all[i]!) this.tell(node, event);
      this.tell(node, { kind: 'tick' });
    });
  }

  holders(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { record } of this.store.values()) {
      if ('session' in record || record.holder === null) continue;
      counts.set(record.holder.node, (counts.get(record.holder.node) ?? 0) + 1);
    }
    return counts;
  }

  count(): number {
    return [...this.holders().values()].reduce((sum, one) => sum + one, 0);
  }
}

function joined(count: number): Many {
  const many = new Many(count);
  for (let n = 0; n < 3; n++) many.round(10);
  expect(many.nodes.every(({ incarnation }) => incarnation === 1)).toBe(true);
  return many;
}

test('many jobs at once are spread evenly, and few are fought over', () => {
  const many = joined(30);
  many.submit(300);
  let rounds = 0;
  while (many.count() < 300) {
    many.round(100);
    expect(rounds++).toBeLessThan(50);
  }
  const counts = [...many.holders().values()];
  expect([counts.length, Math.max(...counts) <= 20]).toEqual([30, true]);
  expect([many.written, many.writes < 3 * 300]).toEqual([600, true]);
});

test('a node does not take more than its memory while its writes are not answered', () => {
  const many = joined(1);
  many.submit(20, { memory: 2 ** 28 });
  for (let n = 0; n < 20; n++) many.round(100);
  expect(many.count()).toBe(4);
});

test('what a drained tenth had is spread over all others', () => {
  const many = joined(30);
  many.submit(300);
  for (let n = 0; n < 50; n++) many.round(100);
  expect(many.count()).toBe(300);
  for (const name of ['n0', 'n1', 'n2']) {
    const { record, revision } = many.store.get(nodeKey(name))!;
    many.put({ ...(record as NodeRecord), cordoned: true, draining: true }, revision);
  }
  for (let n = 0; n < 10; n++) many.round(100);
  const after = many.holders();
  expect(['n0', 'n1', 'n2'].map((name) => after.get(name) ?? 0)).toEqual([0, 0, 0]);
  expect(many.count()).toBe(300);
  expect(Math.max(...after.values())).toBeLessThanOrEqual(20);
});

test('that another node renews its lease costs no look at jobs', () => {
  const many = joined(2);
  many.submit(1);
  for (let n = 0; n < 10; n++) many.round(100);
  const [a] = many.nodes;
  const { record, revision } = many.store.get(nodeKey('n1'))!;
  let looks = 0;
  const programs = a!.programs;
  Object.defineProperty(a, 'programs', {
    get: () => {
      looks++;
      return programs;
    },
  });
  const renewal = (record as NodeRecord).renewal + 1;
  step(a!, { kind: 'node', record: { ...(record as NodeRecord), renewal }, revision: revision + 1 }, many.now);
  expect(looks).toBe(0);
  step(a!, { kind: 'node', record: { ...(record as NodeRecord), fenced: true }, revision: revision + 2 }, many.now);
  expect(looks).toBeGreaterThan(0);
});
