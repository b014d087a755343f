/**
 * Identities in which one value is off by one from what the rest allows: each is refused, and the value just inside is
 * accepted.
 */

import { Packr } from 'msgpackr/pack';
import { beforeAll, describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import type { Identity, InstanceIdentity } from '../../../src/image/tables/identity.js';
import { SECTION } from '../../../src/image/tables/sections.js';
import { readModule } from '../../../src/wasm/wat.js';
import { withSection } from '../../support/forged-image.js';
import { miniHost } from '../compile/link/mini-host.js';

const LIBRARY = `(module (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 1))
  (tag (export "x") (param i32)) (func (export "f")))`;
const PROGRAM = `(module
  (import "library" "f" (func)) (import "library" "m" (memory 1)) (import "library" "t" (table 1 funcref))
  (import "library" "g" (global i32)) (import "library" "x" (tag (param i32)))
  (memory 1 2) (table 3 9 funcref) (global (mut i64) (i64.const -2)) (tag (param i64)) (data "passive")
  (elem func $start) (func $start (export "_start")))`;

let bytes: Buffer;
let identity: Identity;
beforeAll(async () => {
  const inputs = [
    { module: await readModule(Buffer.from(LIBRARY)), name: 'library', file: 'library' },
    { module: await readModule(Buffer.from(PROGRAM)), file: 'main' },
  ];
  const compiled = compileImage(inputs, { target: x64, hostLayer: await miniHost() });
  bytes = Buffer.from(compiled.bytes);
  identity = compiled.identity;
});

/** The image with a changed identity. Typed arrays are their bytes, as in the file. */
function changed(change: (identity: Identity, main: InstanceIdentity) => void): Buffer {
  const copy = structuredClone(identity);
  change(copy, copy.instances.at(-1)!);
  const plain = (one: unknown): unknown => {
    if (ArrayBuffer.isView(one)) return Buffer.from(one.buffer, one.byteOffset, one.byteLength);
    if (Array.isArray(one)) return one.map(plain);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, plain(inner)]));
  };
  return withSection(bytes, SECTION.identity, new Packr({ useRecords: false }).pack(plain(copy)));
}

type Change = (identity: Identity, main: InstanceIdentity) => unknown;
const more = (array: Int32Array) => Int32Array.from([...array, 0]);
const refuses = (change: Change, message: RegExp) => {
  const image = changed((identity, main) => void change(identity, main));
  expect(() => readImage(image)).toThrow(InputError);
  expect(() => readImage(image)).toThrow(message);
};

test('as it is it is taken, with something of each kind, imported and of its own', () => {
  const image = readImage(changed(() => {}));
  expect(image.identity).toEqual(identity);
  const { functions, memories, tables, globals, tags, dataSegments, elementSegments } = identity.instances.at(-1)!;
  for (const { imported } of [functions, memories, tables, globals, tags!]) expect(imported).toBe(1);
  expect([functions.count, memories.types.length, tables.types.length, globals.types.length]).toEqual([2, 2, 2, 2]);
  expect([tags!.types.length, dataSegments.count, elementSegments.count]).toEqual([2, 1, 1]);
});

