/** The store: what it keeps, finds and removes, several tools at once, and the errors about a damaged store. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs, {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createStore, openStore, type Store } from '../../../../src/api/store.js';
import { Triggers } from '../../../../src/api/triggers.js';
import { verify } from '../../../../src/api/verify.js';
import { ToolError } from '../../../../src/base/errors.js';
import { nameTemporary, ownName, withoutTemporaries } from '../../../../src/base/temporary.js';
import { laterThan } from '../../../../src/snapshot/store/facts.js';
import { Ingest } from '../../../../src/snapshot/store/ingest.js';
import { locked } from '../../../../src/snapshot/store/lock.js';
import { copySparse } from '../../../../src/snapshot/store/sparse-copy.js';

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
/** All files of the store are as old as such that nobody is adding any more. */
const age = () => {
  const before = (Date.now() - 2 * 86_400_000) / 1000;
  for (const name of blobs()) utimesSync(join(folder, 'blobs', 'sha256', name), before, before);
};
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
    expect(await store.verify()).toEqual({ generations: 2, wrong: [] });
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

describe('clocks', () => {
  /** As a capture adds them. */
  const capture = async (file: string) => {
    const ingest = store['store'].ingest();
    await ingest.copy(file, 'x');
    const added = await store['store'].add(ingest, 'x', { name: 'job', tag: undefined }, { order: 'newest' });
    ingest.close();
    return added;
  };

  test('that are set back: the snapshot that was taken last is the newest, and stays', async () => {
    await store.import(NEWEST, 'job');
    const { facts } = await capture(FIRST);
    expect(facts.order.getTime()).toBeGreaterThan(facts.created.getTime());
    expect(titles()).toEqual(['job:1', 'job:2']);
    expect(store.find('job').generation.tag).toBe('2');
    await store.compact('job:1');
    expect(store.find('job').generation.tag).toBe('2');
    await store.prune({ keep: 1 });
    expect(titles()).toEqual(['job:2']);
    expect((await openStore(folder)).find('job').generation.facts).toEqual(facts);
  });

  test('that are wrong by ages: the time stays one that can be read', async () => {
    const before = store['store'];
    const facts = { ...(await capture(FIRST)).facts };
    expect(laterThan({ ...facts, order: new Date(8.64e15) }, []).getTime()).toBe(
      Date.UTC(9999, 11, 31, 23, 59, 59, 999),
    );
    expect(before.list().length).toBe(1);
  });
});

describe('a file', () => {
  test('that may only be read is imported, for its owner only, and keeps its holes', async () => {
    const file = join(folder, '..', 'read-only.wsnap');
    copyFileSync(FIRST, file);
    chmodSync(file, 0o444);
    await store.import(file, 'job');
    expect(statSync(store.find('job').path).mode & 0o777).toBe(0o600);
    const sparse = join(folder, '..', 'sparse');
    writeFileSync(sparse, 'x');
    truncateSync(sparse, 8 << 20);
    const fd = openSync(sparse, 'r+');
    writeSync(fd, 'end', (8 << 20) - 3);
    closeSync(fd);
    const copied = join(folder, '..', 'copied');
    await copySparse(sparse, copied, async () => {});
    expect(readFileSync(copied).equals(readFileSync(sparse))).toBe(true);
    expect(statSync(copied).blocks).toBeLessThanOrEqual(64);
  });

  test('is copied where there are no links', async () => {
    await store.import(NEWEST, 'job');
    const { path } = store.find('job');
    const ingest = store['store'].ingest();
    const link = fs.linkSync;
    fs.linkSync = () => {
      throw Object.assign(new Error('EMLINK'), { code: 'EMLINK', syscall: 'link' });
    };
    syncBuiltinESMExports();
    try {
      const kept = await ingest.keep(store['store'].blobs.digestOf(path) ?? '');
      expect(statSync(kept).ino).not.toBe(statSync(path).ino);
      expect(readFileSync(kept).equals(readFileSync(path))).toBe(true);
    } finally {
      fs.linkSync = link;
      syncBuiltinESMExports();
      ingest.close();
    }
  });
});

