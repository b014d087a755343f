/** Addresses of nodes are given to one job at a time. */

import { expect, test } from 'vitest';
import { Holdings, NO_LOAD } from '../../../src/lattice/holdings.js';
import { bestOther, problemsOf } from '../../../src/lattice/placement.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import { newNode, timingOf } from '../../../src/lattice/state.js';

const offer = {
  arch: ['x64'],
  cpus: 1,
  memory: 2 ** 30,
  labels: {},
  store: true,
  dirs: [],
  listen: { web: '10.0.0.1:80' },
};
const node = (name: string): NodeRecord => ({
  ...{ name, incarnation: 1, session: name, renewal: 1, lease: 10_000, fenced: false, cordoned: false },
  ...{ draining: false, offer, receiver: null },
});
const spec = {
  ...{ module: `sha256:${'0'.repeat(64)}`, args: [], env: {}, arch: null, labels: {}, memory: null, dirs: [] },
  ...{ listen: ['web'], snapshotEvery: null, restart: 'never' as const },
};
const job = (name: string, at: string | null = null): JobRecord => ({
  ...{
    name,
    group: name,
    spec,
    desired: 'run',
    fence: 1,
    begun: 0,
    to: null,
    arrival: null,
    snapshot: null,
    uncaptured: null,
    end: null,
  },
  ...{ holder: at === null ? null : { node: at, incarnation: 1 }, restarts: 0, history: [] },
});
const END = { code: 0, signal: null, problem: null };

test('an address that nobody grants, or that another job has', () => {
  const { listen: _, ...none } = offer;
  expect(problemsOf(job('x'), { ...node('a'), offer: { ...none, listen: {} } }, NO_LOAD)).toEqual([
    'it grants no address "web"',
  ]);
  const inherited = { ...job('x'), spec: { ...spec, listen: ['constructor'] } };
  expect(problemsOf(inherited, node('a'), NO_LOAD)).toEqual(['it grants no address "constructor"']);
  const holdings = new Holdings([job('x', 'a')]);
  expect(problemsOf(job('x'), node('a'), holdings.load('a'))).toEqual([]);
  expect(problemsOf(job('y'), node('b'), holdings.load('b'))).toEqual([]);
  const taken = ['its address "web" is taken by the job x'];
  expect(problemsOf(job('y'), node('a'), holdings.load('a'))).toEqual(taken);
  expect(problemsOf(job('y'), node('a'), holdings.copy().load('a'))).toEqual(taken);
});

test('it is free again when the job has ended, is gone, is elsewhere, or asks for another one', () => {
  const other = { ...job('x', 'a'), spec: { ...spec, listen: ['other'] } };
  for (const now of [{ ...job('x', 'a'), end: END }, undefined, job('x', 'b'), job('x'), other]) {
    const holdings = new Holdings([job('x', 'a'), { ...job('z', 'a'), spec: { ...spec, listen: [] } }]);
    holdings.set('x', now);
    expect(problemsOf(job('y'), node('a'), holdings.load('a'))).toEqual([]);
  }
});

test('a job is not sent where another one that is on its way gets the address', () => {
  const own = newNode({ name: 'a', session: 'a', timing: timingOf(10_000), offer, receiver: null });
  for (const [i, name] of ['a', 'b', 'c'].entries())
    own.nodes[name] = { record: node(name), revision: i + 1, since: 0 };
  for (const name of ['x', 'y']) own.jobs[name] = { record: job(name, 'a'), revision: 9 };
  const first = bestOther(own, job('y', 'a'), 0)!.name;
  const move = { id: 'a.1', to: { node: first, incarnation: 1 } };
  for (const state of ['sending', 'parked'] as const) {
    own.programs['x'] = { fence: 1, state, move };
    expect(bestOther(own, job('y', 'a'), 0)?.name).toBe(first === 'b' ? 'c' : 'b');
    expect(bestOther(own, { ...job('y', 'a'), spec: { ...spec, listen: [] } }, 0)).toBeDefined();
    const { [first]: only, a } = own.nodes;
    const two = { ...own, nodes: { a: a!, [first]: only! } };
    expect(bestOther(two, job('y', 'a'), 0)).toBeUndefined();
    expect(bestOther(two, { ...job('y', 'a'), spec: { ...spec, listen: [] } }, 0)?.name).toBe(first);
  }
  own.programs['x'] = { fence: 1, state: 'running', move };
  expect(bestOther(own, job('y', 'a'), 0)?.name).toBe(first);
});
