/** What other tools have put into a store. */

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { age, blobs, FIRST, folder, ingested, store, titles } from './sample-store.js';

describe('what other tools have put there', () => {
  const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
  const putEntry = (entry: object) => {
    const path = join(folder, 'index.json');
    const index = JSON.parse(readFileSync(path, 'utf8'));
    index.manifests.push(entry);
    writeFileSync(path, JSON.stringify(index));
  };

  test('an image whose name could be a snapshot’s is neither listed nor wrong, and stays', async () => {
    await store.import(FIRST, 'job');
    const layer = store['store'].blobs.put('a layer');
    const image = store['store'].blobs.put(JSON.stringify({ schemaVersion: 2, config: layer, layers: [layer] }));
    const entry = {
      mediaType: MANIFEST,
      ...image,
      annotations: { 'org.opencontainers.image.ref.name': 'alpine:3', note: 'x'.repeat(10_000) },
    };
    putEntry(entry);
    expect(titles()).toEqual(['job:1']);
    expect(() => store.find('alpine')).toThrow('no snapshot of that name');
    expect(await store.verify()).toEqual({ generations: 1, wrong: [] });
    await expect(store.import(FIRST, 'alpine:3')).rejects.toMatchObject({ code: 'foreign' });
    expect(ingested()).toEqual([]);
    age();
    await store.prune({ keep: 0 });
    expect(blobs().length).toBe(2);
    expect(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests).toEqual([entry]);
  });

  test('documents of another digest lead to files, too; one of an unknown digest may lead to all', async () => {
    const layer = store['store'].blobs.put('a layer');
    const text = JSON.stringify({ schemaVersion: 2, layers: [layer] });
    const hex = createHash('sha512').update(text).digest('hex');
    mkdirSync(join(folder, 'blobs', 'sha512'));
    writeFileSync(join(folder, 'blobs', 'sha512', hex), text);
    const annotations = { 'org.opencontainers.image.ref.name': 'other:1' };
    putEntry({ mediaType: MANIFEST, digest: `sha512:${hex}`, size: text.length, annotations });
    await store.import(FIRST, 'job');
    expect(titles()).toEqual(['job:1']);
    age();
    await store.prune({ keep: 0 });
    expect(blobs()).toEqual([layer.digest.slice(7)]);
    putEntry({ mediaType: MANIFEST, digest: 'blake3:abc', size: 3 });
    await store.import(FIRST, 'job');
    await expect(store.prune({ keep: 0 })).rejects.toMatchObject({ code: 'store' });
    expect(titles()).toEqual(['job:1']);
  });

  test('files that nothing leads to yet stay for a day, unless they are of our kinds', async () => {
    const young = store['store'].blobs.put('of a tool that has not written the index yet');
    const old = store['store'].blobs.put('of one that never will');
    const before = (Date.now() - 2 * 86_400_000) / 1000;
    utimesSync(store['store'].blobs.pathOf(old.digest), before, before);
    copyFileSync(FIRST, join(folder, 'blobs', 'sha256', 'a'.repeat(64)));
    writeFileSync(join(folder, 'blobs', 'sha256', 'download.tmp'), '');
    expect((await store.prune()).blobs).toBe(2);
    expect(blobs().sort()).toEqual([young.digest.slice(7), 'download.tmp'].sort());
  });
});
