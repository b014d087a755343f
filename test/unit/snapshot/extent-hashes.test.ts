/** Hashes of extents that a thread of its own makes: they are those of the file, also when the thread ends before. */

import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ExtentHashes } from '../../../src/snapshot/packing/extent-hashes.js';
import { EXTENT, packFile } from '../../../src/snapshot/packing/packer.js';

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-hashes-'));
const START = 300;
/** More than the thread is given at once, and not a multiple of it. */
const LENGTHS = Array.from({ length: 101 }, (_, i) => 1 + ((i * 7919) % 5000));
const extents = LENGTHS.map((length, i) => Buffer.alloc(length, i + 1));
const hashes = extents.map((extent) => createHash('sha256').update(extent).digest('hex'));
const fd = openSync(join(folder, 'file'), 'w+');
afterAll(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

test.each([0, 50, 101])('of %i extents that a thread was given before it ended, and the others', async (given) => {
  const apart = new ExtentHashes(fd, START);
  let at = START;
  const write = (some: readonly Buffer[]) => {
    for (const extent of some) {
      writeSync(fd, extent, 0, extent.length, at);
      at += extent.length;
      apart.add(extent.length);
    }
  };
  write(extents.slice(0, given));
  if (given < extents.length) await apart.close();
  write(extents.slice(given));
  try {
    expect((await apart.all()).map((hash) => Buffer.from(hash).toString('hex'))).toEqual(hashes);
  } finally {
    await apart.close();
  }
});

test('a descriptor that cannot be read is an error, and the thread ends', async () => {
  const unreadable = openSync(join(folder, 'unreadable'), 'w');
  const apart = new ExtentHashes(unreadable, 0);
  apart.add(writeSync(unreadable, 'text'));
  await expect(apart.all()).rejects.toMatchObject({ code: 'EBADF' });
  await apart.close();
  closeSync(unreadable);
});

test('a large file is hashed by a thread, in order', async () => {
  const [source, target] = ['source', 'target'].map((name) => openSync(join(folder, name), 'w+')) as [number, number];
  const part = Buffer.alloc(1 << 20, 'what is packed, and what is hashed ');
  const expected: Buffer[] = [];
  for (let i = 0; i < 33; i++) {
    part.writeUInt32LE(i);
    writeSync(source, part, 0, part.length, i << 20);
    for (let at = 0; at < part.length; at += EXTENT) {
      expected.push(
        createHash('sha256')
          .update(part.subarray(at, at + EXTENT))
          .digest(),
      );
    }
  }
  const { header } = await packFile(source, 33 << 20, target, { recipients: [] });
  expect(header.subarray(-32 * expected.length).equals(Buffer.concat(expected))).toBe(true);
  for (const one of [source, target]) closeSync(one);
});
