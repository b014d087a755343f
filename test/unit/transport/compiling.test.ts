/** The target compiles the image while pages come. */

import { expect, test, vi } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import { moveProgram } from '../../../src/transport/source.js';
import { receiveProgram } from '../../../src/transport/target.js';
import { HELLO } from '../../support/hello.js';
import { hostOf, never, PATIENCE, programOf, useWorldTime, World } from '../../support/move-world.js';

useWorldTime();

/** A target that compiles until it is told to go on. */
const slow = (outcome: Promise<void>) => {
  const world = new World(undefined, -1);
  const host = hostOf(world);
  const target = receiveProgram(world.channel('target'), {
    ...host,
    compile: async () => {
      await outcome;
      return host.compile();
    },
  });
  return { world, target };
};
const sourceOf = (world: World) =>
  moveProgram(world.channel('source'), programOf(world, undefined), HELLO, { patience: PATIENCE });

test('pages go there, and the program stands still only afterwards', async () => {
  let go = () => {};
  const { world, target } = slow(new Promise((resolve) => (go = resolve)));
  const moving = sourceOf(world);
  // longer than the source waits for a silent side: this one says that it is busy
  for (let n = 0; n < 12; n++) await vi.advanceTimersByTimeAsync(10_000);
  expect(world.trace.filter((line) => line === 'target: writes')).toHaveLength(3);
  expect([world.sourceRuns, world.trace.includes('source: stops')]).toEqual([true, false]);
  go();
  await vi.advanceTimersByTimeAsync(10_000);
  await moving;
  world.leaves();
  await target;
  expect(world.trace.indexOf('target: says compiled')).toBeLessThan(world.trace.indexOf('source: stops'));
  expect([world.targetRuns, world.ended]).toEqual([true, true]);
});

test('its error ends the move, and the program runs on', async () => {
  let fail = (_: Error) => {};
  const { world, target } = slow(new Promise((_, reject) => (fail = reject)));
  const moving = expect(sourceOf(world)).rejects.toThrow('the module is too large');
  for (let n = 0; n < 3; n++) await vi.advanceTimersByTimeAsync(10_000);
  fail(new ToolError('large', 'the module is too large'));
  await vi.advanceTimersByTimeAsync(10_000);
  await moving;
  expect(await target).toEqual({ pid: undefined });
  expect([world.sourceRuns, world.targetRuns, world.held]).toEqual([true, false, false]);
  expect(world.trace.at(-1)).toBe('target: discards');
});

test('a source that is gone is noticed', async () => {
  const { world, target } = slow(never);
  const moving = sourceOf(world).catch(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  world.leaves();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await target).toMatchObject({ pid: undefined, lost: 'gone' });
  await moving;
  expect(world.sourceRuns).toBe(true);
});
