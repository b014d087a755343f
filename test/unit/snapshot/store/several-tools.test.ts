/** Several tools that use a store at once. */

import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../../../src/api/store.js';
import { ownName } from '../../../../src/base/temporary.js';
import { locked } from '../../../../src/snapshot/store/lock.js';
import { blobs, FIRST, folder, NEWEST, store, titles, whole } from './sample-store.js';

describe('several at once', () => {
  test('get numbers of their own, and lose nothing', async () => {
    const stores = await Promise.all(Array.from({ length: 12 }, () => openStore(folder)));
    const made = await Promise.all(stores.map((one, i) => one.import(i % 2 ? NEWEST : FIRST, 'job')));
    expect(made.map(({ tag }) => Number(tag)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    expect(titles().length).toBe(12);
    await whole();
  });

  test('wait for one that changes the store, and not for one that has ended', async () => {
    const order: string[] = [];
    const first = locked(folder, async () => {
      order.push('begins');
      await new Promise((resolve) => setTimeout(resolve, 200));
      order.push('ends');
    });
    await Promise.all([first, locked(folder, () => order.push('second'))]);
    expect(order).toEqual(['begins', 'ends', 'second']);
    const dead = ownName().replace(`-${process.pid}-`, '-4194304-'); // no such pid: proc(5), pid_max
    mkdirSync(join(folder, 'lock'), { recursive: true });
    writeFileSync(join(folder, 'lock', dead), '');
    await store.import(FIRST, 'job');
    expect(readdirSync(join(folder, 'lock'))).toEqual([]);
  });

  test('keep the files of what they begin with, whatever is removed meanwhile', async () => {
    await store.import(NEWEST, 'job');
    const { path, parents } = store.find('job');
    const ingest = store['store'].ingest();
    const kept: string[] = [];
    for (const file of [path, ...parents]) kept.push(await ingest.keep(store['store'].blobs.digestOf(file) ?? ''));
    await store.remove(['job']);
    expect(blobs()).toEqual([]);
    renameSync(kept[0], ingest.pathOf('snapshot.wsnap'));
    await store['store'].add(ingest, 'snapshot.wsnap', { name: 'job', tag: undefined });
    ingest.close();
    await whole();
    expect(store.find('job').parents.length).toBe(parents.length);
  });
});
