/** A folder that is no store, or a damaged one. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createStore, openStore } from '../../../../src/api/store.js';
import { FIRST, folder, NEWEST, store, whole } from './sample-store.js';

describe('a store that is none, or damaged', () => {
  test.each([
    ['no folder', () => rmSync(folder, { recursive: true }), 'no-store'],
    ['a folder of something else', () => rmSync(join(folder, 'oci-layout')), 'no-store'],
    ['another version', () => writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'), 'store'],
    ['a layout that is no JSON', () => writeFileSync(join(folder, 'oci-layout'), '{'), 'store'],
    ['a layout that is huge', () => truncateSync(join(folder, 'oci-layout'), 2 ** 40), 'store'],
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

  test('all generations that need a file are named, also when one of them is removed meanwhile', async () => {
    for (let n = 0; n < 7; n++) await store.import(NEWEST, 'job');
    const { parents } = store.find('job');
    chmodSync(parents[0], 0o600);
    const bytes = readFileSync(parents[0]);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(parents[0], bytes);
    const [line, ...more] = (await store.verify()).wrong;
    expect(line).toMatch(/^job:1, job:2, job:3, job:4, job:5 and 2 others: .*: damaged: /);
    expect(more).toEqual([]);
    let isRemoved = false;
    const removed = await store.verify(['job:2', 'job:1'], {
      onProgress: () => {
        if (!isRemoved) store.remove(['job:1']);
        isRemoved = true;
      },
    });
    expect(removed.wrong).toEqual([expect.stringMatching(/^job:2: .*: damaged: /)]);
  });

  test.each(['blobs', 'blobs/sha256', 'ingest', 'lock', 'index.json', 'oci-layout', 'spare', 'registries.json'])(
    'links, FIFOs and other kinds in the place of %s are refused, and nothing is written through them',
    async (name) => {
      await store.import(FIRST, 'job');
      const [path, other] = [join(folder, name), join(folder, '../other')];
      const isFolder = !['index.json', 'oci-layout', 'spare', 'registries.json'].includes(name);
      for (const make of [
        () => symlinkSync(other, path),
        () => symlinkSync('not-there', path),
        () => execFileSync('mkfifo', [path]),
        () => (isFolder ? writeFileSync(path, '') : mkdirSync(path)),
      ]) {
        rmSync(path, { recursive: true, force: true });
        rmSync(other, { recursive: true, force: true });
        if (isFolder) mkdirSync(other);
        else writeFileSync(other, '');
        make();
        const refusal = { code: 'store', message: expect.stringMatching(/is not a (file|folder), as it must be/) };
        await expect(openStore(folder)).rejects.toMatchObject(refusal);
        await expect(createStore(folder)).rejects.toMatchObject(refusal);
        expect(isFolder ? readdirSync(other) : [...readFileSync(other)]).toEqual([]);
      }
      rmSync(other, { recursive: true, force: true });
    },
  );

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
