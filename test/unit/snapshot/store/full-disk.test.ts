/** Removing snapshots on a disk without a free byte. A kill or a fault at each step: test/faults/store-steps.test.ts. */

import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../../../src/api/store.js';
import { FileCalls } from '../../../faults/file-calls.js';

const FIXTURE = join(import.meta.dirname, '../../../../fixtures/snapshots/v3/x64/generations-0.wsnap');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-full-'));
const at = join(folder, 'store');
const spare = join(at, 'spare');
let calls: FileCalls;
let api: typeof import('../../../../src/api/store.js');
let store: Store;

beforeAll(async () => {
  calls = new FileCalls(folder);
  api = await import('../../../../src/api/store.js');
});
beforeEach(async () => {
  calls.disarm();
  rmSync(at, { recursive: true, force: true });
  store = await api.createStore(at);
  for (let i = 0; i < 3; i++) await store.import(FIXTURE, 'job');
});
afterAll(() => {
  calls.uninstall();
  rmSync(folder, { recursive: true });
});

const titles = () => store.list().map(({ name, tag }) => `${name}:${tag}`);
const untilItIsGivenUp = () => existsSync(spare);

test.each([
  ['rm', () => store.remove(['job:1', 'job:2'])],
  ['prune', () => store.prune()],
])('%s takes the room that is kept for it, and keeps it again', async (_, change) => {
  calls.arm(undefined, untilItIsGivenUp);
  expect((await change()).removed.map(({ tag }) => tag).sort()).toEqual(['1', '2']);
  expect(calls.labels).toContain('unlinkSync /store/spare');
  calls.disarm();
  expect(titles()).toEqual(['job:3']);
  expect(existsSync(spare)).toBe(true);
});

test('with no room at all nothing is removed, and the message says what to do', async () => {
  calls.arm(undefined, () => true);
  for (let round = 0; round < 2; round++) {
    await expect(store.remove(['job:1'])).rejects.toMatchObject({
      exitCode: 1,
      message: `${at}/lock: cannot be written: the disk is full: nothing was removed: make some room on that disk by other means first`,
    });
    expect(existsSync(spare)).toBe(false);
  }
  calls.disarm();
  expect(titles()).toEqual(['job:1', 'job:2', 'job:3']);
  await store.remove(['job:1']);
  expect(existsSync(spare)).toBe(true);
});

test('the room is not touched while there is other room', async () => {
  const { ino } = statSync(spare);
  await store.remove(['job:1']);
  await store.import(FIXTURE, 'job');
  expect(statSync(spare).ino).toBe(ino);
});

test('the room grows with the index', async () => {
  const enough = () => statSync(spare).size - statSync(join(at, 'index.json')).size;
  expect(enough()).toBeGreaterThanOrEqual(1 << 16);
  for (let i = 0; i < 12; i++) await store.import(FIXTURE, 'more');
  expect(enough()).toBeGreaterThanOrEqual(1 << 16);
});

test('another error is not taken for a full disk', async () => {
  await expect(store.remove(['none'])).rejects.toMatchObject({ code: 'no-generation' });
  expect(existsSync(spare)).toBe(true);
});
