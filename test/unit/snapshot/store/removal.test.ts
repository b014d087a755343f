/** What `rm` and `prune` remove, and what stays. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { age, blobs, FIRST, folder, NEWEST, store, titles, whole } from './sample-store.js';

describe('what goes', () => {
  test('is what was named, and files that no other needs', async () => {
    await store.import(FIRST, 'job');
    await store.import(NEWEST, 'job');
    await store.import(FIRST, 'other');
    const removed = await store.remove(['job:1', 'other']);
    expect(removed.removed.map(({ name, tag }) => `${name}:${tag}`)).toEqual(['job:1', 'other:1']);
    expect(removed.blobs).toBe(2 + 0); // one config and one manifest: both generations are the same, and job:2 needs the file
    await whole();
    await expect(store.remove(['job:2', 'job:7'])).rejects.toMatchObject({ code: 'no-generation' });
    expect(titles()).toEqual(['job:2']);
    await store.remove(['job']);
    expect([titles(), blobs()]).toEqual([[], []]);
  });

  test('is as old and as many as prune is told, never the newest', async () => {
    for (let i = 0; i < 3; i++) await store.import(FIRST, 'job');
    await store.import(NEWEST, 'other');
    const gone = async (options: object) =>
      (await store.prune({ ...options, dryRun: true })).removed.map(({ tag, name }) => name + tag);
    expect(await gone({ keep: 2 })).toEqual(['job1']);
    expect((await gone({})).sort()).toEqual(['job1', 'job2']);
    expect((await gone({ keep: 0, names: ['other'] })).sort()).toEqual(['other1']);
    expect(await gone({ keep: 0, olderThan: 1e13 })).toEqual([]); // these files are not 300 years old
    expect((await gone({ keep: 0, olderThan: 1 })).length).toBe(4);
    expect(titles().length).toBe(4);
    await store.prune();
    expect(titles()).toEqual(['job:3', 'other:1']);
    await whole();
  });

  test('is nothing that another tool has put there', async () => {
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    const layer = store['store'].blobs.put('somebody');
    const manifest = store['store'].blobs.put(
      JSON.stringify({ schemaVersion: 2, layers: [{ mediaType: 'x', ...layer }] }),
    );
    const nested = {
      schemaVersion: 2,
      manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest }],
    };
    const outer = store['store'].blobs.put(JSON.stringify(nested));
    const entry = { mediaType: 'application/vnd.oci.image.index.v1+json', ...outer, platform: { os: 'linux' } };
    index.manifests.push(entry);
    writeFileSync(join(folder, 'index.json'), JSON.stringify(index));
    await store.import(FIRST, 'job');
    age();
    await store.prune({ keep: 0 });
    expect(blobs().length).toBe(3);
    expect(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests).toEqual([entry]);
  });

  test('is nothing while a document cannot be read that may lead to it', async () => {
    await store.import(FIRST, 'job');
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    const path = join(folder, 'blobs', 'sha256', index.manifests[0].digest.slice(7));
    writeFileSync(path, readFileSync(path, 'utf8').replace('layers', 'Layers'));
    const before = blobs();
    await expect(store.prune()).rejects.toMatchObject({ code: 'store' });
    expect(blobs()).toEqual(before);
  });
});

test('of a name that is not there nothing is removed, and it is an error', async () => {
  for (let i = 0; i < 2; i++) await store.import(FIRST, 'job');
  const missing = { code: 'no-generation', message: expect.stringMatching(/^typo: is not in the store .*: it has no/) };
  for (const dryRun of [true, false]) {
    await expect(store.prune({ names: ['job', 'typo'], dryRun })).rejects.toMatchObject(missing);
  }
  expect(() => store.list(['job', 'typo'])).toThrow(expect.objectContaining(missing));
  expect(titles()).toEqual(['job:1', 'job:2']);
  expect(store.list(['job:2']).map(({ tag }) => tag)).toEqual(['2']);
  expect((await store.prune({ names: [] })).removed.map(({ tag }) => tag)).toEqual(['1']);
});

test('nothing is removed, and the list stays, while a document cannot be read', async () => {
  await store.import(FIRST, 'job');
  await store.import(FIRST, 'other');
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  writeFileSync(join(folder, 'blobs', 'sha256', manifests[1].digest.slice(7)), '{}');
  await expect(store.remove(['job'])).rejects.toMatchObject({
    code: 'store',
    details: ['  other:1 could need any file, so none is removed; remove it, too: wag-snap snapshots rm … other:1'],
  });
  expect(titles()).toEqual(['job:1', 'other:1']);
  await store.remove(['job', 'other:1']);
  expect(titles()).toEqual([]);
});

test.each([
  [{ keep: -1 }, /keep -1/],
  [{ keep: 0.5 }, /keep 0.5/],
  [{ olderThan: Number.NaN }, /olderThan NaN/],
])('prune refuses %j', (options, message) => {
  expect(() => store.prune(options)).toThrow(message);
});

test('of the numbered ones only: a tag that somebody has chosen is no age', async () => {
  await store.import(FIRST, 'job');
  await store.import(FIRST, 'job:before-update');
  await store.import(FIRST, 'job');
  await store.import(FIRST, 'job');
  await store.prune({ names: ['job'], keep: 1, numbered: true });
  expect(titles().sort()).toEqual(['job:3', 'job:before-update']);
});
