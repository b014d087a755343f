/** A store of its own for each test of a file that imports this, and two snapshots: the second one is a difference. */

import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect } from 'vitest';
import { createStore, type Store } from '../../../../src/api/store.js';

export const fixtures = join(import.meta.dirname, '../../../../fixtures/snapshots/v3/x64');
export const NEWEST = join(fixtures, 'generations.wsnap');
export const FIRST = join(fixtures, 'generations-0.wsnap');

/** For all tests of the file. */
export const all = mkdtempSync(join(tmpdir(), 'wag-snap-store-'));
afterAll(() => rmSync(all, { recursive: true }));
export let folder: string;
export let store: Store;
beforeEach(async () => {
  folder = join(mkdtempSync(join(all, 'case-')), 'store');
  store = await createStore(folder);
});

export const blobs = () => readdirSync(join(folder, 'blobs', 'sha256'));
export const ingested = () => (existsSync(join(folder, 'ingest')) ? readdirSync(join(folder, 'ingest')) : []);
export const titles = () => store.list().map(({ name, tag }) => `${name}:${tag}`);
/** All files of the store are as old as such that nobody is adding any more. */
export const age = () => {
  const before = (Date.now() - 2 * 86_400_000) / 1000;
  for (const name of blobs()) utimesSync(join(folder, 'blobs', 'sha256', name), before, before);
};
export const whole = async () => expect((await store.verify()).wrong).toEqual([]);
