/**
 * The checks of a header that decodes, with one of each thing: just what is allowed is accepted, one more is refused.
 * Columns are changed as bytes, as a hostile file has them.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { describe, expect, test } from 'vitest';
import { InputError, LimitError } from '../../../src/base/errors.js';
import { TABLE_MAX } from '../../../src/image/contract/sizes.js';
import { decodeExceptions, limitExceptions } from '../../../src/snapshot/exceptions-codec.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { bytesOf } from '../../../src/snapshot/frames-codec.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../../src/snapshot/header.js';
import type { RawHeader } from '../../../src/snapshot/header-schema.js';
import {
  decodePrologue,
  encodePrologue,
  FORMAT_VERSION,
  PACKED_VERSION,
  PROLOGUE_SIZE,
} from '../../../src/snapshot/prologue.js';
import { FRAME_KINDS, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { inFolder, sampleSnapshot } from './sample.js';

const [I32, F32, F64, V128] = [ValType.I32, ValType.F32, ValType.F64, ValType.V128];
const [FuncRef, ExnRef, ExternRef] = [ValType.FuncRef, ValType.ExnRef, ValType.ExternRef];
const LIMIT = 4 * 65536;
const u32 = (...words: number[]) => bytesOf(Uint32Array.from(words));
const bytes = (...values: number[]) => Uint8Array.from(values);

// Memory 0 has pages 0 and 1 in slots 1 and 2, the module is at 64.
const sample: Snapshot = {
  ...sampleSnapshot(
    [
      {
        pages: 2,
        maxPages: 4,
        extents: [{ offset: 0, fileOffset: 65536, bytes: 131072 }],
        blocks: Uint16Array.of(1, 1),
      },
    ],
    PROLOGUE_SIZE,
  ),
  exceptions: [
    { instance: 0, tag: 0, types: bytes(I32), words: Uint32Array.of(5, 0) },
    { instance: 0, tag: 1, types: bytes(ExnRef, V128), words: Uint32Array.of(1, 0, 1, 2, 3, 4) },
  ],
};

type Raw = RawHeader;
type Mutable<T> = T extends Uint8Array | string | number | boolean | bigint | null | undefined
  ? T
  : { -readonly [K in keyof T]: Mutable<T[K]> };
type Change = (raw: Mutable<Raw>) => void;

function changed(change: Change): () => Snapshot {
  const raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(encodeHeader(sample)) as Mutable<Raw>;
  change(raw);
  const packed = new Packr({ useRecords: false, variableMapSize: true }).pack(raw);
  return () => decodeHeader(packed, LIMIT, 'x.wsnap');
}

/** Words of a column. */
const wordsOf = (column: Uint8Array) => Array.from(new Uint32Array(Uint8Array.from(column).buffer));
const [instanceOf, framesOf] = [(raw: Mutable<Raw>) => raw.instances[0], (raw: Mutable<Raw>) => raw.frames];

/** Frames of one site. */
function oneFrame(types: number[], words: number[], kind = 1, locals = types.length, instance = 0): Change {
  return (raw) => {
    raw.frames = {
      places: u32(instance, 0, 0, kind),
      counts: u32(locals, types.length - locals),
      types: bytes(...types),
      of: u32(0),
      words: u32(...words),
    };
  };
}
const LOOP = FRAME_KINDS.indexOf('loop');
const one = (type: number, ...words: number[]) => oneFrame([type], words, LOOP);
/** One value as an operand. */
const operand = (type: number, ...words: number[]) => oneFrame([type], words, LOOP, 0);
const global =
  (type: number, ...words: number[]) =>
  (raw: Mutable<Raw>) => {
    instanceOf(raw).globalTypes = bytes(type);
    instanceOf(raw).globalWords = u32(...words);
  };
const table =
  (type: number, max: number, ...words: number[]) =>
  (raw: Mutable<Raw>) => {
    instanceOf(raw).tables = [{ type, max, elements: u32(...words) }];
  };
const memory = (change: (memory: Mutable<Raw>['instances'][0]['memories'][0]) => void) => (raw: Mutable<Raw>) =>
  change(instanceOf(raw).memories[0]);
/** Extents (first page, pages, slot) with as many blocks as they need. */
const extents = (...words: number[]) =>
  memory((memory) => {
    memory.extents = u32(...words);
    const pages = words.filter((_, i) => i % 3 === 1).reduce((sum, count) => sum + count, 0);
    memory.blocks = new Uint8Array(pages * 2);
  });
