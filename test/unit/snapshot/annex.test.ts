/** The annex of a snapshot's file: facts about its files, for readers that know it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import {
  ANNEX_BLOCK,
  ANNEX_BLOCK_SIZE,
  addAnnex,
  decodeAnnexBlock,
  encodeAnnexBlock,
} from '../../../src/snapshot/annex.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import type { FileFacts } from '../../../src/snapshot/snapshot.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { inFolder, sampleSnapshot } from './sample.js';

const facts: FileFacts = {
  type: 'file',
  size: 1n << 40n,
  modified: 1_700_000_000_123_456_789n,
  sha256: 'ab'.repeat(32),
};

async function write(path: string, one: FileFacts | undefined = facts): Promise<void> {
  const snapshot = sampleSnapshot([], undefined);
  const descriptors = snapshot.host.descriptors.map((descriptor) =>
    descriptor.fd === 4 && one ? { ...descriptor, facts: one } : descriptor,
  );
  const writer = new SnapshotWriter(path);
  writer.seal({
    ...snapshot,
    instances: [{ ...snapshot.instances[0], memories: [] }],
    host: { ...snapshot.host, descriptors },
  });
  await writer.commit();
}

const factsIn = (path: string) => readSnapshot(path).snapshot.host.descriptors.map((descriptor) => descriptor.facts);

test('holds what files were like', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    expect(factsIn(path)).toEqual([undefined, undefined, facts, undefined]);
    const before1970 = { type: 'pipe' as const, size: 0n, modified: -5n };
    await write(path, before1970);
    expect(factsIn(path)[2]).toEqual(before1970);
  }));

test('is not there when there is nothing to say, and can be done without', () =>
  inFolder(async (folder) => {
    const plain = join(folder, 'plain');
    const with_ = join(folder, 'with');
    writeFileSync(plain, '');
    const snapshot = sampleSnapshot([], undefined);
    const writer = new SnapshotWriter(plain);
    writer.seal({ ...snapshot, instances: [{ ...snapshot.instances[0], memories: [] }] });
    await writer.commit();
    expect(
      readFileSync(plain)
        .subarray(ANNEX_BLOCK, 4096)
        .every((byte) => byte === 0),
    ).toBe(true);

    // a reader that does not know it looks at the prologue and the header: those are the same but for their place
    await write(with_);
    const bytes = readFileSync(with_);
    bytes.fill(0, ANNEX_BLOCK, ANNEX_BLOCK + ANNEX_BLOCK_SIZE);
    writeFileSync(with_, bytes);
    expect(readSnapshot(with_).snapshot).toEqual(readSnapshot(plain).snapshot);
  }));

test('a damaged one is an error, what is unknown in it is not', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    const good = readFileSync(path);
    const offset = Number(good.readBigUInt64LE(ANNEX_BLOCK + 8));
    const header = Number(good.readBigUInt64LE(16));
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good);
      change(bytes);
      writeFileSync(path, bytes);
      return () => factsIn(path);
    };
    const bad: [RegExp, (bytes: Buffer) => void][] = [
      [/hash differs/, (bytes) => bytes.writeUInt8(bytes[offset] ^ 1, offset)],
      [/does not lie/, (bytes) => bytes.writeBigUInt64LE(BigInt(header), ANNEX_BLOCK + 8)],
      [/does not lie/, (bytes) => bytes.writeBigUInt64LE(8n, ANNEX_BLOCK + 8)],
      [/does not lie/, (bytes) => bytes.writeBigUInt64LE(1n << 60n, ANNEX_BLOCK + 16)],
    ];
    for (const [message, change] of bad) {
      expect(changed(change)).toThrow(message);
      expect(changed(change)).toThrow(InputError);
    }
    const replaced = (value: unknown) => {
      const annex = new Packr({ useRecords: false, variableMapSize: true }).pack(value);
      return changed((bytes) => {
        annex.copy(bytes, offset);
        encodeAnnexBlock(offset, annex).copy(bytes, ANNEX_BLOCK);
      });
    };
    const entry = { fd: 4, type: 'file', size: 1, modified: 2, sha256: null };
    expect(replaced({ files: [{ ...entry, inode: 7 }], more: 1 })()[2]).toEqual({
      type: 'file',
      size: 1n,
      modified: 2n,
    });
    expect(replaced({ files: [{ ...entry, fd: 0 }] })()).toEqual([undefined, undefined, undefined, undefined]);
    for (const wrong of [5, {}, { files: [{ ...entry, size: -1 }] }, { files: [{ ...entry, type: 'x' }] }]) {
      expect(replaced(wrong)).toThrow(/annex: /);
    }
    const garbage = Buffer.from([0xc1]);
    expect(
      changed((bytes) => {
        garbage.copy(bytes, offset);
        encodeAnnexBlock(offset, garbage).copy(bytes, ANNEX_BLOCK);
      }),
    ).toThrow(/annex: /);
  }));

test('lies behind its own block, is no longer than one may be, and is refused before it becomes too many objects', () => {
  const block = (offset: number, size: number) => {
    const bytes = encodeAnnexBlock(offset, new Uint8Array(0));
    bytes.writeBigUInt64LE(BigInt(size), 16);
    return () => decodeAnnexBlock(bytes, 2 ** 30, 'x');
  };
  const first = ANNEX_BLOCK + ANNEX_BLOCK_SIZE;
  expect(block(first, 64 << 20)()).toEqual({ offset: first, size: 64 << 20 });
  expect(block(first - 1, 8)).toThrow(/does not lie/);
  expect(block(first, (64 << 20) + 1)).toThrow(/does not lie/);
  const annex = Buffer.concat([Buffer.of(0xdd, 0, 1, 0, 1), Buffer.alloc(65537, 0xc0)]);
  expect(() => addAnnex(sampleSnapshot([], undefined), encodeAnnexBlock(0, annex), annex, 'x')).toThrow(
    /has more than 65536 items/,
  );
});
