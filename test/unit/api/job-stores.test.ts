/** Each job has a store of its own below the folder of the node. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JobStores } from '../../../src/api/job-stores.js';
import { createStore, openStore } from '../../../src/api/store.js';
import { temporaryFolder } from '../../support/workload.js';

const SNAPSHOT = join(import.meta.dirname, '../../../fixtures/snapshots/v3/x64/generations-0.wsnap');

test('a job has a store in a folder of its name', async () => {
  const folder = join(temporaryFolder(), 'new');
  const stores = JobStores.open(folder);
  await (await stores.of('index.json')).import(SNAPSHOT, 'index.json');
  await (await stores.of('other')).import(SNAPSHOT, 'other');
  expect(readdirSync(folder).sort()).toEqual(['index.json', 'other']);
  expect((await stores.find('other:1')).path).toContain(join(folder, 'other', 'blobs'));
  await expect(stores.find('other:2')).rejects.toThrow('other:2: is not in the store');
  await expect(stores.find('absent:1')).rejects.toThrow(`absent:1: there is no ${join(folder, 'absent')}`);
});

test.each([
  ['job:3', ['1', '2']],
  ['job:1', []],
  ['job:99', []],
])('of its snapshots only those go that are older than %s, and those of users stay', async (reference, old) => {
  const stores = JobStores.open(temporaryFolder());
  const store = await stores.of('job');
  for (const tag of ['1', 'mine', '2', '3', '4']) await store.import(SNAPSHOT, `job:${tag}`);
  const other = await stores.of('other');
  for (const tag of ['1', '2']) await other.import(SNAPSHOT, `other:${tag}`);
  await stores.removeBefore(reference);
  const left = ['1', 'mine', '2', '3', '4'].filter((tag) => !(old as string[]).includes(tag));
  expect(store.list().map(({ tag }) => tag)).toEqual(left);
  expect(other.list()).toHaveLength(2);
});

test('what is a store already is no folder for stores of jobs', async () => {
  const { folder } = await createStore(join(temporaryFolder(), 'store'));
  expect(() => JobStores.open(folder)).toThrow(`${folder}: is a store itself`);
});

test('whoever looks for a store in the folder of the node is told of those of its jobs', async () => {
  const folder = temporaryFolder();
  await JobStores.open(folder).of('job');
  const advice = `but folders in it are stores: --store ${join(folder, 'job')}`;
  await expect(openStore(folder)).rejects.toThrow(`${folder}: there is no store of snapshots: ${advice}`);
});
