/** Triggers: what they refuse, and what is no failure. */

import { expect, test } from 'vitest';
import { Triggers } from '../../../src/api/triggers.js';
import { FIRST, store } from '../snapshot/store/sample-store.js';

test.each([
  [{ keep: 0 }, /keep 0: expected a number, from 1 on/],
  [{ every: 2 ** 31 }, /every 2147483648: expected milliseconds/],
  [{ whenIdle: 0 }, /whenIdle 0: expected milliseconds/],
])('triggers refuse %j', (options, message) => {
  const workload = { pid: process.pid, capture: () => Promise.reject(new Error()) };
  expect(() => new Triggers(workload as never, { store, name: 'job', ...options })).toThrow(message);
});

test('a snapshot that was taken is no failure when earlier ones cannot be removed', async () => {
  const warnings: string[] = [];
  const generation = await store.import(FIRST, 'job');
  const broken = { capture: async () => ({ generation }), prune: () => Promise.reject(new Error('disk')) };
  const triggers = new Triggers({ pid: process.pid } as never, {
    store: broken as never,
    name: 'job',
    keep: 1,
    onWarning: (warning) => warnings.push(warning),
  });
  expect(await triggers.snapshot({ kill: true })).toBe(generation);
  expect(warnings).toEqual(['job: earlier snapshots were not removed: disk']);
  await triggers.stop();
});
