/** The annex of a snapshot's file: facts about its files, for readers that know it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { addAnnex } from '../../../src/snapshot/annex.js';
import {
  ANNEX_BLOCK,
  ANNEX_BLOCK_SIZE,
  decodeAnnexBlock,
  encodeAnnexBlock,
} from '../../../src/snapshot/annex-block.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import type { FileFacts } from '../../../src/snapshot/host.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { inFolder, MODULE_BYTES, sampleSnapshot } from './sample.js';

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
  await writer.seal({
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
    await writer.seal({ ...snapshot, instances: [{ ...snapshot.instances[0], memories: [] }] });
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

test('holds what the workload is called, also where there is nothing else to say', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    const named = async (name: string) => {
      const snapshot = sampleSnapshot([], undefined);
      const writer = new SnapshotWriter(path);
      await writer.seal({ ...snapshot, name, instances: [{ ...snapshot.instances[0], memories: [] }] });
      await writer.commit();
      return () => readSnapshot(path).snapshot.name;
    };
    expect((await named('job.1'))()).toBe('job.1');
    for (const name of ['', '7', 'a b', 'x'.repeat(64), '\x1b[31m']) {
      expect(await named(name)).toThrow(/annex: name: is no name of a workload/);
    }
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

test('lies after its own block, is no longer than one may be, and is refused before it becomes too many objects', () => {
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
  expect(() => addAnnex(sampleSnapshot([], undefined), encodeAnnexBlock(0, annex), annex, 0, 'x')).toThrow(
    /has more than 65536 items/,
  );
});

const hash = 'cd'.repeat(32);

/** Replaces the annex, which lies at a multiple of 64 KiB, by another one of what is to be in it. */
function replaceAnnex(path: string, value: unknown): void {
  const bytes = readFileSync(path);
  const offset = Number(bytes.readBigUInt64LE(ANNEX_BLOCK + 8));
  const annex = new Packr({ useRecords: false, variableMapSize: true }).pack(value);
  annex.copy(bytes, offset);
  encodeAnnexBlock(offset, annex).copy(bytes, ANNEX_BLOCK);
  writeFileSync(path, bytes);
}

/** With a module, memory in slots 1 to 3 and contents of descriptor 4 in slots 4 and 5; the annex is in slot 6. */
async function writeWithContents(path: string): Promise<void> {
  const writer = new SnapshotWriter(path);
  const moduleOffset = writer.addModule(MODULE_BYTES);
  const extents = [{ offset: 0, fileOffset: writer.pages.reserve(3), bytes: 3 * 65536 }];
  const blocks = Uint16Array.of(0, 0, 0);
  const snapshot = sampleSnapshot([{ pages: 8, maxPages: 16, extents, blocks }], moduleOffset);
  const contents = { fileOffset: writer.pages.reserve(2), size: 70_000, sha256: hash };
  const identity = { boot: hash, device: 1n << 60n, inode: (1n << 64n) - 1n, born: -5n };
  const descriptors = snapshot.host.descriptors.map((descriptor) => {
    if (descriptor.fd === 4) return { ...descriptor, facts, identity, contents };
    if (descriptor.fd === 5) return { ...descriptor, identity, nameless: true };
    return descriptor;
  });
  await writer.seal({ ...snapshot, host: { ...snapshot.host, descriptors } });
  await writer.commit();
}

test('holds which files were open, and where the contents of those without a name are', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await writeWithContents(path);
    const [, three, four, five] = readSnapshot(path).snapshot.host.descriptors;
    expect(three).not.toHaveProperty('identity');
    expect(four.contents).toEqual({ fileOffset: 4 * 65536, size: 70_000, sha256: hash });
    expect(four.identity).toEqual({ boot: hash, device: 1n << 60n, inode: (1n << 64n) - 1n, born: -5n });
    expect([four.nameless, five.nameless, five.contents]).toEqual([undefined, true, undefined]);
    const row = { fds: [4], at: 4 * 65536, size: 1, sha256: hash };
    replaceAnnex(path, { files: [], contents: [row], nameless: [0, 3] });
    expect(readSnapshot(path).snapshot.host.descriptors.map(({ nameless }) => nameless)).toEqual(
      Array(4).fill(undefined),
    );
  }));

test.each<[string, object[], RegExp]>([
  ['over the memory', [{ at: 3 * 65536 }], /taken by/],
  ['over the module', [{ at: 0 }], /taken by/],
  ['over the annex', [{ at: 5 * 65536, size: 65537 }], /goes beyond/],
  ['after everything', [{ at: 1 << 30 }], /goes beyond/],
  ['anywhere', [{ at: 4 * 65536 + 4096 }], /not a multiple/],
  ['of more bytes than there are numbers', [{ size: Number.MAX_SAFE_INTEGER }], /goes beyond/],
  ['of fewer than none', [{ size: -1 }], /contents/],
  ['of a fraction', [{ size: 1.5 }], /contents/],
  ['of no descriptor', [{ fds: [] }], /contents/],
  ['of a directory', [{ fds: [5] }], /descriptor 5 is not a file/],
  ['of a preopen', [{ fds: [3] }], /descriptor 3 is not a file/],
  ['of what is not there', [{ fds: [9] }], /descriptor 9 is not a file/],
  ['twice', [{ fds: [4, 4] }], /has contents already/],
  ['in two places', [{}, { at: 5 * 65536 }], /has contents already/],
  ['without a hash', [{ sha256: 'x' }], /sha256/],
])('contents %s are refused', (_, rows, message) =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await writeWithContents(path);
    const contents = rows.map((row) => ({ fds: [4], at: 4 * 65536, size: 1, sha256: hash, ...row }));
    replaceAnnex(path, { files: [], contents });
    expect(() => readSnapshot(path)).toThrow(message);
    expect(() => readSnapshot(path)).toThrow(InputError);
  }),
);

test('contents of two files may not share a place', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await writeWithContents(path);
    const snapshot = readSnapshot(path).snapshot;
    const [first, preopen, file, directory] = snapshot.host.descriptors;
    const other = { ...file, fd: 6, contents: { fileOffset: 5 * 65536, size: 1, sha256: hash } };
    const writer = new SnapshotWriter(path);
    writer.addModule(MODULE_BYTES);
    writer.pages.reserve(5);
    await writer.seal({
      ...snapshot,
      host: { ...snapshot.host, descriptors: [first, preopen, file, directory, other] },
    });
    await writer.commit();
    expect(() => readSnapshot(path)).toThrow(/contents.1: its place in the file .* is taken by contents.0/);
  }));
