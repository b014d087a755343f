/** Generations that are written anew: nothing that happened meanwhile is undone, and what was sealed stays sealed. */

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { compact } from '../../../../src/api/compact.js';
import { ownIdentity, ownSigningKey } from '../../../../src/api/keys.js';
import { createStore, type Store } from '../../../../src/api/store.js';
import { locked } from '../../../../src/snapshot/store/lock.js';
import { SnapshotStore } from '../../../../src/snapshot/store/store.js';

const fixtures = join(import.meta.dirname, '../../../../fixtures/snapshots/v3/x64');
const NEWEST = join(fixtures, 'generations.wsnap');
const FIRST = join(fixtures, 'generations-0.wsnap');

const all = mkdtempSync(join(tmpdir(), 'wag-snap-rewritten-'));
afterAll(() => rmSync(all, { recursive: true }));
let own: string;
let store: Store;
beforeEach(async () => {
  own = mkdtempSync(join(all, 'case-'));
  store = await createStore(join(own, 'store'));
});

const changed = (what: string) =>
  expect.objectContaining({ code: 'changed', message: `job:1: ${what} meanwhile, so it stays as it is` });

describe('a generation that changes meanwhile', () => {
  async function add(replaces: string | null): Promise<void> {
    const opened = SnapshotStore.open(store.folder);
    const ingest = opened.ingest();
    try {
      copyFileSync(FIRST, ingest.pathOf('x'));
      await opened.add(ingest, 'x', { name: 'job', tag: '1' }, { replaces });
    } finally {
      ingest.close();
    }
  }

  test('is not replaced', async () => {
    await store.import(NEWEST, 'job:1');
    const { manifest } = store.find('job:1');
    await store.import(FIRST, 'job:1');
    await expect(add(manifest)).rejects.toThrow(changed('was given to another snapshot'));
    await expect(add(null)).rejects.toThrow(changed('was given to another snapshot'));
    await add(store.find('job:1').manifest);
    await store.remove(['job:1']);
    await expect(add(manifest)).rejects.toThrow(changed('was removed'));
    await add(null);
    expect((await store.verify()).wrong).toEqual([]);
  });

  test('and is being compacted, is not undone', async () => {
    await store.import(NEWEST, 'job:1');
    const index = join(store.folder, 'index.json');
    const onProgress = () => {
      const { manifests, ...others } = JSON.parse(readFileSync(index, 'utf8'));
      writeFileSync(index, JSON.stringify({ ...others, manifests: manifests.slice(1) }));
    };
    await expect(store.compact('job', { onProgress })).rejects.toThrow(changed('was removed'));
    expect(store.list()).toEqual([]);
  });
});

describe('a generation that is sealed', () => {
  test('is not compacted to one that is not', async () => {
    const [key, identity] = [join(own, 'key'), join(own, 'identity')];
    await ownSigningKey(key);
    const { publicKey: recipient } = await ownIdentity(identity);
    const sealed = join(own, 'sealed.wsnap');
    await compact(NEWEST, { to: sealed, encryptTo: [recipient], signKey: key });
    await store.import(sealed, 'job', { identities: [identity] });
    const rewrite = (options: object) => store.compact('job', { identities: [identity], ...options });
    await expect(rewrite({ signKey: key })).rejects.toThrow('job:1: is encrypted, and would not be any more');
    await expect(rewrite({ encryptTo: [recipient] })).rejects.toThrow('job:1: is signed, and would not be any more');
    expect((await rewrite({ encryptTo: [recipient], signKey: key })).tag).toBe('1');
  });

  test('is not replaced by one that is not', async () => {
    const [key, identity] = [join(own, 'key'), join(own, 'identity')];
    await ownSigningKey(key);
    const { publicKey: recipient } = await ownIdentity(identity);
    const forms = { signed: { signKey: key }, encrypted: { encryptTo: [recipient] } };
    const trust = { identities: [identity] };
    const add = (name: string, reference: string) => store.import(join(own, name), reference, trust);
    await compact(NEWEST, { to: join(own, 'plain') });
    await compact(NEWEST, { to: join(own, 'both'), ...forms.signed, ...forms.encrypted });
    for (const [name, form] of Object.entries(forms)) {
      await compact(NEWEST, { to: join(own, name), ...form });
      await add(name, `${name}:1`);
      const before = store.find(name).path;
      const refused = {
        code: 'sealed',
        message: expect.stringMatching(`^${name}:1: is ${name}, and what would replace`),
      };
      await expect(add('plain', `${name}:1`)).rejects.toMatchObject(refused);
      expect(store.find(name).path).toBe(before);
      expect((await add('plain', name)).tag).toBe('2'); // beside it
      await add('both', `${name}:1`);
      await add('both', `${name}:1`); // it may be the same
      await expect(add('plain', `${name}:1`)).rejects.toMatchObject({ code: 'sealed' });
    }
    await expect(add('encrypted', 'signed:1')).rejects.toThrow('signed:1: is signed, and what');
    writeFileSync(store.find('signed:1').path, 'damaged');
    await expect(add('plain', 'signed:1')).rejects.toThrow('signed:1: is encrypted, and what'); // as the index says
    await store.remove(['signed:1']);
    await add('plain', 'signed:1');
  });
});

test('folders of a store are their owner’s alone', async () => {
  const before = process.umask(0o022);
  try {
    await locked(store.folder, () => {});
    expect(statSync(join(store.folder, 'lock')).mode & 0o777).toBe(0o700);
  } finally {
    process.umask(before);
  }
});

const odd: [string, (path: string) => void][] = [
  ['a folder', (path) => mkdirSync(path)],
  ['a FIFO', (path) => execFileSync('mkfifo', [path])],
  ['a link to a file', (path) => symlinkSync(FIRST, path)],
  ['a link to nothing', (path) => symlinkSync('/not/there', path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
];
test.each(odd)('%s in the lock is not waited for', async (_, make) => {
  const path = join(store.folder, 'lock', 'a');
  mkdirSync(dirname(path), { recursive: true });
  make(path);
  const refused = expect.objectContaining({ code: 'store', message: expect.stringContaining(`${path}: is no file`) });
  await expect(store.import(FIRST, 'job')).rejects.toThrow(refused);
});
