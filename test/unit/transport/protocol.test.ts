/**
 * A move with the real code of both sides, over a link and between hosts that fail at every step in every way. At each
 * moment at most one host runs the program, and in the end one does, or the source process is kept and its tool says
 * so.
 */

import { describe, expect, test } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import { UndecidedError } from '../../../src/transport/errors.js';
import { moveProgram } from '../../../src/transport/source.js';
import { HELLO } from '../../support/hello.js';
import {
  DECIDED,
  expectRunsHere,
  move,
  PATIENCE,
  programOf,
  UNDECIDED,
  useWorldTime,
  World,
} from '../../support/move-world.js';

useWorldTime();

test('without a fault it ends here and runs there', async () => {
  const { world, source } = await move(undefined, -1);
  expect(source).toBe('moved');
  expect([world.sourceRuns, world.ended, world.targetRuns, world.kept, world.held]).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  const received = world.trace.indexOf('target: says received');
  expect(world.trace.slice(0, received).filter((what) => what === 'target: writes')).toHaveLength(3); // modules, too
  expect(received).toBeLessThan(world.trace.indexOf('source: stops'));
  expect(world.trace.indexOf('source: has kept')).toBeLessThan(world.trace.indexOf('source: says commit'));
  expect(world.trace.indexOf('source: says commit')).toBeLessThan(world.trace.indexOf('target: begins'));
  expect(world.trace.indexOf('target: says running')).toBeLessThan(world.trace.indexOf('source: ends'));
});

/** With all ends that there are, at one step or another: none is left out by chance. */
describe.each([
  ['source dies', ['dead', 'dead, kept', 'moved']],
  ['target dies', UNDECIDED],
  ['target sleeps', [...DECIDED, 'undecided, runs there']],
  ['link is cut', [...DECIDED, 'undecided, runs there']],
  ['link closes', [...DECIDED, 'undecided, runs there']],
  ['end is seen first', DECIDED],
  ['messages are lost', UNDECIDED],
  ['target fails', DECIDED],
  ['held process ends', DECIDED],
  ['target talks nonsense', UNDECIDED],
  ['source fails', DECIDED],
] as const)('%s, at every step', (fault, expected) => {
  test('it runs once, or is kept and that is said', async () => {
    const { world: whole } = await move(undefined, -1);
    const ends = new Set<string>();
    for (let at = 0; at <= whole.step; at++) {
      const { world, source } = await move(fault, at);
      const where = `${fault} at ${at}, after ${world.trace.at(at - 1)}`;
      const runs = Number(world.sourceRuns) + Number(world.targetRuns);
      expect(runs, where).toBeLessThanOrEqual(1);
      if (source instanceof UndecidedError) {
        expect([world.kept, world.sourceRuns], where).toEqual([true, false]);
        expect(source.message, where).not.toContain('continues here');
        ends.add(world.targetRuns ? 'undecided, runs there' : 'undecided, runs nowhere');
      } else if (source instanceof Error) {
        expectRunsHere(world, source, where);
        ends.add('runs here');
      } else if (source === 'moved') {
        expect([world.ended, world.targetRuns], where).toEqual([true, true]);
        ends.add('moved');
      } else {
        expect(world.kept || runs === 1, where).toBe(true); // its tool has died
        ends.add(world.kept ? 'dead, kept' : 'dead');
      }
      if (!world.targetRuns && fault !== 'target sleeps') expect(world.held, `${where}: left there`).toBe(false);
    }
    expect([...ends].sort()).toEqual(expected);
  });
});

test('who gives up before the commit says so', async () => {
  const { world: whole } = await move(undefined, -1);
  const { world, source } = await move('source fails', whole.trace.indexOf('source: reads its file'));
  expect((source as Error).message).toBe('the disk is full\npid 1 continues here');
  expect(world.trace).toContain('source: says cancel');
  expect(world.trace.at(-1)).toBe('target: discards');
});

test('a commit that could not be sent is decided: it continues here', async () => {
  const { world: whole } = await move(undefined, -1);
  const { world, source } = await move('link closes', whole.trace.indexOf('source: says commit'));
  expectRunsHere(world, source as Error, 'the commit was not sent');
  expect(world.trace.indexOf('source: resumes')).toBeGreaterThan(world.trace.indexOf('source: says commit'));
});

test('who only looks is not told that it continues here, nor is it when it has ended', async () => {
  const { world: whole } = await move(undefined, -1, { dryRun: true });
  const { source } = await move('target fails', whole.trace.indexOf('target: looks'), { dryRun: true });
  expect((source as Error).message).toBe('the disk is full');
  const world = new World(undefined, -1);
  const ended = { ...programOf(world, undefined), outline: () => Promise.reject(new ToolError('process-ended', 'so')) };
  const moving = moveProgram(world.channel('source'), ended, HELLO, { patience: PATIENCE });
  await expect(moving).rejects.toThrow(/^so$/);
});

test('a copy runs here as well, whatever fails', async () => {
  const both = World.prototype.check;
  World.prototype.check = () => {};
  try {
    for (const fault of ['target dies', 'link is cut', 'messages are lost'] as const) {
      const { world: whole } = await move(undefined, -1, { copy: true });
      expect([whole.sourceRuns, whole.targetRuns]).toEqual([true, true]);
      for (let at = 0; at <= whole.step; at++) {
        const { world, source } = await move(fault, at, { copy: true });
        expect([world.sourceRuns, world.kept, source instanceof UndecidedError], `${fault} at ${at}`).toEqual([
          true,
          false,
          false,
        ]);
        if (source instanceof Error) expect(source.message).toMatch(/\npid 1 continues here$/);
      }
    }
  } finally {
    World.prototype.check = both;
  }
});