const exceptions = (change: (raw: NonNullable<Mutable<Raw>['exceptions']>) => void) => (raw: Mutable<Raw>) =>
  change(raw.exceptions!);
const descriptor = (at: number, part: object) => (raw: Mutable<Raw>) => {
  Object.assign(raw.host.descriptors[at], part);
};
const both =
  (...changes: Change[]): Change =>
  (raw) => {
    for (const change of changes) change(raw);
  };

const accepted: [string, Change][] = [
  ['the sample', () => {}],
  ['the last possible pages', extents(0, 1, 1, 1, 1, 3)],
  ['pages in any order in the file', extents(0, 1, 2, 1, 1, 1)],
  ['a memory of its maximum', memory((memory) => Object.assign(memory, { pages: 4 }))],
  ['a memory of bytes', memory((memory) => Object.assign(memory, { bytes: 65537 }))],
  ['a full table', table(FuncRef, 1, 3, 1)],
  ['a table of exceptions', table(ExnRef, 2, 2, 0, 0, 0)],
  ['the last exception', one(ExnRef, 2, 0)],
  ['a v128 in a frame and a value after it', oneFrame([V128, I32], [1, 2, 3, 4, 5, 0], LOOP)],
  ['a reference to the last instance', one(FuncRef, 7, 1)],
  ['an externref with all bits', one(ExternRef, 0xffffffff, 0xffffffff)],
  ['the last descriptor', descriptor(3, { fd: 1023 })],
  ['the longest path', descriptor(3, { path: new Uint8Array(4095).fill(65) })],
  ['the last offset', descriptor(2, { offset: 2n ** 63n - 1n })],
  ['the last date', (raw) => Object.assign(raw, { created: 8.64e15 })],
];
test.each(accepted)('%s is accepted', (_, change) => {
  expect(changed(change)).not.toThrow();
});

