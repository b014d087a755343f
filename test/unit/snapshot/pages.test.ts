/** Pages from sources to sinks: whatever goes in comes out, without what is zero. */

import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { WASM_PAGE } from '../../../src/image/contract/sizes.js';
import { MappedPages } from '../../../src/restore/mapped-pages.js';
import { ChainFiles } from '../../../src/snapshot/chain-files.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { PageFile } from '../../../src/snapshot/page-file.js';
import type { ByteSource, PageSource, PlacedPages } from '../../../src/snapshot/pages.js';
import type { SnapshotMemory } from '../../../src/snapshot/snapshot.js';
import { SnapshotFile } from '../../../src/snapshot/snapshot-file.js';
import { StoredContents, StoredMemory } from '../../../src/snapshot/stored-pages.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { BytesSource } from '../../support/bytes-source.js';
import { temporaryFolder } from '../../support/workload.js';
import { MODULE_BYTES, sampleMemory, writeSample } from './sample.js';

const folder = temporaryFolder();

/** Calls `use` with a page file that begins at `start`. Returns what it gives, and the file's bytes. */
async function filled<T>(start: number, use: (sink: PageFile) => Promise<T>): Promise<{ result: T; bytes: Buffer }> {
  const path = join(folder, 'filled');
  const fd = openSync(path, 'w+');
  try {
    const sink = new PageFile(fd, start, path);
    const result = await use(sink);
    ftruncateSync(fd, sink.end);
    return { result, bytes: readFileSync(path) };
  } finally {
    closeSync(fd);
  }
}

/** A memory's bytes, of where its pages lie. */
function memoryOf(file: Buffer, { extents }: PlacedPages, size: number): Buffer {
  const memory = Buffer.alloc(size);
  for (const { offset, fileOffset, bytes } of extents) file.copy(memory, offset, fileOffset, fileOffset + bytes);
  return memory;
}

/** A memory of several chunks, with anything in it. */
function largeMemory(): Buffer {
  const bytes = Buffer.alloc(53 * WASM_PAGE);
  for (let at = 0, n = 1; at < bytes.length; at += 4096 * ((n * 7) % 13), n++)
    bytes.writeUInt32LE(n, at + (n % 1000) * 4);
  bytes.fill(0, 20 * WASM_PAGE, 23 * WASM_PAGE);
  return bytes;
}

test('pages of zeros are left out, and what is next to each other stays so', async () => {
  const { result, bytes } = await filled(100, (sink) => sink.takePages(new BytesSource(sampleMemory())));
  expect(result).toEqual({
    extents: [
      { offset: 65536, fileOffset: 65536, bytes: 2 * 65536 },
      { offset: 5 * 65536, fileOffset: 3 * 65536, bytes: 65536 },
    ],
    blocks: Uint16Array.of(0b111, 0x8000, 8),
  });
  expect(memoryOf(bytes, result, 8 * WASM_PAGE).equals(sampleMemory())).toBe(true);
});

