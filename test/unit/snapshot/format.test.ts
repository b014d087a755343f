import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InputFile } from '../../../bin/programs/input-file.js';
import { InputError, LimitError, ToolError } from '../../../src/base/errors.js';
import { readSnapshot, readSnapshotModule } from '../../../src/snapshot/format.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../../src/snapshot/header.js';
import { type FrameKind, Frames, MISSING, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { ValType } from '../../../src/wasm/module.js';
import { growth } from '../../support/cpu-time.js';
import { hasHoles } from '../../support/holes.js';
import { inFolder, MODULE_BYTES, sampleFrames, sampleMemory, sampleSnapshot, writeSample } from './sample.js';

describe('a snapshot file', () => {
  test('comes back as it was written', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.wsnap');
      const snapshot = await writeSample(path);
      const stored = readSnapshot(path);
      const { digests, ...rest } = stored.snapshot;
      expect(plain(rest as Snapshot)).toEqual(plain(snapshot));
      expect(digests).toHaveLength(2 * 32); // of pages 1 and 2, and of page 5
      expect(stored.size).toBe(statSync(path).size);
      expect(InputFile.open(path).kind).toBe('snapshot');
      expect(readSnapshotModule(stored, stored.snapshot.modules[0])).toEqual(Buffer.from(MODULE_BYTES));
    }));

  test('has the memory at its extents, and holes elsewhere', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.wsnap');
      await writeSample(path);
      const file = readFileSync(path);
      const memory = readSnapshot(path).snapshot.instances[0].memories[1];
      const rebuilt = Buffer.alloc(memory.pages * 65536);
      for (const { offset, fileOffset, bytes } of memory.extents) {
        expect(fileOffset % 65536).toBe(0);
        file.copy(rebuilt, offset, fileOffset, fileOffset + bytes);
      }
      expect(rebuilt.equals(sampleMemory())).toBe(true);
      // 5 blocks, module, header, prologue: far from the 3 slots of 64 KiB
      if (hasHoles(folder)) expect(statSync(path).blocks * 512).toBeLessThan(16 * 4096);
    }));

  test('replaces an older one at once and leaves no temporary file', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.wsnap');
      writeFileSync(path, 'old');
      const writer = new SnapshotWriter(path);
      expect(readFileSync(path, 'utf8')).toBe('old');
      expect(readdirSync(folder)).toHaveLength(2);
      writer.abandon();
      expect(readdirSync(folder)).toEqual(['a.wsnap']);
      await writeSample(path);
      expect(readdirSync(folder)).toEqual(['a.wsnap']);
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }));

  test('that cannot be written is a ToolError with the path', () => {
    expect(() => new SnapshotWriter('/nowhere/at/all.wsnap')).toThrow(ToolError);
    expect(() => new SnapshotWriter('/nowhere/at/all.wsnap')).toThrow('/nowhere/at/all.wsnap');
    expect(existsSync('/nowhere')).toBe(false);
  });

  test('says the oldest format that can hold it, so that older readers refuse only what they must', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.wsnap');
      const snapshot = await writeSample(path);
      expect(readFileSync(path).readUInt32LE(8)).toBe(1);
      const writer = new SnapshotWriter(path);
      await writer.seal({ ...snapshot, state: 'trapped', instances: [{ ...snapshot.instances[0], memories: [] }] });
      await writer.commit();
      expect(readFileSync(path).readUInt32LE(8)).toBe(2);
    }));

  test('needs format 2 for a memory that format 1 has no room for', () => {
    const memory = (maxPages: number) => ({ pages: 1, maxPages, extents: [], blocks: new Uint16Array(0) });
    expect(formatNeeded(sampleSnapshot([memory(65536)], undefined))).toBe(1);
    expect(formatNeeded(sampleSnapshot([memory(65536), memory(65537)], undefined))).toBe(2);
    expect(formatNeeded(sampleSnapshot([{ ...memory(65536), bytes: 3 }], undefined))).toBe(2);
  });

  test('holds a frame with as many operands as a function may have', () => {
    const operands = new Uint8Array(1_000_000).fill(ValType.I64);
    const [, , bottom] = sampleFrames().sites;
    const site = { ...bottom, kind: 'loop' as const, operands };
    const frames = new Frames([site], Uint32Array.of(0), new Uint32Array(2_000_000));
    const header = encodeHeader({ ...sampleSnapshot([], undefined), frames });
    expect(decodeHeader(header, 1 << 20, 'file').frames.words.length).toBe(2_000_000);
  });

  test('at more places than fit in memory is beyond a limit', () => {
    const [site] = sampleFrames().sites;
    const sites = Array(1_000_001).fill({ ...site, locals: new Uint8Array(0), operands: new Uint8Array(0) });
    const frames = new Frames(sites, Uint32Array.of(0), new Uint32Array(0));
    const header = encodeHeader({ ...sampleSnapshot([], undefined), frames });
    expect(() => decodeHeader(header, 1 << 20, 'file')).toThrow(LimitError);
  });

  test('holds 100,000 frames in a few bytes each, and is checked in a time that grows as their number', () => {
    const deep = (depth: number) => {
      const bytes = encodeHeader({ ...sampleSnapshot([], undefined), frames: sampleFrames(depth) });
      expect(bytes.length).toBeLessThan(depth * (4 + 2 * 8) + 2000);
      expect(decodeHeader(bytes, 1 << 20, 'x').frames.count).toBe(depth + 2);
    };
    deep(100_000);
    expect(growth(deep, 10_000)).toBeLessThan(50);
  });
});

