/** What people see of nodes and jobs when nobody is there who writes records. */

import { expect, test } from 'vitest';
import { jobTable } from '../../../bin/show/lattice.js';
import { jobEntries, jobEntry, nodeEntries, withGone } from '../../../src/api/lattice-view.js';
import type { JobRecord, NodeRecord } from '../../../src/lattice/records.js';
import { spec } from '../../support/job-spec.js';

const HOUR = 3_600_000;
const offer = { arch: ['x64'], cpus: 1, memory: 2 ** 30, labels: {}, store: true, dirs: [], listen: {} };
const node = (name: string, fenced = false): NodeRecord => ({
  ...{ name, incarnation: 1, session: name, renewal: 1, lease: 10_000, fenced, cordoned: false, draining: false },
  ...{ offer, receiver: null },
});
const job = (name: string, at: string): JobRecord => ({
  ...{ name, group: name, spec, desired: 'run', fence: 1, begun: 0, holder: { node: at, incarnation: 1 }, to: null },
  ...{ arrival: null, snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] },
});

test('a node that is silent for its lease and the margin has gone, and its jobs are lost', () => {
  const silence = new Map([
    ['a', 11_999],
    ['b', 12_000],
  ]);
  const seen = withGone({ nodes: [node('a'), node('b')], jobs: [job('x', 'a'), job('y', 'b')], silence });
  expect(nodeEntries(seen, false).map(({ name, state, silent }) => [name, state, silent])).toEqual([
    ['a', 'ready', 11_999],
    ['b', 'gone', 12_000],
  ]);
  expect(seen.jobs.map((one) => jobEntry(one, seen).state)).toEqual(['running', 'lost']);
  expect(jobEntry(seen.jobs[1]!, seen).problems).toEqual([
    { node: 'a', problems: [] },
    { node: 'b', problems: ['it has left, or was lost'] },
  ]);
});

test('of a node that has gone nothing else keeps a job from it, and after an hour it is not named', () => {
  const waiting: JobRecord = { ...job('x', 'a'), holder: null, spec: { ...spec, labels: { only: 'a' } } };
  const nodes = [node('here'), node('since', true), node('long', true)];
  const silence = new Map([
    ['since', HOUR - 1],
    ['long', HOUR],
  ]);
  expect(jobEntry(waiting, { nodes, jobs: [waiting], silence }).problems).toEqual([
    { node: 'here', problems: ['it has no label only=a'] },
    { node: 'since', problems: ['it has left, or was lost'] },
  ]);
});

test('nodes that have gone are listed for an hour, and as long as they have a job', () => {
  const silence = new Map([
    ['alive', 1000],
    ['busy', 2 * HOUR],
    ['long', HOUR],
    ['since', HOUR - 1],
  ]);
  const nodes = ['alive', 'busy', 'long', 'since'].map((name) => node(name, name === 'long'));
  const seen = withGone({ nodes, jobs: [job('x', 'busy')], silence });
  expect(nodeEntries(seen, false).map(({ name }) => name)).toEqual(['alive', 'busy', 'since']);
  expect(nodeEntries(seen, true).map(({ state }) => state)).toEqual(['ready', 'gone', 'gone', 'gone']);
});

test('of a job that runs, why it has no newer snapshot', () => {
  const of = (record: JobRecord) => {
    const seen = { nodes: [node('a')], jobs: [record], silence: new Map() };
    const entry = jobEntry(record, seen);
    return [entry.uncaptured, jobTable([entry]).split('\n')[1]?.trimEnd().split(/ {2,}/).at(-1)];
  };
  const failing = { ...job('x', 'a'), uncaptured: 'the disk\u001b is full' };
  expect(of(failing)[0]).toBe('the disk\u001b is full');
  expect(of(failing)[1]).toMatch(/^no newer snapshot: the disk.+ is full$/);
  expect(of(failing)[1]).not.toContain('\u001b');
  expect(of({ ...failing, end: { code: 0, signal: null, problem: null } })).toEqual([null, 'exit code 0']);
});

test('jobs that have ended are listed for an hour', () => {
  const end = { code: 0, signal: null, problem: null };
  const jobs = [job('alive', 'a'), { ...job('long', 'a'), end }, { ...job('since', 'a'), end }];
  const ages = new Map([
    ['alive', 2 * HOUR],
    ['long', HOUR],
    ['since', HOUR - 1],
  ]);
  const records = { nodes: [node('a')], jobs, silence: new Map(), ages };
  expect(jobEntries(records, false).map(({ name }) => name)).toEqual(['alive', 'since']);
  expect(jobEntries(records, true).map(({ name }) => name)).toEqual(['alive', 'long', 'since']);
});

test('a job that cannot leave a node that is drained says why', () => {
  const drained = { ...node('a'), draining: true };
  const held = { ...job('x', 'a'), spec: { ...spec, labels: { only: 'a' } } };
  const problemsWith = (nodes: NodeRecord[], one: JobRecord = held) =>
    jobEntry(one, { nodes, jobs: [one], silence: new Map() }).problems;
  expect(problemsWith([drained, node('b')])).toEqual([
    { node: 'a', problems: ['it is being drained', 'it has no label only=a'] },
    { node: 'b', problems: ['it has no label only=a'] },
  ]);
  expect(problemsWith([node('a'), node('b')])).toEqual([]);
  expect(problemsWith([drained, node('b')], job('x', 'a'))).toEqual([]);
});

test('a job that is to be stopped, and no node is there that could say so', () => {
  const stopping: JobRecord = { ...job('x', 'a'), desired: 'stop' };
  const see = (...nodes: NodeRecord[]) => jobEntry(stopping, { nodes, jobs: [stopping], silence: new Map() });
  const lost = see(node('a', true), node('b', true));
  const gone = ['it has left, or was lost'];
  expect(lost).toMatchObject({
    state: 'stopping',
    problems: ['a', 'b'].map((name) => ({ node: name, problems: gone })),
  });
  expect(jobTable([lost])).toContain('its node is lost: it ends when a node is there');
  for (const seen of [see(node('a', true), node('b')), see(node('a'))]) expect(seen.problems).toEqual([]);
});
