/**
 * Tracking: all interleavings of a process and one tool, and random ones with two tools, which overwrite each other's
 * requests and die at any step. No tool that lets the process go has missed a write; and that needs the number of the
 * session.
 */

import { expect, test } from 'vitest';
import { random } from '../support/random.js';
import { exhaustive, seed } from '../support/sampling.js';
import { freshWorld, type TrackingTool, type TrackingWorld, trackingSteps, wrongTracking } from './tracking-model.js';

const LIMIT = 100_000;
const RUNS = 4000;
const STEPS = 200;

/** Walks all interleavings, breadth first. @returns what does not hold, with the steps that led there */
function walk(tools: number): { states: number; violation: string | undefined; ends: number } {
  const first = JSON.stringify(freshWorld(tools, 2));
  const from = new Map<string, readonly [string, string] | undefined>([[first, undefined]]);
  const queue = [first];
  let ends = 0;
  for (let at = 0; at < queue.length; at++) {
    if (queue.length > LIMIT) throw new Error(`more than ${LIMIT} states`);
    const key = queue[at];
    const world = JSON.parse(key) as TrackingWorld;
    const wrong = wrongTracking(world);
    if (wrong !== undefined) return { states: queue.length, violation: `${wrong}:\n${pathTo(key)}`, ends };
    if (world.tools.every(({ pc }) => pc === 'done')) ends++;
    for (const [name, step] of trackingSteps(world, new Set())) {
      const next = JSON.parse(key) as TrackingWorld;
      step(next);
      const target = JSON.stringify(next);
      if (from.has(target)) continue;
      from.set(target, [key, name]);
      queue.push(target);
    }
  }
  return { states: queue.length, violation: undefined, ends };

  function pathTo(key: string): string {
    const steps: string[] = [];
    for (let at = from.get(key); at !== undefined; at = from.get(at[0])) steps.unshift(at[1]);
    return `${steps.join('\n')}\n${key}`;
  }
}

test('one tool misses no write', () => {
  const { states, violation, ends } = walk(1);
  expect(violation).toBeUndefined();
  expect(states).toBeGreaterThan(100);
  expect(ends).toBeGreaterThan(0);
});

/** Schedules by chance, each to its end. @returns what does not hold in one of them, with its steps */
function chance(next: () => number, runs: number, faults = new Set<string>()): string | undefined {
  for (let run = 0; run < runs; run++) {
    const world = freshWorld(2, STEPS, 4);
    const names: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const steps = [...trackingSteps(world, faults)];
      // Deaths are rarer than all else, and most answers are waited for.
      const living = steps.filter(
        ([name]) => next() < (name.endsWith('dies') ? 0.02 : /gives up|asks again/.test(name) ? 0.1 : 1),
      );
      if (steps.length === 0) break;
      if (living.length === 0) continue;
      const [name, take] = living[Math.floor(next() * living.length)];
      names.push(name);
      take(world);
      const wrong = wrongTracking(world);
      if (wrong !== undefined) return `${wrong}:\n${names.join('\n')}\n${JSON.stringify(world)}`;
    }
  }
  return undefined;
}

test(`nor do two, by chance, seed ${seed}`, { timeout: 120_000 }, () => {
  expect(chance(random(seed), exhaustive ? 1_000_000 : RUNS)).toBeUndefined();
});

test('they would, if the process did not look whether a request is whole', { timeout: 120_000 }, () => {
  expect(chance(random(1), 5 * RUNS, new Set(['checks']))).toMatch(/has missed a write/);
});

/** @returns what does what a tool does, and the process for it, until it is there */
function driver(world: TrackingWorld, faults: readonly string[]) {
  return (id: number, isThere: (tool: TrackingTool) => boolean) => {
    while (!isThere(world.tools[id - 1])) {
      const steps = [...trackingSteps(world, new Set(faults))];
      const isNext = (name: string) => name.startsWith('process') || name.startsWith(`tool ${id} `);
      const [, take] = steps.find(([name]) => isNext(name) && !/writes$|dies|asks again|gives up/.test(name))!;
      take(world);
    }
  };
}

function writePage(world: TrackingWorld): void {
  const [, write] = [...trackingSteps(world, new Set())].find(([name]) => name === 'process writes')!;
  write(world);
}

test.each([
  ['a capture continues from the last one', [], undefined, 1],
  ['not when another tool has scanned meanwhile', [], undefined, 2],
  ['the process forgets the last one then', ['forgets'], 'tool 1 has missed a write', 2],
] as const)('%s', (_, faults, expected, by) => {
  const world = freshWorld(2, 1);
  const drive = driver(world, faults);
  drive(1, ({ pc, left }) => pc === 'request1' && left === 0);
  expect(world.process.since).toBe(0);
  writePage(world);
  if (by === 2) drive(2, ({ pc }) => pc === 'copy');
  drive(1, ({ pc }) => pc === 'done');
  expect(world.tools[0].isContinued).toBe(by === 1 || faults.length > 0);
  expect(wrongTracking(world)).toBe(expected);
});

const ASK = ['writes a request', 'writes the rest of it, and signals'];
const ANSWER = ['process answers', 'process publishes'];

/** The answer to the last scan of one tool is overwritten before it has looked, so it asks again. */
test.each([
  ['a request that is repeated is not performed again', [], undefined],
  ['it would lose what was found the first time', ['repeats'], 'tool 1 has missed a write'],
] as const)('%s', (_, faults, expected) => {
  const world = freshWorld(2, 1);
  const drive = driver(world, faults);
  const take = (...names: readonly string[]) => {
    for (const name of names) {
      const [, step] = [...trackingSteps(world, new Set(faults))].find(([one]) => one === name)!;
      step(world);
    }
  };
  const by = (id: number, names: readonly string[]) => names.map((name) => `tool ${id} ${name}`);
  drive(2, ({ pc, asked }) => pc === 'request1' && asked === 1);
  drive(1, ({ pc }) => pc === 'stop');
  writePage(world);
  take('tool 1 stops the process', ...by(1, ASK), ...ANSWER);
  take(...by(2, ASK), ...ANSWER);
  take('tool 1 asks again', ...by(1, ASK), ...ANSWER);
  drive(1, ({ pc }) => pc === 'done');
  expect(world.tools[0].isLost).toBe(faults.length === 0);
  expect(wrongTracking(world)).toBe(expected);
});

test.each([
  ['one of which begins after the other has copied: the session of the first is over', [], undefined],
  ['the same, were it not', ['sessions'], 'tool 1 has missed a write'],
] as const)('two, %s', (_, faults, expected) => {
  const world = freshWorld(2, 1);
  const drive = driver(world, faults);
  drive(1, ({ pc }) => pc === 'stop');
  writePage(world);
  drive(2, ({ pc }) => pc === 'copy');
  drive(1, ({ pc }) => pc === 'done');
  expect(wrongTracking(world)).toBe(expected);
});
