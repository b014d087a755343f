/**
 * Power failures while a store changes: all calls that change files are recorded, and at each of them the power fails.
 * A model of a disk keeps what a file system must keep: the data of a file after its fsync, the names of a folder after
 * that of the folder. Everything else is lost, or is there in part: names in the order of their calls up to any, data as
 * zeros or not at all.
 *
 * Afterwards each generation whose command had ended is there, all are whole, and prune finds all that is left.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/api/store.js';
import { random } from '../support/random.js';
import { ownPart, sample, seed } from '../support/sampling.js';

const folder = fs.mkdtempSync(join(tmpdir(), 'wag-snap-power-'));
const fixtures = join(import.meta.dirname, '../../fixtures/snapshots/v3/x64');
const [FIRST, NEWEST] = ['generations-0.wsnap', 'generations.wsnap'].map((name) => join(fixtures, name));

/** A file: its contents now, and those that are on the disk for certain. */
class Inode {
  data: Buffer = Buffer.alloc(0);
  synced: Buffer | undefined;
  constructor(readonly isFolder: boolean) {}
  /** Of a folder: the names now, those on the disk for certain, and what has changed since. */
  names = new Map<string, Inode>();
  durable = new Map<string, Inode>();
  changes: ((names: Map<string, Inode>) => void)[] = [];
}

/** What the recorded calls have made of the disk. */
class Disk {
  readonly root = new Inode(true);

  at(path: string): Inode | undefined {
    let inode: Inode | undefined = this.root;
    for (const name of relative(folder, path).split('/')) if (name !== '') inode = inode?.names.get(name);
    return inode;
  }

  private change(path: string, inode: Inode | undefined): void {
    const parent = this.at(dirname(path));
    if (parent === undefined) return;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const put = (names: Map<string, Inode>) => (inode === undefined ? names.delete(name) : names.set(name, inode));
    put(parent.names);
    parent.changes.push(put);
  }

  make(path: string, isFolder: boolean): void {
    if (this.at(path) === undefined) this.change(path, new Inode(isFolder));
  }

  link(from: string, to: string): void {
    this.change(to, this.at(from));
  }

  unlink(path: string): void {
    if (this.at(path) !== undefined) this.change(path, undefined);
  }

  /** A rename is in both folders at once, as journals have it: it is in the target's order. */
  rename(from: string, to: string): void {
    const inode = this.at(from);
    if (inode === this.at(to)) return;
    this.change(to, inode);
    this.change(from, undefined);
  }

  /** Of a file, or a folder. @param data of a file now */
  sync(path: string, data: Buffer | undefined): void {
    const inode = this.at(path);
    if (inode === undefined) return;
    if (data !== undefined) inode.synced = inode.data = data;
    for (const change of inode.changes.splice(0)) change(inode.durable);
  }

  /** Writes what is left after a failure. @param next for what is there in part; undefined: all of it is lost */
  restore(to: string, next: (() => number) | undefined): void {
    write(this.root, to);
    function write(inode: Inode, path: string): void {
      if (!inode.isFolder) {
        const lost = next !== undefined && next() < 0.5 ? Buffer.alloc(inode.data.length) : Buffer.alloc(0);
        return fs.writeFileSync(path, inode.synced ?? lost);
      }
      fs.mkdirSync(path, { recursive: true });
      const names = new Map(inode.durable);
      if (next !== undefined) {
        const some = Math.floor(next() * (inode.changes.length + 1));
        for (const change of inode.changes.slice(0, some)) change(names);
      }
      // the tool of before is of another boot
      for (const [name, child] of names)
        write(child, join(path, name.replace(/wag-snap-[0-9a-f]+/, 'wag-snap-0123456789ab')));
    }
  }
}

/** Loaded after the calls are wrapped: some modules keep a call that they have made a promise of. */
let createStore: (at: string) => Promise<Store>;
let openStore: (at: string) => Promise<Store>;
/** A program that is captured. */
let child: ChildProcess;
let recording: ((act: (disk: Disk) => void) => void) | undefined;
const readFile = fs.readFileSync.bind(fs) as (path: string) => Buffer;
const originals = { ...fs };

