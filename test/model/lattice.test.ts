/**
 * The lattice's protocol never lets a job run twice: explored are all runs with a few faults, all interleavings of a few
 * steps, and long random ones. Mutants of the protocol show that this can fail.
 *
 * WAGSNAP_LATTICE_STATES=N explores up to N states from each beginning instead.
 */

import { expect, test } from 'vitest';
import { verdict } from '../../src/lattice/guard.js';
import { step } from '../../src/lattice/protocol.js';
import { CLOCK_RATIO, timingOf } from '../../src/lattice/state.js';
import { random } from '../support/random.js';
import { BEGINNINGS, type Beginning } from './lattice-beginnings.js';
import { explore, exploreFaults, type Found, settles, walk } from './lattice-search.js';
import { JOB, RULES, type Rules, TIMING, Violation, type World } from './lattice-world.js';

const STATES = Number(process.env['WAGSNAP_LATTICE_STATES'] ?? 1100);
const WALKS = 14;
/** One state of so many is looked at for whether the job runs in the end. */
const SAMPLE = 50;

const CLOCKS = [
  ['b is faster', [100, 110]],
  ['a is faster', [110, 100]],
] as const;

/** What has to have happened at least once, to or at any node. */
const KINDS: readonly string[] = [
  'a user asks for a move',
  'a user asks to stop it',
  'a user drains a',
  'a user drains b',
  'captures',
  'crashes',
  'does "begin"',
  'does "commit"',
  'does "end"',
  'does "refuse"',
  'does "resume"',
  'does "send"',
  'does "start"',
  'goes on',
  'is connected',
  'is cut off',
  'is lost',
  'is to leave: drop',
  'is to leave: give',
  'looks at its clock',
  'notices "arrival-lost"',
  'notices "arrived"',
  'notices "captured"',
  'notices "ended"',
  'notices "not-sent"',
  'notices "parked"',
  'notices "running"',
  'program exits',
  'sees job',
  'sees node',
  'stands still',
  'starts',
  'the program arrives',
  'the program is sent as a snapshot',
  'the source loses the link',
  'the target loses the link',
  'time',
  'write of job arrives',
  'write of job arrives, and will again',
  'write of job arrives, no answer',
  'write of node arrives',
  'write of node arrives, and will again',
  'write of node arrives, no answer',
];

