/** What a killed tool has left. */

import { existsSync, mkdirSync, readdirSync, renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createStore, openStore } from '../../../../src/api/store.js';
import { ownName } from '../../../../src/base/temporary.js';
import { locked } from '../../../../src/snapshot/store/lock.js';
import { blobs, FIRST, folder, ingested, store } from './sample-store.js';

describe('what a killed tool has left', () => {
  const dead = () => ownName().replace(`-${process.pid}-`, '-4194304-'); // no such pid: proc(5), pid_max
  const ofAnotherBoot = () => ownName().replace(/^wag-snap-[0-9a-f]+/, 'wag-snap-0123456789ab');

  test('is removed by prune', async () => {
    mkdirSync(join(folder, 'ingest', dead()), { recursive: true });
    mkdirSync(join(folder, `.${dead()}.tmp`));
    for (const name of ['index.json', 'spare']) writeFileSync(join(folder, `.${name}.${dead()}.tmp`), '');
    const half = store['store'].blobs.put('half');
    renameSync(store['store'].blobs.pathOf(half.digest), `${store['store'].blobs.pathOf(half.digest)}.${dead()}.tmp`);
    expect(await store.prune({ dryRun: true })).toMatchObject({ blobs: 0, leftOvers: 0 });
    expect(await store.prune()).toMatchObject({ blobs: 0, bytes: 0, leftOvers: 5 });
    expect(await store.prune()).toMatchObject({ leftOvers: 0 });
    expect(readdirSync(folder).sort()).toEqual(['blobs', 'index.json', 'ingest', 'lock', 'oci-layout', 'spare']);
    expect([...ingested(), ...blobs()]).toEqual([]);
  });

  test('the beginning of a file that a pull has fetched goes after a day', async () => {
    mkdirSync(join(folder, 'ingest'), { recursive: true });
    const [young, old] = ['a', 'b'].map((digit) => join(folder, 'ingest', `${digit.repeat(64)}.part`));
    for (const path of [young, old]) writeFileSync(path, 'half');
    const before = (Date.now() - 2 * 86_400_000) / 1000;
    utimesSync(old, before, before);
    expect((await store.prune()).leftOvers).toBe(1);
    expect([young, old].map((path) => existsSync(path))).toEqual([true, false]);
  });

  test('the lock of one of another boot is taken when it has been silent for two minutes', async () => {
    mkdirSync(join(folder, 'lock'), { recursive: true });
    const path = join(folder, 'lock', ofAnotherBoot());
    writeFileSync(path, '');
    const silent = Date.now() / 1000 - 130;
    utimesSync(path, silent, silent);
    await store.import(FIRST, 'job');
    expect(readdirSync(join(folder, 'lock'))).toEqual([]);
  });

  test('a tool that the lock was taken from changes nothing', async () => {
    await locked(folder, (held) => {
      held();
      for (const name of readdirSync(join(folder, 'lock'))) unlinkSync(join(folder, 'lock', name));
      expect(held).toThrow(/another tool/);
    });
  });

  test('a layout that it had not written yet is no store; the next one makes it', async () => {
    writeFileSync(join(folder, 'oci-layout'), '');
    await expect(openStore(folder)).rejects.toMatchObject({ code: 'no-store' });
    await (await createStore(folder)).import(FIRST, 'job');
    expect((await openStore(folder)).list().length).toBe(1);
  });
});