test('in several lanes, places are given out in order of address', async () => {
  const memory = largeMemory();
  const slow: PageSource = {
    ...new BytesSource(memory),
    isExact: false,
    runs: () => new BytesSource(memory).runs(),
    read: async (offset, length, target, at) => {
      if ((offset / WASM_PAGE) % 32 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      memory.copy(target, at, offset, offset + length);
    },
  };
  const { result, bytes } = await filled(0, (sink) => sink.takePages(slow));
  expect(result.extents.map(({ offset }) => offset)).toEqual([0, 23 * WASM_PAGE]);
  expect(result.extents[1].fileOffset).toBe(20 * WASM_PAGE);
  expect(memoryOf(bytes, result, memory.length).equals(memory)).toBe(true);
});

test('an exact source is taken as it is', async () => {
  const { result } = await filled(0, (sink) => sink.takePages(new BytesSource(Buffer.alloc(3 * WASM_PAGE), true)));
  expect(result.extents).toEqual([{ offset: 0, fileOffset: 0, bytes: 3 * WASM_PAGE }]);
  expect(result.blocks).toEqual(new Uint16Array(3).fill(0xffff));
});

test('who gives up is obeyed, by all lanes', async () => {
  let reads = 0;
  let told = 0;
  const source: PageSource = {
    isExact: true,
    runs: () => [{ first: 0, blocks: new Uint16Array(1600).fill(1) }],
    read: async () => {
      reads++;
      await new Promise((resolve) => setTimeout(resolve, reads % 3));
    },
  };
  const once = () => {
    if (++told === 1) throw new Error('enough');
  };
  await expect(filled(0, (sink) => sink.takePages(source, once))).rejects.toThrow('enough');
  expect(reads).toBeLessThan(1000);
});

test('a source that fails is the failure of the whole', async () => {
  const broken: PageSource = {
    isExact: false,
    runs: () => new BytesSource(largeMemory()).runs(),
    read: () => {
      throw new Error('broken');
    },
  };
  await expect(filled(0, (sink) => sink.takePages(broken))).rejects.toThrow('broken');
});

/** A sink on another host, with what is there. Bytes are taken as late as they may be. */
function elsewhere(size: number): { sink: PageFile; there: Buffer } {
  const there = Buffer.alloc(size);
  const take = async (bytes: Uint8Array, offset: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    there.set(bytes, offset);
  };
  return { sink: new PageFile(take, 0, 'elsewhere'), there };
}

test('pages that are sent are there as in a file', async () => {
  const memory = largeMemory();
  const { sink, there } = elsewhere(memory.length);
  const placed = await sink.takePages(new BytesSource(memory));
  expect(memoryOf(there, placed, memory.length).equals(memory)).toBe(true);
});

test('a link that has failed may still send a buffer, which nobody gets again', async () => {
  const memory = largeMemory();
  let late: Uint8Array | undefined;
  const broken = new PageFile(
    async (bytes) => {
      late ??= bytes;
      throw new Error('the link is gone');
    },
    0,
    'elsewhere',
  );
  await expect(broken.takePages(new BytesSource(memory))).rejects.toThrow('the link is gone');
  const before = Buffer.from(late ?? []);
  const next = elsewhere(memory.length);
  await next.sink.takePages(new BytesSource(Buffer.alloc(memory.length, 0xaa)));
  expect(before.equals(late ?? Buffer.alloc(1))).toBe(true);
});

test('contents of a file lie together, zeros and all, and are read in order', async () => {
  const size = 40 * WASM_PAGE + 77;
  const contents = Buffer.concat([largeMemory()], size);
  contents.fill(0xee, size - 77);
  const padded = new BytesSource(Buffer.concat([contents], 41 * WASM_PAGE));
  const { result: at, bytes } = await filled(5, (sink) => sink.takeContents(padded, size));
  expect(at).toBe(WASM_PAGE);
  expect(bytes.subarray(at, at + size).equals(contents)).toBe(true);
  expect(bytes.subarray(at + size).equals(Buffer.alloc(41 * WASM_PAGE - size))).toBe(true);
  expect(padded.reads).toEqual([...padded.reads].sort(([a], [b]) => a - b));
  expect(padded.reads.reduce((sum, [, length]) => sum + length, 0)).toBe(size);
});

test('a snapshot that is written again from its file is the same, byte by byte', async () => {
  const path = join(folder, 'first.wsnap');
  await writeSample(path);
  const stored = readSnapshot(path);
  const { snapshot } = stored;
  const files = new ChainFiles(stored);
  const again = join(folder, 'again.wsnap');
  const writer = new SnapshotWriter(again);
  writer.addModule(MODULE_BYTES);
  const memories: SnapshotMemory[] = [];
  for (const memory of snapshot.instances[0].memories) {
    const { pages, maxPages } = memory;
    memories.push({ pages, maxPages, ...(await writer.pages.takePages(new StoredMemory(files, memory))) });
  }
  files.close();
  await writer.seal({ ...snapshot, instances: [{ ...snapshot.instances[0], memories }] });
  await writer.commit();
  expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
});

test('a mapping leaves pages and contents where they are', async () => {
  const path = join(folder, 'mapped.wsnap');
  await writeSample(path);
  const [, memory] = readSnapshot(path).snapshot.instances[0].memories;
  const file = new SnapshotFile(path);
  const sink = new MappedPages();
  expect(await sink.takePages(new StoredMemory({ file: () => file }, memory))).toBe(memory);
  const contents = { fileOffset: 3 * WASM_PAGE, size: 5, sha256: createHash('sha256').digest('hex') };
  expect(await sink.takeContents(new StoredContents(file, contents))).toBe(3 * WASM_PAGE);
  await expect(sink.takePages(new BytesSource(sampleMemory()))).rejects.toThrow('cannot be mapped');
  await expect(sink.takeContents({ read: () => undefined } as ByteSource)).rejects.toThrow('cannot be opened');
});

test('as many extents as a large memory with every other page in use has', async () => {
  const count = 100_000;
  const extents = Array.from({ length: count }, (_, i) => ({
    offset: 2 * i * WASM_PAGE,
    fileOffset: (i + 1) * WASM_PAGE,
    bytes: WASM_PAGE,
  }));
  const memory = { pages: 1 << 20, maxPages: 1 << 20, extents, blocks: new Uint16Array(count) };
  const path = join(folder, 'source');
  writeFileSync(path, '');
  const output = join(folder, 'output');
  const fd = openSync(output, 'w');
  const sink = new PageFile(fd, WASM_PAGE, output);
  const placed = await sink.takePages(new StoredMemory({ file: () => new SnapshotFile(path) }, memory));
  closeSync(fd);
  expect(placed.extents.map(({ offset }) => offset)).toEqual(extents.map(({ offset }) => offset));
  expect(placed.extents.at(-1)).toEqual(extents.at(-1));
  expect(sink.end).toBe((count + 1) * WASM_PAGE);
  expect(statSync(output).size).toBe(0);
});

test('a snapshot that is cut off while it is read is said to be', async () => {
  const path = join(folder, 'cut.wsnap');
  writeFileSync(path, Buffer.alloc(WASM_PAGE + 10));
  const file = new SnapshotFile(path);
  const target = Buffer.alloc(2 * WASM_PAGE);
  expect(() => file.read(WASM_PAGE, 20, target, 0)).toThrow(InputError);
  await expect(file.read(0, 2 * WASM_PAGE, target, 0)).rejects.toThrow(
    `${path}: truncated at offset ${WASM_PAGE + 10}`,
  );
  file.close();
  expect(() => new SnapshotFile(join(folder, 'none')).bytes(0, 1)).toThrow(/none: no such file/);
});