function kindOf(action: string): string {
  return action
    .replace(/^[ab]('s)? (?!user)/, '')
    .replace(/\b(node|job)\.\w+/, '$1')
    .replace(/ to [ab]$/, '');
}

test.each(CLOCKS)('a job runs once, and always in the end; clocks: %s', async (_, rates) => {
  const rules: Rules = { ...RULES, rates };
  const kinds = new Set<string>();
  for (const { name, least, world } of BEGINNINGS) {
    await new Promise((resolve) => setImmediate(resolve)); // the runner wants to hear of a long test
    const begin = world(rules);
    let [count, stuck] = [0, 0];
    const look = (state: World, action?: string) => {
      if (action !== undefined) kinds.add(kindOf(action));
      if (count++ % SAMPLE !== 0) return;
      if (settles(state, rules) === undefined) stuck++;
    };
    const faults = await exploreFaults(begin, rules, STATES, look);
    const steps = await explore(begin, rules, STATES / 5, look);
    let walked = 0;
    const ways: Found[] = [];
    for (let seed = 0; seed < WALKS; seed++) {
      const way = walk(begin, rules, 150, random(seed));
      walked += way.states;
      ways.push(way);
      look(way.end);
    }
    for (const { violation } of [faults, steps, ...ways]) expect(violation).toBeUndefined();
    expect(stuck, name).toBe(0);
    expect(faults.depth, name).toBeGreaterThanOrEqual(1);
    expect(faults.complete, name).toBeGreaterThanOrEqual(least);
    expect(steps.depth, name).toBeGreaterThanOrEqual(2);
    const looked = Math.ceil(count / SAMPLE);
    console.log(
      `${name}: ${faults.states} states, all ${faults.complete} with ${faults.depth} faults; ${steps.states} states, all of ${steps.depth} ` +
        `steps; ${walked} random steps; ${looked} states looked at for whether it runs in the end`,
    );
  }
  expect([...kinds].sort()).toEqual(KINDS);
});

test('a node parks before others may fence it, if clocks are as far apart as is allowed', () => {
  const { early, margin } = timingOf(10_000);
  expect(early * CLOCK_RATIO).toBeLessThan(margin);
});

type Step = typeof step;

/** What would be wrong, and the beginning from which it is found. */
const MUTANTS: readonly (readonly [what: string, beginning: string, change: Partial<Rules>])[] = [
  ['another node is fenced without a margin', 'a runs it', { timing: { ...TIMING, margin: 1 } }],
  ['the server does not compare revisions', 'two nodes and a free job', { compares: false }],
  ['the guard does not park', 'a runs it', { verdict: () => 'run' }],
  [
    'stale programs are not ended',
    'a is fenced',
    {
      step: (node, event, now) => step(node, event, now).filter((effect) => effect.do !== 'end'),
      verdict: (guard, incarnation, now) =>
        verdict(guard, incarnation, now) === 'run' || now < guard.until ? 'run' : 'park',
    },
  ],
  ['the lease counts from the answer', 'a stands still, and its renewal has arrived', { step: countFromAnswer }],
  ['a recalled program does not wait', 'a wants it back', { step: recallAtOnce }],
  [
    'a takeover does not raise the fence',
    'two nodes and a free job',
    {
      step: (node, event, now) =>
        step(node, event, now).map((effect) =>
          effect.do === 'write-job' ? { ...effect, record: { ...effect.record, fence: 0 } } : effect,
        ),
    },
  ],
  [
    'a takeover forgets the snapshot',
    'a has captured it, and stands still',
    {
      step: (node, event, now) =>
        step(node, event, now).map((effect) =>
          effect.do === 'write-job' && effect.record.holder?.node === 'b'
            ? { ...effect, record: { ...effect.record, snapshot: null } }
            : effect,
        ),
    },
  ],
  [
    'only the two newest snapshots are kept',
    'a has captured it three times',
    { old: (all: readonly number[]) => all.slice(0, -2) },
  ],
  [
    'a node does not know that it is drained',
    'a runs it, and is asked for everything',
    {
      step: (node, event, now) =>
        event.kind === 'node' && event.record.name === node.name
          ? step(node, { ...event, record: { ...event.record, draining: false } }, now)
          : step(node, event, now),
    },
  ],
];

/** What would never come to an end. */
const STUCK: readonly (readonly [what: string, beginning: string, change: Step])[] = [
  [
    'a node that is lost is not fenced',
    'a runs it, and is asked for everything',
    (node, event, now) =>
      step(node, event, now).filter((effect) => effect.do !== 'write-node' || effect.record.name === node.name),
  ],
  [
    'a node that is drained keeps what it has',
    'a runs it, and is asked for everything',
    (node, event, now) =>
      step(node, event, now).filter((effect) => effect.do !== 'send' || effect.job.to !== null || node.leaving),
  ],
  [
    'a node to move to that is lost is not forgotten',
    'a runs it, and shall move it to b, which is lost',
    (node, event, now) =>
      step(node, event, now).filter(
        (effect) => effect.do !== 'write-job' || effect.record.to !== null || node.jobs[JOB]?.record.to === null,
      ),
  ],
  [
    'who leaves gives nothing back for anyone to take',
    'a runs it, and shall move it to b, which is lost',
    (node, event, now) => step(node, event, now).filter((effect) => effect.do !== 'send' || effect.move.to !== null),
  ],
];

test.each(STUCK)('it is noticed when %s', async (what, name, change) => {
  const rules: Rules = { ...RULES, step: change };
  let [count, stuck] = [0, 0];
  const found = await exploreFaults(BEGINNINGS.find((one) => one.name === name)!.world(rules), rules, 400, (state) => {
    if (count++ % 3 === 0 && stuck === 0 && settles(state, rules) === undefined) stuck = count;
  });
  console.log(`${what}: ${found.violation?.what ?? `state ${stuck} of ${count}`}`);
  expect(found.violation).toBeUndefined();
  expect(stuck).toBeGreaterThan(0);
});

function countFromAnswer(...[node, event, now]: Parameters<Step>): ReturnType<Step> {
  if (event.kind === 'node') for (const renewal of Object.keys(node.sent)) node.sent[Number(renewal)] = now;
  return step(node, event, now);
}

function recallAtOnce(...[node, event, now]: Parameters<Step>): ReturnType<Step> {
  for (const program of Object.values(node.programs)) if (program.after !== undefined) program.after = -1;
  return step(node, event, now);
}

test.each(MUTANTS)('it is noticed when %s', async (what, name, change) => {
  const rules: Rules = { ...RULES, ...change };
  const found = await search(BEGINNINGS.find((one) => one.name === name)!, rules);
  console.log(
    `${what}: ${found.violation?.what}, after ${found.violation?.steps.length} steps, ${found.states} states`,
  );
  expect(found.violation?.what).toBeTypeOf('string');
});

async function search({ world }: Beginning, rules: Rules): Promise<Found> {
  try {
    return await exploreFaults(world(rules), rules, 20_000);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { states: 0, depth: 0, complete: 0, violation: { what: error.message, steps: [] } };
  }
}
