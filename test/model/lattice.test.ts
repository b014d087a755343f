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
import { RULES, type Rules, TIMING, Violation, type World } from './lattice-world.js';

const STATES = Number(process.env['WAGSNAP_LATTICE_STATES'] ?? 1000);
/** One state of so many is looked at for whether the job runs in the end. */
const SAMPLE = 50;

const CLOCKS = [
  ['b is faster', [100, 110]],
  ['a is faster', [110, 100]],
] as const;

test.each(CLOCKS)('a job runs once, and always in the end; clocks: %s', async (_, rates) => {
  const rules: Rules = { ...RULES, rates };
  for (const { name, world } of BEGINNINGS) {
    await new Promise((resolve) => setImmediate(resolve)); // the runner wants to hear of a long test
    const begin = world(rules);
    let [count, stuck] = [0, 0];
    const look = (state: World) => {
      if (count++ % SAMPLE === 0 && settles(state, rules) === undefined) stuck++;
    };
    const faults = exploreFaults(begin, rules, STATES, look);
    const steps = explore(begin, rules, STATES / 5, look);
    let walked = 0;
    const ways: Found[] = [];
    for (let seed = 0; seed < 20; seed++) {
      const way = walk(begin, rules, 150, random(seed));
      walked += way.states;
      ways.push(way);
      look(way.end);
    }
    for (const { violation } of [faults, steps, ...ways]) expect(violation).toBeUndefined();
    expect(stuck).toBe(0);
    const looked = Math.ceil(count / SAMPLE);
    console.log(
      `${name}: ${faults.states} states, all with ${faults.depth} faults; ${steps.states} states, all of ${steps.depth} ` +
        `steps; ${walked} random steps; ${looked} states looked at for whether it runs in the end`,
    );
  }
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
];

function countFromAnswer(...[node, event, now]: Parameters<Step>): ReturnType<Step> {
  if (event.kind === 'node') for (const renewal of Object.keys(node.sent)) node.sent[Number(renewal)] = now;
  return step(node, event, now);
}

function recallAtOnce(...[node, event, now]: Parameters<Step>): ReturnType<Step> {
  for (const program of Object.values(node.programs)) if (program.after !== undefined) program.after = -1;
  return step(node, event, now);
}

test.each(MUTANTS)('it is noticed when %s', (what, name, change) => {
  const rules: Rules = { ...RULES, ...change };
  const found = search(BEGINNINGS.find((one) => one.name === name)!, rules);
  console.log(
    `${what}: ${found.violation?.what}, after ${found.violation?.steps.length} steps, ${found.states} states`,
  );
  expect(found.violation?.what).toBeTypeOf('string');
});

function search({ world }: Beginning, rules: Rules): Found {
  try {
    return exploreFaults(world(rules), rules, 20_000);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { states: 0, depth: 0, violation: { what: error.message, steps: [] } };
  }
}