describe('an instance that contradicts itself', () => {
  const cases: [string, Change][] = [
    ['of a module that is not there', (i, m) => (m.module = i.modules.length)],
    ['that begins before the data', (i, m) => (m.start = i.data.imageOffset - 1)],
    ['that ends after the data', (i, m) => (m.size = i.data.imageOffset + i.data.size - m.start + 1)],
    ['functions: one more', (_, { functions }) => functions.count++],
    ['functions: one less', (_, { functions }) => functions.count--],
    [
      'functions: more imported than there are',
      (_, { functions }) => {
        functions.imported = 3;
        functions.links = new Int32Array(6);
      },
    ],
    ['functions: links of one more', (_, { functions }) => (functions.links = more(more(functions.links)))],
    ['functions: a record before the first place', (_, { functions }) => (functions.records[0] = -2)],
    ['functions: a record that ends after the block', (_, m) => (m.functions.records[0] = m.size - 31)],
    ['functions: pointers that end after the block', (_, m) => (m.functions.pointers = m.size - 7)],
    [
      'memories: more imported than there are',
      (_, { memories }) => {
        memories.imported = 3;
        memories.links = new Int32Array(6);
      },
    ],
    ['memories: links of one more', (_, { memories }) => (memories.links = more(more(memories.links)))],
    ['memories: pointers that end after the block', (_, m) => (m.memories.pointers = m.size - 7)],
    ['memories: records that end after the block', (_, m) => (m.memories.records = m.size - 31)],
    [
      'tables: more imported than there are',
      (_, { tables }) => {
        tables.imported = 3;
        tables.links = new Int32Array(6);
      },
    ],
    ['tables: links of one more', (_, { tables }) => (tables.links = more(more(tables.links)))],
    ['tables: pointers that end after the block', (_, m) => (m.tables.pointers = m.size - 7)],
    ['tables: records that end after the block', (_, m) => (m.tables.records = m.size - 31)],
    [
      'globals: more imported than there are',
      (_, { globals }) => {
        globals.imported = 3;
        globals.links = new Int32Array(6);
      },
    ],
    ['globals: links of one more', (_, { globals }) => (globals.links = more(more(globals.links)))],
    ['globals: whether they change, of one less', (_, { globals }) => (globals.mutable = globals.mutable.subarray(1))],
    ['globals: pointers that end after the block', (_, m) => (m.globals.pointers = m.size - 7)],
    ['globals: records that end after the block', (_, m) => (m.globals.records = m.size - 15)],
    ['tags: more imported than there are', (_, { tags }) => (tags!.imported = 3)],
    ['tags: records that end after the block', (_, m) => (m.tags!.records = m.size - 31)],
    ['data segments that end after the block', (_, m) => (m.dataSegments.records = m.size - 15)],
    ['element segments that end after the block', (_, m) => (m.elementSegments.records = m.size - 15)],
  ];
  test.each(cases)('%s', (_, change) => {
    refuses(change, /^damaged image: instance .* contradicts itself$/);
  });

  test.each<[string, Change]>([
    ['a record that ends with the block', (_, m) => (m.functions.records[0] = m.size - 32)],
    ['no record', (_, m) => (m.functions.records[0] = -1)],
    ['records that end with the block', (_, m) => (m.memories.records = m.size - 32)],
    ['pointers that end with the block', (_, m) => (m.tables.pointers = m.size - 8)],
    ['as long as the data goes', (i, m) => (m.size = i.data.imageOffset + i.data.size - m.start)],
  ])('just inside: %s', (_, change) => {
    expect(() => readImage(changed(change))).not.toThrow();
  });
});