const refused: [string, Change, RegExp][] = [
  ['a module that is cut off by a memory', (raw) => Object.assign(raw.modules[0], { size: 65536 - 63 }), /is taken/],
  ['pages at the module', (raw) => Object.assign(raw.modules[0], { at: 65536 }), /is taken/],
  ['a module beyond the file', (raw) => Object.assign(raw.modules[0], { at: LIMIT - 7 }), /beyond the file/],
  ['pages in the header', extents(0, 1, 4), /beyond the file/],
  ['pages that reach into the header', extents(0, 2, 3), /beyond the file/],
  ['a phase of the instance after the last', (raw) => Object.assign(raw.phase, { instance: 1 }), /phase: names/],
  ['a module after the last', (raw) => Object.assign(instanceOf(raw), { module: 1 }), /names module 1 of 1/],
  ['a dropped segment that is 2', (raw) => Object.assign(instanceOf(raw), { droppedData: bytes(2) }), /droppedData/],
  ['a dropped element that is 2', (raw) => Object.assign(instanceOf(raw), { droppedElements: bytes(2) }), /dropped/],
  ['more globals than types', global(I32, 0, 0, 0, 0), /does not match/],
  ['fewer globals than types', global(V128, 0, 0), /does not match/],
  ['half a word', (raw) => Object.assign(instanceOf(raw), { globalWords: bytes(1, 2, 3) }), /multiple of 4/],
  ['a global of a type below v128', global(V128 - 1, 0, 0), /is not a value type/],
  ['a global of a type above i32', global(I32 + 1, 0, 0), /is not a value type/],
  ['a global of an f32 with more bits', global(F32, 0, 1), /32-bit value/],
  ['a global that refers to the instance after the last', global(FuncRef, 0, 2), /instance 1 of 1/],
  ['a global that refers to the exception after the last', global(ExnRef, 3, 0), /number 3 of 2/],
  ['an exception with more bits', global(ExnRef, 1, 1), /with more bits/],
  ['a null function with bits', global(FuncRef, 1, 0), /null reference that names/],
  ['a table of numbers', table(I32, 1, 0, 0), /is not a reference type/],
  ['half an element', table(FuncRef, 2, 0, 0, 0), /is not pairs/],
  ['one element more than the maximum', table(FuncRef, 1, 0, 0, 0, 0), /more than its maximum 1/],
  ['an element of the instance after the last', table(FuncRef, 1, 0, 2), /instance 1 of 1/],
  ['an element that is an exception after the last', table(ExnRef, 1, 3, 0), /number 3 of 2/],
  ['a page more than the maximum', memory((memory) => Object.assign(memory, { pages: 5 })), /than its maximum 4/],
  [
    'fewer bytes than pages',
    memory((memory) => Object.assign(memory, { bytes: 65536 })),
    /bytes: 65536 are not 2 pages/,
  ],
  ['more bytes than pages', memory((memory) => Object.assign(memory, { bytes: 131073 })), /131073 are not 2 pages/],
  ['half a byte', memory((memory) => Object.assign(memory, { bytes: 65536.5 })), /memories.0.bytes/],
  ['two thirds of an extent', memory((memory) => Object.assign(memory, { extents: u32(0, 2) })), /triples/],
  ['an empty extent', extents(0, 0, 1), /is empty/],
  ['extents that overlap in the memory', extents(0, 2, 1, 1, 1, 3), /overlaps/],
  ['a page after the memory', extents(2, 1, 1), /beyond the memory/],
  ['pages that reach beyond the memory', extents(1, 2, 1), /beyond the memory/],
  ['extents that overlap in the file', extents(0, 1, 1, 1, 1, 1), /is taken/],
  ['an extent in the prologue', extents(0, 1, 0), /is taken/],
  ['a block too many', memory((memory) => Object.assign(memory, { blocks: bytes(1, 0, 1, 0, 1, 0) })), /blocks: has/],
  [
    'more pages than there can be',
    memory((memory) => Object.assign(memory, { max: 2 ** 32 - 1, pages: 2 ** 31 })),
    /pages/,
  ],
  ['the site after the last', (raw) => Object.assign(framesOf(raw), { of: u32(0, 1, 1, 1, 3) }), /names site 3 of 3/],
  ['two loops further out', (raw) => Object.assign(framesOf(raw), { of: u32(0, 0, 1, 0, 2) }), /only the innermost/],
  [
    'a call that is the innermost',
    (raw) => Object.assign(framesOf(raw), { of: u32(1, 1, 1, 1, 2) }),
    /innermost frame/,
  ],
  [
    'a value more',
    (raw) => Object.assign(framesOf(raw), { words: u32(...wordsOf(raw.frames.words), 0, 0) }),
    /words, the/,
  ],
  [
    'a value less',
    (raw) => Object.assign(framesOf(raw), { words: u32(...wordsOf(raw.frames.words).slice(2)) }),
    /words, the/,
  ],
  ['part of a place', (raw) => Object.assign(framesOf(raw), { places: u32(0, 0), counts: u32(0) }), /does not match/],
  [
    'counts of a site more',
    (raw) => Object.assign(framesOf(raw), { counts: u32(...wordsOf(raw.frames.counts), 0, 0) }),
    /does not match/,
  ],
  ['a site of the instance after the last', oneFrame([], [], LOOP, 0, 1), /names instance 1 of 1/],
  ['a kind after the last', oneFrame([], [], FRAME_KINDS.length), /is not a kind/],
  [
    'a type too few',
    (raw) => Object.assign(framesOf(raw), { types: raw.frames.types.subarray(1) }),
    /goes beyond frames.types/,
  ],
  ['a type too many', (raw) => Object.assign(framesOf(raw), { types: bytes(...raw.frames.types, I32) }), /more types/],
  ['an operand without a type', operand(0x40, 0, 0), /0x40 is not a value type/],
  ['an unknown operand at a trap', both(oneFrame([1], [0, 0], FRAME_KINDS.indexOf('trap'), 0)), /is not a value type/],
  ['an unknown local in a loop', one(1, 0, 0), /0x1 is not a value type/],
  ['an i32 with more bits after a v128', oneFrame([V128, I32], [1, 2, 3, 4, 5, 1], LOOP), /value 1: a 32-bit/],
  ['an i32 with more bits', one(I32, 0, 1), /32-bit value/],
  ['an f32 with more bits', one(F32, 0, 1), /32-bit value/],
  ['the exception after the last', one(ExnRef, 3, 0), /number 3 of 2/],
  ['an exception of 2^32', one(ExnRef, 1, 1), /with more bits/],
  ['a null function with a number', one(FuncRef, 1, 0), /null reference/],
  ['a function of the instance after the last', one(FuncRef, 1, 2), /instance 1 of 1/],
  [
    'an exception of the instance after the last',
    exceptions((raw) => Object.assign(raw, { places: u32(1, 0, 0, 1) })),
    /names instance 1 of 1/,
  ],
  [
    'a place without a count',
    exceptions((raw) => Object.assign(raw, { places: u32(0, 0, 0, 1, 0, 1) })),
    /does not match/,
  ],
  ['a count without a place', exceptions((raw) => Object.assign(raw, { places: u32(0, 0) })), /does not match/],
  [
    'exceptions, but none',
    exceptions((raw) => Object.assign(raw, { places: u32(), counts: u32(), types: bytes(), words: u32() })),
    /are there, but none/,
  ],
  [
    'an exception with a type too few',
    exceptions((raw) => Object.assign(raw, { types: bytes(I32, ExnRef) })),
    /than there are types/,
  ],
  [
    'an exception with a word too few',
    exceptions((raw) => Object.assign(raw, { words: u32(5, 0, 1, 0, 1, 2) })),
    /than there are words/,
  ],
  [
    'an exception with a type too many',
    exceptions((raw) => Object.assign(raw, { types: bytes(I32, ExnRef, V128, I32) })),
    /fewer values/,
  ],
  [
    'an exception with a word too many',
    exceptions((raw) => Object.assign(raw, { words: u32(...wordsOf(raw.words), 0, 0) })),
    /fewer values/,
  ],
  [
    'an exception that refers to itself',
    exceptions((raw) => Object.assign(raw, { words: u32(5, 0, 2, 0, 1, 2, 3, 4) })),
    /number 2 of 1/,
  ],
  ['an argument with a NUL', (raw) => Object.assign(raw.host, { args: [bytes(65, 0)] }), /host.args.0/],
  ['a path that is too long', descriptor(3, { path: new Uint8Array(4096).fill(65) }), /descriptors.3.path/],
  ['an offset of 2^63', descriptor(2, { offset: 2n ** 63n }), /2\^63/],
  ['descriptor 1024', descriptor(3, { fd: 1024 }), /descriptors.3.fd/],
  ['open for what there is not', descriptor(2, { openFlags: 4 }), /openFlags/],
  ['a fourth stream', descriptor(0, { stream: 3 }), /stream/],
  ['a date beyond all', (raw) => Object.assign(raw, { created: 8.64e15 + 2 }), /created/],
  ['a descriptor twice', descriptor(3, { fd: 4 }), /descriptor 4 is there twice/],
  ['a file below itself', descriptor(2, { preopen: 4 }), /not a preopen/],
  ['a file below nothing', descriptor(2, { preopen: 9 }), /not a preopen/],
  ['a file with an absolute path', descriptor(2, { path: bytes(0x2f, 65) }), /is absolute/],
  ['a module without a hash', (raw) => Object.assign(raw.modules[0], { sha256: 'ab' }), /sha256/],
];
test.each(refused)('%s is refused', (_, change, message) => {
  expect(changed(change)).toThrow(message);
  expect(changed(change)).toThrow(InputError);
});