describe('a damaged snapshot', () => {
  test('is refused with its path and what is wrong', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'a.wsnap');
      await writeSample(path);
      const good = readFileSync(path);
      const refused = (bytes: Uint8Array, message: string | RegExp) => {
        writeFileSync(path, bytes);
        expect(() => readSnapshot(path)).toThrow(InputError);
        expect(() => readSnapshot(path)).toThrow(message);
      };
      refused(Buffer.alloc(0), 'a.wsnap: not a snapshot');
      refused(Buffer.from('\0asm....'), 'a.wsnap: not a snapshot');
      refused(good.subarray(0, 40), /a.wsnap: ends inside/);
      refused(good.subarray(0, good.length - 1), /a.wsnap: truncated/);
      refused(good.subarray(0, 100_000), /a.wsnap: truncated/);
      refused(Buffer.concat([good, Buffer.alloc(1)]), /a.wsnap: truncated/);
      refused(patched(good, 8, 5), /format 5 is unknown/);
      refused(patched(good, good.length - 5, good[good.length - 5] ^ 1), /damaged: the hash of its header/);
      writeFileSync(path, patched(good, 4096, 1));
      const stored = readSnapshot(path);
      expect(() => readSnapshotModule(stored, stored.snapshot.modules[0])).toThrow(/hash of module sample/);
    }));

  test('that is not there', () => {
    expect(() => readSnapshot('/nowhere.wsnap')).toThrow(new InputError('not-found', '/nowhere.wsnap: no such file'));
  });

  const good = sampleSnapshot([{ pages: 2, maxPages: 4, extents: [extent(0, 1, 1)], blocks: Uint16Array.of(1) }], 64);
  const memory = (part: object) => instance({ memories: [{ ...good.instances[0].memories[0], ...part }] });
  const instance = (part: object) => ({ instances: [{ ...good.instances[0], ...part }] });
  const host = (part: object) => ({ host: { ...good.host, ...part } });
  const trapped = (part: object) => ({ state: 'trapped', trap: { kind: 1, message: 'unreachable' }, ...part });
  const atTrap = (locals: number[], words: number[] = [], kind: FrameKind = 'trap') =>
    new Frames(
      [{ instance: 0, func: 0, offset: 3, kind, locals: Uint8Array.from(locals), operands: new Uint8Array(0) }],
      Uint32Array.of(0),
      Uint32Array.from(words),
    );
  test('that is of a trapped program is none', () => {
    for (const frames of [
      atTrap([MISSING, 0x7f], [0, 0, 5, 0]),
      new Frames([], new Uint32Array(0), new Uint32Array(0)),
    ]) {
      const snapshot = { ...good, ...trapped({ frames }) } as Snapshot;
      const decoded = decodeHeader(encodeHeader(snapshot), 1 << 20, 'x');
      expect(plain(decoded)).toEqual(plain(snapshot));
      expect(formatNeeded(decoded)).toBe(2);
    }
  });

  test.each<[string, object, RegExp]>([
    ['a module index out of range', instance({ module: 1 }), /instances\[0\]: names module 1 of 1/],
    ['an extent beyond the memory', memory({ extents: [extent(2, 1, 1)] }), /goes beyond the memory/],
    ['an extent beyond the file', memory({ extents: [extent(0, 1, 16)] }), /goes beyond the file/],
    ['an extent over the prologue', memory({ extents: [extent(0, 1, 0)] }), /is taken/],
    [
      'overlapping extents',
      memory({ extents: [extent(0, 1, 1), extent(1, 1, 1)], blocks: Uint16Array.of(1, 1) }),
      /is taken/,
    ],
    [
      'extents out of order',
      memory({ extents: [extent(1, 1, 1), extent(0, 1, 2)], blocks: Uint16Array.of(1, 1) }),
      /order/,
    ],
    ['an empty extent', memory({ extents: [extent(0, 0, 1)], blocks: new Uint16Array(0) }), /is empty/],
    ['too few blocks', memory({ blocks: new Uint16Array(0) }), /blocks: has 0 bytes for 1 pages/],
    ['more pages than the maximum', memory({ pages: 5 }), /more than its maximum/],
    [
      'more pages than there can be',
      memory({ pages: 2 ** 20 + 1, maxPages: 2 ** 20 + 1 }),
      /header.instances.0.memories.0.pages/,
    ],
    ['a global with too many bits', instance({ globals: [{ type: 0x7f, lo: 1, hi: 1 }] }), /32-bit value/],
    ['a global without a type', instance({ globals: [{ type: 0x40, lo: 1, hi: 1 }] }), /0x40 is not a value type/],
    ['a reference to no instance', instance({ globals: [{ type: 0x70, lo: 1, hi: 2 }] }), /instance 1 of 1/],
    [
      'a table of numbers',
      instance({ tables: [{ type: 0x7f, elements: new Uint32Array(0), max: 0 }] }),
      /not a reference/,
    ],
    ['a flag that is not one', instance({ droppedData: Uint8Array.of(2) }), /zeros and ones/],
    ['a phase of no instance', { phase: { instance: 1, kind: 'entry' } }, /phase/],
    ['a trap of a program that runs', { trap: { kind: 1, message: 'unreachable' } }, /has not trapped/],
    ['no trap of one that does not', { state: 'trapped' }, /trap: is missing/],
    ['a place that is not at the trap', trapped({}), /frames.of\[0\]: is not at the trap/],
    ['a running program at a trap', { frames: atTrap([]) }, /frames.of\[0\]: is at a trap/],
    ['an unknown value with bits', trapped({ frames: atTrap([MISSING], [1, 0]) }), /not known, with bits/],
    ['an unknown value elsewhere', { frames: atTrap([MISSING], [0, 0], 'loop') }, /0x1 is not a value type/],
    ['an empty stack', { frames: new Frames([], new Uint32Array(0), new Uint32Array(0)) }, /the stack is empty/],
    ['an argument with a NUL', host({ args: [Uint8Array.of(65, 0, 65)] }), /header.host.args.0/],
    ['a descriptor twice', host({ descriptors: [good.host.descriptors[0], good.host.descriptors[0]] }), /twice/],
    ['a file below a file', host({ descriptors: [{ ...good.host.descriptors[2], preopen: 4 }] }), /not a preopen/],
    [
      'an absolute path',
      host({ descriptors: [good.host.descriptors[1], { ...good.host.descriptors[2], path: Buffer.from('/a') }] }),
      /absolute/,
    ],
  ])('with %s is refused', (_, part, message) => {
    const bytes = encodeHeader({ ...good, ...part } as Snapshot);
    expect(() => decodeHeader(bytes, 1 << 20, 'bad.wsnap')).toThrow(InputError);
    expect(() => decodeHeader(bytes, 1 << 20, 'bad.wsnap')).toThrow(message);
    expect(() => decodeHeader(bytes, 1 << 20, 'bad.wsnap')).toThrow(/^bad.wsnap: /);
  });
});

function extent(page: number, count: number, slot: number) {
  return { offset: page * 65536, bytes: count * 65536, fileOffset: slot * 65536 };
}

function patched(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

/** Buffers as plain arrays, so that only contents count. */
function plain(snapshot: Snapshot): unknown {
  return JSON.parse(
    JSON.stringify(snapshot, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
    (_, value) => (value?.type === 'Buffer' ? Object.assign({}, value.data) : value),
  );
}