// biome-ignore lint/suspicious/noExplicitAny: functions of any kind, which are passed on
const exported = (from: object) => from as Record<string, (...args: any[]) => unknown>;

/** Wraps the calls by which a store changes files. */
beforeAll(async () => {
  const paths = new Map<number, string>();
  const isOurs = (path: unknown): path is string => typeof path === 'string' && path.startsWith(folder);
  const wrap = (name: string, after: (args: unknown[], result: unknown) => ((disk: Disk) => void) | undefined) => {
    const original = exported(originals)[name];
    exported(fs)[name] = (...args: unknown[]) => {
      const result = original(...args);
      const act = recording && after(args, result);
      if (act) recording?.(act);
      return result;
    };
  };
  wrap('openSync', ([path, flags], fd) => {
    if (!isOurs(path)) return undefined;
    paths.set(fd as number, path);
    const makes = typeof flags === 'string' && /^[wa]/.test(flags);
    return makes ? (disk) => disk.make(path, false) : undefined;
  });
  wrap('mkdirSync', ([path, options], first) => {
    if (!isOurs(path)) return undefined;
    if (!(options as { recursive?: boolean } | undefined)?.recursive) return (disk) => disk.make(path, true);
    if (!isOurs(first)) return undefined;
    const made: string[] = [];
    for (let at = path; ; at = dirname(at)) {
      made.unshift(at);
      if (at === first) break;
    }
    return (disk) => {
      for (const each of made) disk.make(each, true);
    };
  });
  wrap('writeFileSync', ([path, , options]) => {
    if (!isOurs(path)) return undefined;
    const data = readFile(path);
    return (disk) => {
      disk.make(path, false);
      const inode = disk.at(path)!;
      inode.data = data;
      if ((options as { flush?: boolean } | undefined)?.flush) inode.synced = data;
    };
  });
  wrap('writeSync', ([fd]) => {
    const path = paths.get(fd as number);
    if (path === undefined || !originals.statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
    const data = readFile(path);
    return (disk) => {
      const inode = disk.at(path);
      if (inode !== undefined) inode.data = data;
    };
  });
  wrap('fsyncSync', ([fd]) => {
    const path = paths.get(fd as number);
    if (path === undefined) return undefined;
    const data = originals.statSync(path).isDirectory() ? undefined : readFile(path);
    return (disk) => disk.sync(path, data);
  });
  wrap('renameSync', ([from, to]) => (isOurs(from) ? (disk) => disk.rename(from, to as string) : undefined));
  wrap('linkSync', ([from, to]) => (isOurs(to) ? (disk) => disk.link(from as string, to) : undefined));
  wrap('unlinkSync', ([path]) => (isOurs(path) ? (disk) => disk.unlink(path) : undefined));
  wrap('rmSync', ([path]) => (isOurs(path) ? (disk) => disk.unlink(path) : undefined));
  const fsync = originals.fsync;
  exported(fs)['fsync'] = (fd: number, done: (error: Error | null) => void) =>
    fsync(fd, (error) => {
      const path = paths.get(fd);
      if (path !== undefined && recording) {
        const data = readFile(path);
        recording((disk) => disk.sync(path, data));
      }
      done(error);
    });
  syncBuiltinESMExports();
  ({ createStore, openStore } = await import('../../src/api/store.js'));
  const { build, programPath } = await import('../support/workload.js');
  const { Output } = await import('../support/waiting.js');
  const { path } = await build(programPath('readline'), join(folder, 'program'));
  child = spawn(path, [], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
  await new Output(child).has('ready');
});

afterAll(() => {
  child.kill('SIGKILL');
  for (const name of Object.keys(exported(fs))) {
    if (exported(fs)[name] !== exported(originals)[name]) exported(fs)[name] = exported(originals)[name];
  }
  syncBuiltinESMExports();
  fs.rmSync(folder, { recursive: true, force: true });
});

const STEPS: readonly (readonly [what: string, change: (store: Store) => Promise<unknown>])[] = [
  ['import', (store) => store.import(FIRST, 'job')],
  ['import of a difference', (store) => store.import(NEWEST, 'job')],
  ['another name', (store) => store.import(FIRST, 'other')],
  ['compact', (store) => store.compact('job:2')],
  ['rm', (store) => store.remove(['job:1'])],
  ['prune', (store) => store.prune({ keep: 1 })],
  ['replace', (store) => store.import(NEWEST, 'job:2')],
  ['capture', (store) => store.capture(child.pid!, 'live')],
  ['capture of what differs', (store) => store.capture(child.pid!, 'live')],
  ['compressed capture', (store) => store.capture(child.pid!, 'live', { compress: 'zstd' })],
  ['export', (store) => store.export('job:2', { to: join(folder, 'exported.wsnap') })],
];

test(`at each call that changes a store, seed ${seed}`, { timeout: 3_600_000 }, async () => {
  const acts: ((disk: Disk) => void)[] = [];
  /** After so many acts, these generations are certain to be there: name, tag and digest. */
  const certain: { acts: number; titles: string[] }[] = [{ acts: 0, titles: [] }];
  recording = (act) => acts.push(act);
  const store = await createStore(join(folder, 'deep', 'store'));
  const titles = (of: Store) => of.list().map(({ name, tag, facts }) => `${name}:${tag} ${facts.digest}`);
  for (const [, change] of STEPS) {
    const before = titles(store);
    const begins = acts.length;
    await change(store);
    const after = titles(store);
    // while it runs, what it leaves alone is certain; when it has ended, all that there is
    certain.push({ acts: begins, titles: before.filter((title) => after.includes(title)) });
    certain.push({ acts: acts.length, titles: after });
  }
  recording = undefined;
  expect(acts.length).toBeGreaterThan(150);

  const next = random(seed);
  const wrong: string[] = [];
  let tried = 0;
  const cuts = Array.from({ length: acts.length + 1 }, (_, at) => at);
  for (const at of ownPart(sample(cuts, 24, () => '', next))) {
    tried++;
    for (const part of [undefined, next, next]) {
      const disk = new Disk();
      for (const act of acts.slice(0, at)) act(disk);
      const to = join(folder, `cut-${at}`);
      disk.restore(to, part);
      const expected = certain.findLast(({ acts }) => acts <= at)?.titles ?? [];
      const problem = await problemAfter(join(to, 'deep', 'store'), expected);
      if (problem !== undefined) wrong.push(`after ${at} of ${acts.length} calls: ${problem}`);
      fs.rmSync(to, { recursive: true, force: true });
    }
  }
  console.log(`power failures: ${tried} of ${cuts.length} calls, three states each`);
  expect(wrong).toEqual([]);
});

async function problemAfter(at: string, expected: readonly string[]): Promise<string | undefined> {
  try {
    // a tool from before the failure cannot be asked; by now it has been silent for long
    const past = Date.now() / 1000 - 2 * 86_400;
    if (fs.existsSync(at)) age(at, past);
    const store = expected.length === 0 ? await createStore(at) : await openStore(at);
    const found = store.list().map(({ name, tag, facts }) => `${name}:${tag} ${facts.digest}`);
    const lost = expected.filter((title) => !found.includes(title));
    if (lost.length > 0) return `lost ${lost.join(', ')}`;
    const { wrong } = await store.verify();
    if (wrong.length > 0) return wrong.join('; ');
    await store.prune({ keep: 100 });
    await store.import(FIRST, 'after');
    const kept = new Set(['blobs', 'index.json', 'ingest', 'lock', 'oci-layout', 'spare']);
    const left = [
      ...fs.readdirSync(at).filter((name) => !kept.has(name)),
      ...fs.readdirSync(join(at, 'ingest')),
      ...fs.readdirSync(join(at, 'lock')),
      ...fs.readdirSync(join(at, 'blobs', 'sha256')).filter((name) => !/^[0-9a-f]{64}$/.test(name)),
    ];
    if (left.length > 0) return `left ${left.join(', ')}`;
    const { blobs } = await store.prune({ keep: 100, dryRun: true });
    return blobs === 0 ? undefined : `${blobs} files that nothing leads to`;
  } catch (error) {
    return String(error);
  }
}

function age(path: string, seconds: number): void {
  if (fs.statSync(path).isDirectory()) for (const name of fs.readdirSync(path)) age(join(path, name), seconds);
  fs.utimesSync(path, seconds, seconds);
}