test('a table is no longer than any may be, whatever its maximum', () => {
  const change = (raw: Mutable<Raw>) => {
    instanceOf(raw).tables = [{ type: FuncRef, max: 0xffffffff, elements: new Uint8Array((TABLE_MAX + 1) * 8) }];
  };
  expect(changed(change)).toThrow(/tables.0.elements/);
});

test('a header that would be millions of objects is refused before it is decoded', () => {
  const many = Buffer.concat([Buffer.of(0xdd, 0, 0x50, 0, 0), Buffer.alloc(0x500000, 0xc0)]);
  expect(() => decodeHeader(many, LIMIT, 'x')).toThrow(/has more than 4194304 items/);
});

test('exceptions have a limit', () => {
  expect(() => limitExceptions(1_000_000, 'it')).not.toThrow();
  expect(() => limitExceptions(1_000_001, 'it')).toThrow(LimitError);
  const count = 1_000_001;
  const columns = {
    places: new Uint8Array(count * 8),
    counts: new Uint8Array(count * 4),
    types: bytes(),
    words: bytes(),
  };
  const fail = (where: string, what: string) => {
    throw new InputError('snapshot', `${where}: ${what}`);
  };
  expect(() => decodeExceptions(columns, 1, fail)).toThrow(LimitError);
});

