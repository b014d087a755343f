/**
 * A lazy move that fails at every step in every way: the program runs once, or it is kept at the source with all of its
 * memory.
 */

import { expect, test } from 'vitest';
import { OwingError, UndecidedError } from '../../../src/transport/errors.js';
import { DECIDED, expectRunsHere, move, UNDECIDED, useWorldTime } from '../../support/move-world.js';

useWorldTime();

test('what is waited for comes first, and it ends here when all is there', async () => {
  const { world, source } = await move(undefined, -1, { lazy: true });
  expect(source).toBe('moved');
  expect([world.sourceRuns, world.ended, world.targetRuns, world.missing]).toEqual([false, true, true, 0]);
  const units = world.trace.filter((what) => what.includes('has unit'));
  expect(units).toHaveLength(3);
  expect(units.indexOf('target: has unit 1')).toBeLessThan(units.indexOf('target: has unit 0'));
  expect(world.trace.indexOf('target: says running')).toBeLessThan(world.trace.indexOf(units[0]!));
  expect(world.trace.indexOf('target: says whole')).toBeLessThan(world.trace.indexOf('source: ends'));
});

test.each([
  ['source dies', ['dead', 'dead, kept', 'moved']],
  ['target dies', [...UNDECIDED, 'owing']],
  ['target sleeps', [...DECIDED, 'undecided, runs there', 'waits']],
  ['link is cut', [...DECIDED, 'undecided, runs there', 'owing']],
  ['link closes', [...DECIDED, 'undecided, runs there', 'owing']],
  ['end is seen first', [...DECIDED, 'waits']],
  ['target fails', [...DECIDED, 'owing']],
  ['held process ends', DECIDED],
  ['program ends', ['moved']],
  ['target talks nonsense', [...UNDECIDED, 'owing']],
  ['source fails', DECIDED],
] as const)('%s, at every step: it runs once, or is kept with all of its memory', async (fault, expected) => {
  const { world: whole } = await move(undefined, -1, { lazy: true });
  const ends = new Set<string>();
  for (let at = 0; at <= whole.step; at++) {
    const { world, source } = await move(fault, at, { lazy: true });
    const where = `${fault} at ${at}, after ${world.trace.at(at - 1)}`;
    expect(Number(world.sourceRuns) + Number(world.targetRuns), where).toBeLessThanOrEqual(1);
    const isWhole = world.missing === 0 || world.hasEnded;
    if (source instanceof OwingError) {
      expect([world.kept, world.sourceRuns, world.targetRuns], where).toEqual([true, false, true]);
      expect(source.exitCode).toBe(76);
      ends.add('owing');
    } else if (source instanceof UndecidedError) {
      expect([world.kept, world.sourceRuns], where).toEqual([true, false]);
      ends.add(world.targetRuns ? 'undecided, runs there' : 'undecided, runs nowhere');
    } else if (source instanceof Error) {
      expectRunsHere(world, source, where);
      ends.add('runs here');
    } else if (source === 'moved') {
      expect([world.ended, world.targetRuns, isWhole], where).toEqual([true, true, true]);
      ends.add('moved');
    } else if (source === 'waits') {
      expect([world.kept, world.targetRuns], where).toEqual([true, true]);
      ends.add('waits');
    } else {
      expect(world.kept || world.sourceRuns || (world.targetRuns && isWhole), where).toBe(true);
      ends.add(world.kept ? 'dead, kept' : 'dead');
    }
    if (world.ended) expect([world.targetRuns, isWhole], `${where}: ended here`).toEqual([true, true]);
  }
  expect([...ends].sort()).toEqual([...expected].sort());
});

test('messages that are lost leave it kept: nobody ends it', async () => {
  const { world: whole } = await move(undefined, -1, { lazy: true });
  const first = whole.trace.indexOf('target: has unit 1');
  for (let at = first; at < whole.step; at++) {
    const { world } = await move('messages are lost', at, { lazy: true });
    expect([world.sourceRuns, world.targetRuns], `at ${at}`).toEqual([false, true]);
    if (world.ended) expect(world.missing, `at ${at}`).toBe(0);
    else expect(world.kept, `at ${at}`).toBe(true);
  }
});
