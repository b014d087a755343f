/** What a store keeps as a generation: its files, its name and number, and what it is when it is written as one file. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createStore } from '../../../../src/api/store.js';
import { verify } from '../../../../src/api/verify.js';
import { all, blobs, FIRST, folder, ingested, NEWEST, store, titles, whole } from './sample-store.js';

describe('a generation', () => {
  test('has its own file first, and those that it needs; they are there once', async () => {
    const first = await store.import(FIRST, 'job');
    const newest = await store.import(NEWEST, 'job');
    expect([first.tag, newest.tag]).toEqual(['1', '2']);
    expect(first.ownSize).toBe(statSync(FIRST).size);
    expect(newest.ownSize).toBe(statSync(NEWEST).size);
    const { path, parents } = store.find('job');
    expect(readFileSync(path).equals(readFileSync(NEWEST))).toBe(true);
    expect(parents).toContain(store.find('job:1').path);
    expect((await verify(path, { parents })).every(({ hasDigests }) => hasDigests)).toBe(true);
    expect(newest.size).toBe([path, ...parents].reduce((sum, file) => sum + statSync(file).size, 0));
    expect(blobs().length).toBe(3 + 2 * 2); // three files; a config and a manifest each
    expect(ingested()).toEqual([]);
    await whole();
  });

  test('is what the name, the number or the tag says', async () => {
    await store.import(FIRST, 'other');
    for (let i = 0; i < 3; i++) await store.import(FIRST, 'job');
    await store.import(FIRST, 'job:before-the-update');
    expect(titles()).toEqual(['job:1', 'job:2', 'job:3', 'job:before-the-update', 'other:1']);
    expect(store.find('job').generation.tag).toBe('before-the-update'); // of the same moment the later one
    expect((await store.import(FIRST, 'job')).tag).toBe('4');
    expect((await store.import(NEWEST, 'job:2')).tag).toBe('2'); // replaced
    expect(readFileSync(store.find('job:2').path).equals(readFileSync(NEWEST))).toBe(true);
    expect(() => store.find('job:9')).toThrow(/^job:9: is not in the store .*: of that name it has .*4/);
    expect(() => store.find('nobody')).toThrow(/it has no snapshot of that name/);
    for (const wrong of ['', ':1', 'a:', 'a/b', '../a:1', 'a:b:c', '-a', 'a b', 'a:-1', `${'a'.repeat(65)}`]) {
      await expect(store.import(FIRST, wrong), wrong).rejects.toMatchObject({ code: 'reference' });
    }
  });

  test('that needs a missing file, or is none, leaves the store as it was', async () => {
    const alone = join(all, 'alone.wsnap');
    writeFileSync(alone, readFileSync(NEWEST));
    await expect(store.import(alone, 'job')).rejects.toMatchObject({ code: 'no-parent' });
    await expect(store.import(import.meta.filename, 'job')).rejects.toMatchObject({ code: 'snapshot' });
    expect([titles(), blobs(), ingested()]).toEqual([[], [], []]);
    await store.import(alone, 'job', { search: [dirname(NEWEST)] });
    expect(store.find('job').parents.length).toBe(2);
  });

  test('goes from one store into another with all that it needs', async () => {
    await store.import(NEWEST, 'job');
    const { path, parents } = store.find('job');
    const other = await createStore(join(folder, '..', 'other'));
    await other.import(path, 'copy', { parents });
    await store.remove(['job']);
    expect((await other.verify()).wrong).toEqual([]);
    expect(other.find('copy').parents.length).toBe(parents.length);
  });

  test('exported needs no other file, and compacted neither', async () => {
    await store.import(NEWEST, 'job');
    const out = join(folder, '..', 'out.wsnap');
    await store.export('job', { to: out });
    expect((await verify(out)).length).toBe(1);
    const old = store.find('job').path;
    expect((await store.compact('job')).tag).toBe('1');
    expect(store.find('job').parents).toEqual([]);
    expect(readFileSync(store.find('job').path).equals(readFileSync(out))).toBe(true);
    expect(existsSync(old)).toBe(true);
    expect((await store.prune()).blobs).toBe(3 + 2);
    expect(existsSync(old)).toBe(false);
    await whole();
  });

  test('no number is given twice, however large it is, and after the largest there is none', async () => {
    for (const large of ['999999999', '9999999999', '999999999999998']) {
      await store.import(FIRST, `job:${large}`);
      expect((await store.import(FIRST, 'job')).tag).toBe(String(Number(large) + 1));
    }
    await expect(store.import(FIRST, 'job')).rejects.toMatchObject({ code: 'generations', exitCode: 4 });
    expect((await store.import(FIRST, 'job:next')).tag).toBe('next');
  });
});