describe('the format that is needed', () => {
  const plain = { ...sample, exceptions: undefined };
  const [instance] = plain.instances;
  const frames = (types: number[], locals = types.length) =>
    changed(both(oneFrame(types, new Array(types.length * 4).fill(0), LOOP, locals)))().frames;
  test.each<[string, number, Partial<Snapshot>]>([
    ['nothing new', 1, {}],
    ['exceptions', 2, { exceptions: sample.exceptions }],
    ['a v128 local', 2, { frames: frames([V128]) }],
    ['a v128 operand', 2, { frames: frames([V128], 0) }],
    ['a global of an exception', 2, { instances: [{ ...instance, globals: [{ type: ExnRef, lo: 0, hi: 0 }] }] }],
    ['a global of an f64', 1, { instances: [{ ...instance, globals: [{ type: F64, lo: 0, hi: 0 }] }] }],
    [
      'a table of exceptions',
      2,
      { instances: [{ ...instance, tables: [{ type: ExnRef, max: 0, elements: new Uint32Array(0) }] }] },
    ],
    ...(['null', 'given'] as const).map((kind): [string, number, Partial<Snapshot>] => [
      `a descriptor that is ${kind}`,
      2,
      { host: { ...plain.host, descriptors: [{ ...plain.host.descriptors[0], kind }] } },
    ]),
  ])('%s: %i', (_, format, part) => {
    expect(formatNeeded({ ...plain, ...part } as Snapshot)).toBe(format);
  });
});

describe('a prologue', () => {
  const header = Buffer.from('header');
  const good = encodePrologue(PROLOGUE_SIZE, header);
  const size = PROLOGUE_SIZE + header.length;
  const decoded = (change: (bytes: Buffer) => void, fileSize = size) => {
    const copy = Buffer.from(good);
    change(copy);
    return () => decodePrologue(copy, fileSize, 'x');
  };
  test('that is fine', () => {
    expect(decoded(() => {})()).toMatchObject({ version: FORMAT_VERSION, headerOffset: 64, headerSize: 6 });
    expect(decoded((bytes) => bytes.writeUInt32LE(1, 8))().version).toBe(1);
  });
  test.each<[string, (bytes: Buffer) => void, RegExp, number?]>([
    ['format 0', (bytes) => bytes.writeUInt32LE(0, 8), /format 0 is unknown/],
    ['the format after the last', (bytes) => bytes.writeUInt32LE(PACKED_VERSION + 1, 8), /format 5 is unknown/],
    ['a reserved field', (bytes) => bytes.writeUInt32LE(1, 12), /offset 12/],
    ['a header in it', (bytes) => bytes.writeBigUInt64LE(63n, 16) && bytes.writeBigUInt64LE(7n, 24), /truncated/],
    ['a header that ends before the file', (bytes) => bytes.writeBigUInt64LE(5n, 24), /truncated/],
    ['a header that ends after it', (bytes) => bytes.writeBigUInt64LE(7n, 24), /truncated/],
    [
      'a header of 512 MiB and a byte',
      (bytes) => bytes.writeBigUInt64LE(2n ** 29n + 1n, 24),
      /more than/,
      64 + 2 ** 29 + 1,
    ],
  ])('%s is refused', (_, change, message, fileSize) => {
    expect(decoded(change, fileSize)).toThrow(message);
  });
  test('a header of 512 MiB is not', () => {
    expect(decoded((bytes) => bytes.writeBigUInt64LE(2n ** 29n, 24), 64 + 2 ** 29)).not.toThrow();
  });
});

test('a file says which format it needs, and its hash covers that', () =>
  inFolder((folder) => {
    const path = join(folder, 'x.wsnap');
    const write = (snapshot: Snapshot, version: number, change: (bytes: Buffer) => void = () => {}) => {
      const header = encodeHeader(snapshot);
      const bytes = Buffer.alloc(LIMIT + header.length);
      encodePrologue(LIMIT, header, version).copy(bytes);
      bytes.set(header, LIMIT);
      change(bytes);
      writeFileSync(path, bytes);
      return () => readSnapshot(path);
    };
    expect(write(sample, 2)).not.toThrow();
    expect(write(sample, 1)).toThrow(/has values that format 1 does not know/);
    const { exceptions: _, ...plain } = sample;
    expect(write(plain, 1)).not.toThrow();
    expect(write(plain, 1, (bytes) => bytes.writeUInt32LE(2, 8))).toThrow(/the hash of its header/);
  }));