describe('a copy that fails', () => {
  /** Lets a function of node:fs fail. */
  async function failing(name: 'readSync' | 'ftruncateSync', code: string, work: () => Promise<unknown>) {
    const real = fs[name];
    (fs as { [name]: unknown })[name] = () => {
      throw Object.assign(new Error(code), { code, syscall: name });
    };
    syncBuiltinESMExports();
    try {
      return await work().catch((error: Error) => withoutTemporaries(error.message));
    } finally {
      (fs as { [name]: unknown })[name] = real;
      syncBuiltinESMExports();
    }
  }

  test.each([
    ['readSync', 'EIO', () => `${FIRST}: cannot be read: `],
    ['ftruncateSync', 'ENOSPC', () => `${folder}: cannot be written: `],
  ] as const)('names what has failed: %s', async (call, code, says) => {
    const ingest = store['store'].ingest();
    expect(await failing(call, code, () => ingest.copy(FIRST, 'copy'))).toContain(says());
    ingest.close();
  });

  test('is never named itself: a copy of a copy is what the user gave', async () => {
    const spooled = join(folder, 'spooled');
    copyFileSync(FIRST, spooled);
    nameTemporary(spooled, 'standard input');
    const ingest = store['store'].ingest();
    await ingest.copy(spooled, 'copy');
    expect(withoutTemporaries(`${ingest.pathOf('copy')}: damaged`)).toBe('standard input: damaged');
    ingest.close();
  });
});