describe('trampolines, text and data', () => {
  test.each<[string, Change, RegExp]>([
    ['a trampoline of a type that is not there', (i) => (i.trampolines[0].type = i.types.length), /odd trampoline/],
    [
      'a trampoline that returns after the text',
      (i) => (i.trampolines[0].returnOffset = i.text.size + 1),
      /odd trampoline/,
    ],
  ])('%s', (_, change, message) => {
    refuses(change, message);
  });

  /** In an otherwise sound image: the segment is as large, and what lies after it makes room. */
  test.each(['data', 'text'] as const)('%s of 2 GiB is too large', (what) => {
    const size = 0x80000000;
    const { imageOffset: start, size: before } = identity[what];
    const moved = (at: number) => (at >= start + before ? at + size : at);
    const image = changed((changed) => {
      changed[what].size = size;
      for (const part of [changed.data, changed.text]) part.imageOffset = moved(part.imageOffset);
    });
    image.writeBigUInt64LE(BigInt(moved(Number(image.readBigUInt64LE(24)))), 24); // the entry
    const { segments } = readImage(bytes).elf;
    for (const [index, { imageOffset, memorySize }] of segments.entries()) {
      const header = 64 + index * 56;
      image.writeBigUInt64LE(BigInt(moved(imageOffset)), header + 16);
      if (imageOffset > start || imageOffset + memorySize <= start) continue;
      for (const field of what === 'text' ? [32, 40] : [40])
        image.writeBigUInt64LE(BigInt(memorySize + size), header + field);
    }
    expect(() => readImage(image)).toThrow(/^damaged image: it is too large$/);
  });

  test('initial data is not cut off', () => {
    const image = readImage(bytes);
    const { segments } = image.elf;
    const last = segments.find(({ imageOffset }) => imageOffset === image.identity.text.imageOffset)!;
    const end = last.imageOffset + last.fileSize;
    expect(image.loadedBytes(end - 16, 16)).toEqual(
      bytes.subarray(last.fileOffset + last.fileSize - 16).subarray(0, 16),
    );
    expect(() => image.loadedBytes(end - 16, 17)).toThrow(/a part of the image is not in the file/);
    const afterAll = Math.max(...segments.map(({ imageOffset, memorySize }) => imageOffset + memorySize));
    expect(() => image.loadedBytes(afterAll, 0)).toThrow(/a part of the image is not loaded/);
  });

  test('a module that ends after its section is cut off', () => {
    const size = readImage(bytes).section(SECTION.wasm)!.size;
    const cut = readImage(changed((i) => void (i.modules.at(-1)!.size = size + 1 - i.modules.at(-1)!.offset)));
    expect(() => cut.moduleBytes(cut.identity.modules.length - 1)).toThrow(/module is cut off/);
  });
});

describe('fields of another kind', () => {
  const field = (path: string, change: Change): [string, Change] => [path, change];
  test.each([
    field('modules.0.sha256', (i) => (i.modules[0].sha256 = i.modules[0].sha256.slice(1))),
    field('modules.0.sha256', (i) => (i.modules[0].sha256 = `${i.modules[0].sha256}0`)),
    field('modules.0.sha256', (i) => (i.modules[0].sha256 = i.modules[0].sha256.replace(/./, 'G'))),
    field('modules.0.offset', (i) => (i.modules[0].offset = -2)),
    field('modules', (i) => (i.modules = Array(1002).fill(i.modules[0]))),
    field('instances', (i) => (i.instances = Array(1002).fill(i.instances[0]))),
    field('data.size', (i) => (i.data.size = 2 ** 32)),
    field('instances.2.functions.links', (_, m) => (m.functions.links = new Uint8Array(7) as never)),
    field('instances.2.memories.types', (_, m) => (m.memories.types[0].max = -1)),
    field('instances.2.memories.types', (_, m) => (m.memories.types[0].max = 0.5)),
    field('instances.2.memories.types', (_, m) => (m.memories.types[0].min = -1)),
    field('instances.2.tables.types', (_, m) => (m.tables.types[0].element = -1)),
    field('instances.2.tables.types', (_, m) => (m.tables.types[0].element = 2 ** 32)),
    field('types', (i) => (i.types[0].results = 'x' as never)),
    field('types', (i) => (i.types[0].params = 'x' as never)),
    field('types', (i) => (i.types[0].slots = 2 ** 32)),
    field('trampolines', (i) => (i.trampolines[0].returnOffset = -1)),
    field('trampolines', (i) => (i.trampolines[0].start = 2 ** 32)),
  ])('%s', (path, change) => {
    refuses(change, new RegExp(`^damaged image: identity: ${path.replaceAll('.', '\\.')}: `));
  });

  test('a later format is named', () => {
    refuses((i) => (i.format = 4), /newer wag-snap: it has image format 4, this wag-snap reads 1 to 3/);
    refuses((i) => (i.format = 0), /identity: format: /);
  });

  test('1001 modules and the greatest numbers are none', () => {
    const image = changed((i, m) => {
      i.modules = Array(1001).fill(i.modules[0]);
      m.tables.types[0].element = 0xffffffff;
    });
    expect(() => readImage(image)).not.toThrow();
  });
});
