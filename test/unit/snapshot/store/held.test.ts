/** Generations that another tool removes, or replaces, while they are read: what was found can be read to its end. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import compactCommand from '../../../../bin/commands/compact.js';
import coredumpCommand from '../../../../bin/commands/coredump.js';
import inspectCommand from '../../../../bin/commands/inspect.js';
import verifyCommand from '../../../../bin/commands/verify.js';
import { holdGeneration } from '../../../../src/api/find-generation.js';
import { hold } from '../../../../src/api/held-generation.js';
import { filesOf, openSnapshot } from '../../../../src/api/stored-snapshot.js';
import { verify } from '../../../../src/api/verify.js';
import { InputError } from '../../../../src/base/errors.js';
import { HeldFiles } from '../../../../src/snapshot/held-files.js';
import { Opener } from '../../../../src/snapshot/opener.js';
import { RawFile } from '../../../../src/snapshot/raw-file.js';
import { SnapshotStore } from '../../../../src/snapshot/store/store.js';
import { blobs, FIRST, folder, ingested, NEWEST, store, titles } from './sample-store.js';

const out = () => join(folder, '..', 'out.wsnap');
const descriptors = () => readdirSync('/proc/self/fd').length;

/** Lets another tool remove the generation before its first file is read. */
async function removedMeanwhile(work: () => Promise<unknown>): Promise<void> {
  const { read } = Opener.prototype;
  const spy = vi.spyOn(Opener.prototype, 'read').mockImplementation(async function (this: Opener, path, name) {
    if (titles().length > 0) await store.remove(['job']);
    return read.call(this, path, name);
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
}

/** Lets the store be read by somebody who has found the generation before another tool changed it. */
async function foundBefore(change: () => Promise<unknown>, work: () => Promise<unknown>): Promise<void> {
  const early = store.find('job');
  await change();
  expect(existsSync(early.path)).toBe(false);
  const spy = vi.spyOn(SnapshotStore.prototype, 'find').mockReturnValueOnce(early);
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
}

describe('removed while it is read', () => {
  test('an export has all of it', async () => {
    await store.import(NEWEST, 'job');
    await removedMeanwhile(() => store.export('job', { to: out() }));
    expect([blobs(), ingested(), titles()]).toEqual([[], [], []]);
    expect((await verify(out())).length).toBe(1);
  });

  test('compact does not bring it back', async () => {
    await store.import(NEWEST, 'job');
    const done = removedMeanwhile(() => store.compact('job'));
    await expect(done).rejects.toThrow('job:1: was removed meanwhile, so it stays as it is');
    expect([blobs(), ingested(), titles()]).toEqual([[], [], []]);
  });

  test.each([
    ['verify', verifyCommand, 'snapshot', /^job: whole .*\n.*: whole /],
    ['compact', compactCommand, 'snapshot', /^/],
    ['coredump', coredumpCommand, 'subject', /^/],
    ['inspect', inspectCommand, 'subject', /^snapshot job\n/],
  ])('%s reads all of it, and keeps no file open', async (_, command, positional, prints) => {
    await store.import(NEWEST, 'job');
    const before = descriptors();
    let printed = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += text;
      return true;
    });
    const options = { [positional]: 'job', output: out(), store: folder, json: false };
    try {
      await removedMeanwhile(async () => command.handler(options as never));
    } finally {
      write.mockRestore();
    }
    expect(printed).toMatch(prints);
    expect([blobs(), descriptors()]).toEqual([[], before]);
  });
});

describe('found before another tool has changed the store', () => {
  const held = () => holdGeneration('job', folder, 'no such file, and');

  test('what has replaced it is found', async () => {
    await store.import(NEWEST, 'job');
    await foundBefore(
      async () => {
        await store.import(FIRST, 'job:1');
        await store.prune();
      },
      async () => {
        const generation = await held();
        expect(readFileSync(generation?.found.path ?? '').equals(readFileSync(FIRST))).toBe(true);
        generation?.files.close();
      },
    );
  });

  test.each([
    ['export', () => store.export('job', { to: out() })],
    ['compact', () => store.compact('job')],
    ['a command', held],
  ])('%s says that it is not there', async (_, work) => {
    await store.import(NEWEST, 'job');
    const before = descriptors();
    await foundBefore(
      () => store.remove(['job']),
      () => expect(work()).rejects.toMatchObject({ code: 'no-generation' }),
    );
    expect([existsSync(out()), ingested(), descriptors()]).toEqual([false, [], before]);
  });

  test('a file that is missing while the store needs it is an error', async () => {
    await store.import(NEWEST, 'job');
    const early = store.find('job');
    rmSync(early.path);
    const spy = vi.spyOn(SnapshotStore.prototype, 'find').mockReturnValue(early);
    await expect(held()).rejects.toMatchObject({ code: 'not-found' });
    spy.mockRestore();
  });
});

describe('a file that is held', () => {
  test('can be read until whoever holds it last lets go', () => {
    const path = join(folder, 'held');
    writeFileSync(path, 'contents');
    const files = [new HeldFiles([path]), new HeldFiles([path])];
    rmSync(path);
    for (const file of files) {
      const read = new RawFile(path);
      expect(read.bytes(0, 8).toString()).toBe('contents');
      read.close();
      file.close();
    }
    expect(() => new RawFile(path).stat()).toThrow(/no such file/);
  });

  test('of several none is held when one is not there', () => {
    const before = descriptors();
    expect(() => new HeldFiles([FIRST, join(folder, 'nothing')])).toThrow(/no such file/);
    expect(descriptors()).toBe(before);
  });
});

describe('links for a program that this process becomes', () => {
  const linked = () => hold(SnapshotStore.open(folder), { name: 'job', tag: undefined });

  test('are the files, also after these were removed; nobody sees their names', async () => {
    await store.import(NEWEST, 'job');
    const { files, found, link } = linked();
    files.close();
    const links = link()!;
    const { parents } = found;
    const stored = links.replaced(await openSnapshot(found.path, { parents }));
    await store.remove(['job']);
    expect(blobs()).toEqual([]);
    const [own, ...ancestors] = filesOf(stored);
    expect((await verify(own!, { parents: ancestors })).length).toBe(1 + parents.length);
    expect(new InputError('test', `${own}: is wrong`).message).toBe('job:1: is wrong');
    links.close();
    expect(ingested()).toEqual([]);
  });

  test('are not made when a file is gone', async () => {
    await store.import(NEWEST, 'job');
    const { files, link } = linked();
    files.close();
    await store.remove(['job']);
    expect(link()).toBeUndefined();
    expect(ingested()).toEqual([]);
  });
});
