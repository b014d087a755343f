/** The store: what it keeps, finds and removes, several tools at once, and the errors about a damaged store. */

import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createStore, openStore, type Store } from '../../../../src/api/store.js';
import { verify } from '../../../../src/api/verify.js';
import { ownName } from '../../../../src/base/temporary.js';
import { locked } from '../../../../src/snapshot/store/lock.js';

const fixtures = join(import.meta.dirname, '../../../../fixtures/snapshots/v3/x64');
const NEWEST = join(fixtures, 'generations.wsnap');
const FIRST = join(fixtures, 'generations-0.wsnap');

const all = mkdtempSync(join(tmpdir(), 'wag-snap-store-'));
afterAll(() => rmSync(all, { recursive: true }));
let folder: string;
let store: Store;
beforeEach(async () => {
  folder = join(mkdtempSync(join(all, 'case-')), 'store');
  store = await createStore(folder);
});

const blobs = () => readdirSync(join(folder, 'blobs', 'sha256'));
const ingested = () => (existsSync(join(folder, 'ingest')) ? readdirSync(join(folder, 'ingest')) : []);
const titles = () => store.list().map(({ name, tag }) => `${name}:${tag}`);
const whole = async () => expect((await store.verify()).wrong).toEqual([]);

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
});

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
    const kept = [path, ...parents].map((file) => ingest.keep(store['store'].blobs.digestOf(file) ?? ''));
    await store.remove(['job']);
    expect(blobs()).toEqual([]);
    renameSync(kept[0], ingest.pathOf('snapshot.wsnap'));
    await store['store'].add(ingest, 'snapshot.wsnap', { name: 'job', tag: undefined });
    ingest.close();
    await whole();
    expect(store.find('job').parents.length).toBe(parents.length);
  });
});

describe('a store that is none, or damaged', () => {
  test.each([
    ['no folder', () => rmSync(folder, { recursive: true }), 'no-store'],
    ['a folder of something else', () => rmSync(join(folder, 'oci-layout')), 'no-store'],
    ['another version', () => writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'), 'store'],
    ['a layout that is no JSON', () => writeFileSync(join(folder, 'oci-layout'), '{'), 'store'],
  ])('%s', async (_, spoil, code) => {
    spoil();
    await expect(openStore(folder)).rejects.toMatchObject({ code });
  });

  test.each([
    ['an index that is no JSON', 'index.json', () => '{"schemaVersion":2'],
    [
      'an index of another schema',
      'index.json',
      (text: string) => text.replace('"schemaVersion": 2', '"schemaVersion": 1'),
    ],
    [
      'a digest that is a path',
      'index.json',
      (text: string) => text.replace(/sha256:[0-9a-f]{64}/, 'sha256:../../../etc/passwd'),
    ],
    ['a size below zero', 'index.json', (text: string) => text.replace(/"size": \d+/, '"size": -1')],
  ])('%s', async (_, file, change) => {
    await store.import(FIRST, 'job');
    const path = join(folder, file);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    expect(() => store.list()).toThrow(/index\.json: damaged: /);
    await expect(store.import(FIRST, 'job')).rejects.toMatchObject({ code: 'store' });
  });

  test('files that have changed, or are not there, are named by verify', async () => {
    await store.import(NEWEST, 'job');
    const { path, parents } = store.find('job');
    chmodSync(path, 0o600);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(path, bytes);
    rmSync(parents[0]);
    const { generations, wrong } = await store.verify(['job']);
    expect(generations).toBe(1);
    expect(wrong.map((line) => line.replace(/\/.*\//, ''))).toEqual([
      expect.stringMatching(/^job:1: [0-9a-f]{64}: damaged: its sha256 is [0-9a-f]{64}$/),
      expect.stringMatching(/^job:1: [0-9a-f]{64}: is missing, or does not have \d+ bytes$/),
    ]);
    expect(() => store.find('job')).toThrow(/is missing$/);
    await store.import(FIRST, 'short');
    truncateSync(store.find('short').path, 100);
    expect(() => store.find('short')).toThrow(/is missing$/);
    await store.import(NEWEST, 'again'); // makes them whole again
    await store.import(FIRST, 'short:1');
    await whole();
  });

  test('files that are something else are refused, and none is waited for', async () => {
    await store.import(FIRST, 'job');
    const { path } = store.find('job');
    const copy = `${path}.copy`;
    linkSync(path, copy);
    rmSync(path);
    symlinkSync('/dev/zero', path);
    expect(() => store.find('job')).toThrow(/is missing/);
    rmSync(path);
    renameSync(copy, path);
    await whole();
  });
});
