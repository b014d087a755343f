/** verify finds a changed byte wherever it is in the files of a chain; compact makes one file of them. */

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compact } from '../../../src/api/compact.js';
import { openSnapshot } from '../../../src/api/stored-snapshot.js';
import { verify } from '../../../src/api/verify.js';
import { InputError, ToolError } from '../../../src/base/errors.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { verifySnapshot } from '../../../src/snapshot/verify.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { BytesSource } from '../../support/bytes-source.js';
import { temporaryFolder } from '../../support/workload.js';
import { readMemory, writeGeneration } from './chain-sample.js';
import { sampleSnapshot } from './sample.js';

const PAGE = 65536;
const root = temporaryFolder();
const memory = Buffer.alloc(40 * PAGE, 1);
const names = ['a', 'b', 'c'];
const path = (name: string) => join(root, `${name}.wsnap`);

beforeAll(async () => {
  memory.fill(0, 30 * PAGE, 32 * PAGE);
  let parent: StoredSnapshot | undefined;
  for (const [n, name] of names.entries()) {
    if (n > 0) for (let page = n; page < 40; page += 3) memory.fill(n + 1, page * PAGE + 4096, page * PAGE + 3 * 4096);
    await writeGeneration(path(name), memory, parent);
    parent = await openSnapshot(path(name));
  }
});

test('every file of a chain is whole', async () => {
  const files = await verify(path('c'));
  expect(files.map((file) => file.path)).toEqual([path('c'), path('b'), path('a')]);
  expect(files.every(({ hasDigests }) => hasDigests)).toBe(true);
  const chain = await Promise.all(['c', 'b', 'a'].map((name) => openSnapshot(path(name))));
  expect(files.map(({ digest }) => digest)).toEqual(chain.map(({ digest }) => digest));
  expect(files.map(({ pageBytes }) => pageBytes)).toEqual([13 * 8192, 13 * 8192, 38 * PAGE]);
});

test('each byte of each file counts', async () => {
  for (const changed of names) {
    const whole = readFileSync(path(changed));
    const { length } = whole;
    const headerOffset = Number(whole.readBigUInt64LE(16));
    const { instances } = (await openSnapshot(path(changed))).snapshot;
    const [{ memories }] = instances;
    const own = memories[0].extents.filter(({ file }) => file === undefined);
    const places = [
      40, // the prologue
      100, // the annex's block
      Number(whole.readBigUInt64LE(72)) + 5, // the annex
      headerOffset + 20,
      length - 1,
      own[0].fileOffset,
      (own.at(-1)?.fileOffset ?? 0) + (own.at(-1)?.bytes ?? 0) - 1,
      ...(changed === 'a' ? [4096] : []), // the module
    ];
    for (const place of places) {
      const folder = join(root, `${changed}-${place}`);
      mkdirSync(folder);
      for (const name of names) copyFileSync(path(name), join(folder, `${name}.wsnap`));
      const bytes = Buffer.from(whole);
      bytes[place] ^= 0x10;
      writeFileSync(join(folder, `${changed}.wsnap`), bytes);
      await expect(verify(join(folder, 'c.wsnap')), `${changed} at ${place}`).rejects.toThrow(InputError);
    }
  }
});

test('a page that an ancestor has not stored is not taken from it', async () => {
  const stored = await openSnapshot(path('b'));
  const forged = (fileOffset: number, bytes: number): StoredSnapshot => {
    const [instance] = stored.snapshot.instances;
    const count = bytes / 4096;
    const memories = [
      {
        ...instance.memories[0],
        extents: [{ offset: 0, fileOffset, bytes, file: 1 }],
        blocks: Uint16Array.of((1 << count) - 1),
      },
    ];
    return { ...stored, snapshot: { ...stored.snapshot, instances: [{ ...instance, memories }] } };
  };
  const [first] = (await openSnapshot(path('a'))).snapshot.instances[0].memories[0].extents;
  await verifySnapshot(forged(first.fileOffset, 2 * 4096));
  await expect(verifySnapshot(forged(first.fileOffset - 4096, 2 * 4096))).rejects.toThrow(/which has none there/);
  const end = first.fileOffset + first.bytes;
  await expect(verifySnapshot(forged(end - 4096, 2 * 4096))).resolves.toBeDefined(); // the next extent follows
  const annex = Number(readFileSync(path('a')).readBigUInt64LE(72));
  await expect(verifySnapshot(forged(annex - 4096, 2 * 4096))).rejects.toThrow(
    /b\.wsnap: says that a page is in .*a\.wsnap at offset/,
  );
});