describe('what a killed tool has left', () => {
  const dead = () => ownName().replace(`-${process.pid}-`, '-4194304-'); // no such pid: proc(5), pid_max
  const ofAnotherBoot = () => ownName().replace(/^wag-snap-[0-9a-f]+/, 'wag-snap-0123456789ab');

  test('is removed by prune', async () => {
    mkdirSync(join(folder, 'ingest', dead()), { recursive: true });
    mkdirSync(join(folder, `.${dead()}.tmp`));
    writeFileSync(join(folder, `.index.json.${dead()}.tmp`), '');
    const half = store['store'].blobs.put('half');
    renameSync(store['store'].blobs.pathOf(half.digest), `${store['store'].blobs.pathOf(half.digest)}.${dead()}.tmp`);
    await store.prune();
    expect(readdirSync(folder).sort()).toEqual(['blobs', 'index.json', 'ingest', 'lock', 'oci-layout']);
    expect([...ingested(), ...blobs()]).toEqual([]);
  });

  test('the beginning of a file that a pull has fetched goes after a day', async () => {
    mkdirSync(join(folder, 'ingest'), { recursive: true });
    const [young, old] = ['a', 'b'].map((digit) => join(folder, 'ingest', `${digit.repeat(64)}.part`));
    for (const path of [young, old]) writeFileSync(path, 'half');
    const before = (Date.now() - 2 * 86_400_000) / 1000;
    utimesSync(old, before, before);
    await store.prune();
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

test('nothing is removed, and the list stays, while a document cannot be read', async () => {
  await store.import(FIRST, 'job');
  await store.import(FIRST, 'other');
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
  writeFileSync(join(folder, 'blobs', 'sha256', manifests[1].digest.slice(7)), '{}');
  await expect(store.remove(['job'])).rejects.toMatchObject({ code: 'store' });
  expect(titles()).toEqual(['job:1', 'other:1']);
});

test.each([
  [{ keep: -1 }, /keep -1/],
  [{ keep: 0.5 }, /keep 0.5/],
  [{ olderThan: Number.NaN }, /olderThan NaN/],
])('prune refuses %j', (options, message) => {
  expect(() => store.prune(options)).toThrow(message);
});

test.each([
  [{ keep: 0 }, /keep 0: expected a number, from 1 on/],
  [{ every: 2 ** 31 }, /every 2147483648: expected milliseconds/],
  [{ whenIdle: 0 }, /whenIdle 0: expected milliseconds/],
])('triggers refuse %j', (options, message) => {
  const workload = { pid: process.pid, capture: () => Promise.reject(new Error()) };
  expect(() => new Triggers(workload as never, { store, name: 'job', ...options })).toThrow(message);
});

test('a snapshot that was taken is no failure when earlier ones cannot be removed', async () => {
  const warnings: string[] = [];
  const generation = await store.import(FIRST, 'job');
  const broken = { capture: async () => ({ generation }), prune: () => Promise.reject(new Error('disk')) };
  const triggers = new Triggers({ pid: process.pid } as never, {
    store: broken as never,
    name: 'job',
    keep: 1,
    onWarning: (warning) => warnings.push(warning),
  });
  expect(await triggers.snapshot({ kill: true })).toBe(generation);
  expect(warnings).toEqual(['job: earlier snapshots were not removed: disk']);
  await triggers.stop();
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

describe('removed by another tool meanwhile', () => {
  /** Removes a name as soon as all of its files are kept, or before the first one is. */
  function removing(name: string, when: 'kept' | 'found') {
    const { parents } = store.find(name);
    let left = parents.length + 1;
    const keep = Ingest.prototype.keep;
    return vi.spyOn(Ingest.prototype, 'keep').mockImplementation(async function (this: Ingest, digest) {
      if (when === 'found' && left === parents.length + 1) await store.remove([name]);
      const path = await keep.call(this, digest);
      if (--left === 0 && when === 'kept') await store.remove([name]);
      return path;
    });
  }
  const out = () => join(folder, '..', 'out.wsnap');

  test.each(['export', 'compact'] as const)('what %s has begun with is there until it has all of it', async (what) => {
    await store.import(NEWEST, 'job');
    const spy = removing('job', 'kept');
    try {
      if (what === 'export') await store.export('job', { to: out() });
      else await expect(store.compact('job')).rejects.toThrow('job:1: was removed meanwhile, so it stays as it is');
    } finally {
      spy.mockRestore();
    }
    expect([blobs(), ingested(), titles()]).toEqual([[], [], []]);
    if (what === 'export') expect((await verify(out())).length).toBe(1);
  });

  test.each(['export', 'compact'] as const)('%s of what is gone already says so', async (what) => {
    await store.import(NEWEST, 'job');
    const spy = removing('job', 'found');
    try {
      const done = what === 'export' ? store.export('job', { to: out() }) : store.compact('job');
      await expect(done).rejects.toMatchObject({ code: 'changed' });
    } finally {
      spy.mockRestore();
    }
    expect([existsSync(out()), ingested()]).toEqual([false, []]);
  });

  test('a store that may only be read is exported from', async () => {
    await store.import(NEWEST, 'job');
    const spy = vi.spyOn(store['store'], 'ingest').mockImplementation(() => {
      throw new ToolError('write', 'a read-only file system');
    });
    await store.export('job', { to: out() });
    spy.mockRestore();
    expect((await verify(out())).length).toBe(1);
  });
});

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

  test('no number is given twice, however large it is, and after the largest there is none', async () => {
    for (const large of ['999999999', '9999999999', '999999999999998']) {
      await store.import(FIRST, `job:${large}`);
      expect((await store.import(FIRST, 'job')).tag).toBe(String(Number(large) + 1));
    }
    await expect(store.import(FIRST, 'job')).rejects.toMatchObject({ code: 'generations', exitCode: 4 });
    expect((await store.import(FIRST, 'job:next')).tag).toBe('next');
  });

  test.each(['blobs', 'blobs/sha256', 'ingest', 'lock', 'index.json', 'oci-layout'])(
    'links, FIFOs and other kinds in the place of %s are refused, and nothing is written through them',
    async (name) => {
      await store.import(FIRST, 'job');
      const [path, other] = [join(folder, name), join(folder, '../other')];
      const isFolder = !name.includes('.') && !name.startsWith('oci');
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