test('a chain as one file is the same, needs no other, and can be a parent', async () => {
  const one = join(root, 'alone', 'one.wsnap');
  mkdirSync(join(root, 'alone'));
  await compact(path('c'), { to: one });
  const stored = await openSnapshot(one);
  expect(stored.ancestors).toBeUndefined();
  expect(stored.snapshot.parent).toBeUndefined();
  expect(readFileSync(one).readUInt32LE(8)).toBe(1);
  expect((await readMemory(stored)).equals(memory)).toBe(true);
  expect(await verify(one)).toMatchObject([{ path: one, hasDigests: true, pageBytes: 38 * PAGE + 8192 }]);
  const { frames, host, modules } = (await openSnapshot(path('c'))).snapshot;
  expect(stored.snapshot.frames).toEqual(frames);
  expect(stored.snapshot.host).toEqual(host);
  expect(stored.snapshot.modules[0].sha256).toBe(modules[0].sha256);
  const next = join(root, 'alone', 'next.wsnap');
  await writeGeneration(next, memory, stored);
  expect((await readMemory(await openSnapshot(next))).equals(memory)).toBe(true);
});

test('a damaged chain is not made one file, and one that is given up leaves nothing', async () => {
  const folder = join(root, 'damaged');
  mkdirSync(folder);
  for (const name of names) copyFileSync(path(name), join(folder, `${name}.wsnap`));
  const bytes = readFileSync(path('a'));
  bytes[2 * PAGE] ^= 1;
  writeFileSync(join(folder, 'a.wsnap'), bytes);
  const to = join(folder, 'out.wsnap');
  await expect(compact(join(folder, 'c.wsnap'), { to })).rejects.toThrow(
    /a\.wsnap: damaged: the hash of the memory at/,
  );
  const controller = new AbortController();
  controller.abort('SIGINT');
  await expect(compact(path('c'), { to, signal: controller.signal })).rejects.toThrow(ToolError);
  expect(() => readFileSync(to)).toThrow('ENOENT');
});

test('contents of files without a name count', async () => {
  const file = join(root, 'unlinked.wsnap');
  const plain = sampleSnapshot([], undefined);
  const contents = Buffer.alloc(PAGE, 'contents');
  const writer = new SnapshotWriter(file);
  const fileOffset = await writer.pages.takeContents(new BytesSource(contents), PAGE);
  const sha256 = createHash('sha256').update(contents).digest('hex');
  const descriptors = plain.host.descriptors.map((descriptor) =>
    descriptor.fd === 4 ? { ...descriptor, contents: { fileOffset, size: PAGE, sha256 } } : descriptor,
  );
  await writer.seal({ ...plain, host: { ...plain.host, descriptors } });
  await writer.commit();
  await verify(file);
  const copy = join(root, 'unlinked-copy.wsnap');
  await compact(file, { to: copy });
  expect((await openSnapshot(copy)).snapshot.host.descriptors[2].contents).toMatchObject({ size: PAGE, sha256 });
  await verify(copy);
  const bytes = readFileSync(file);
  bytes[fileOffset + 9] ^= 1;
  writeFileSync(file, bytes);
  await expect(verify(file)).rejects.toThrow(/the hash of the file of descriptor 4 differs/);
});
