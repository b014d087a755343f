/** Memories, tables, globals and segments of a snapshot at and next to each limit that their module sets. */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { TABLE_MAX } from '../../../src/image/contract/sizes.js';
import { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { References } from '../../../src/restore/placed-references.js';
import type { Snapshot, SnapshotInstance, SnapshotTable, Value } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';

const text = `(module
  (memory 2 5)
  (table $bounded 2 4 funcref)
  (table $foreign 1 externref)
  (table $huge 1 0x2000000 funcref)
  (global (mut i64) (i64.const 0))
  (data "a") (data "b")
  (elem func $first)
  (func $first (export "_start")) (func $second (export "second")))`;
const module = await readModule(Buffer.from(text), 'test.wat');
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);

const pages = (count: number) => ({ pages: count, extents: [] });
const table = (type: ValType, ...words: number[]): SnapshotTable => ({
  type,
  elements: Uint32Array.from(words),
  max: 4,
});
const nulls = (type: ValType, count: number): SnapshotTable => ({ type, elements: new Uint32Array(count * 2), max: 4 });
const i64: Value = { type: ValType.I64, lo: 1, hi: 2 };
const tables = [nulls(ValType.FuncRef, 2), nulls(ValType.ExternRef, 1), nulls(ValType.FuncRef, 1)];

function put(changed: Partial<SnapshotInstance> | object) {
  const instance = {
    module: 0,
    globals: [i64],
    tables,
    memories: [pages(2)],
    droppedData: new Uint8Array(2),
    droppedElements: new Uint8Array(1),
    ...changed,
  };
  const phase = { kind: 'entry', instance: 0 };
  const snapshot = { instances: [instance], phase } as unknown as Snapshot;
  return putInstances(snapshot, [module], new References(image.identity), new DataPatch(image));
}

describe('takes', () => {
  test.each([2, 3, 5])('a memory of %i pages, of 2 to 5', (count) => {
    expect(put({ memories: [pages(count)] }).memories[0].size).toBe(count * 65536);
  });

  test.each([2, 3, 4])('a table of %i elements, of 2 to 4', (count) => {
    expect(put({ tables: tables.with(0, nulls(ValType.FuncRef, count)) }).tables[0].elements.length).toBe(count * 2);
  });

  test('function 0, whose low word is that of null', () => {
    const planned = put({ tables: tables.with(0, table(ValType.FuncRef, 0, 0, 0, 1)) }).tables[0];
    expect([...planned.pointers]).toEqual([1]);
    expect(planned.elements[2]).not.toBe(0);
  });
});

const refused: [string, object, RegExp][] = [
  ['a memory below its minimum', { memories: [pages(1)] }, /memory 0 has 1 pages, of 2 to 5/],
  ['a memory above its maximum', { memories: [pages(6)] }, /memory 0 has 6 pages, of 2 to 5/],
  ['a memory of bytes', { memories: [{ ...pages(2), bytes: 131072 }] }, /memory 0 has pages of 1 bytes, not 65536/],
  ['no memory', { memories: [] }, /0 memories, the module 1/],
  ['a memory too many', { memories: [pages(2), pages(2)] }, /2 memories, the module 1/],
  [
    'a table below its minimum',
    { tables: tables.with(0, nulls(ValType.FuncRef, 1)) },
    /table 0 has 1 elements, of 2 to 4/,
  ],
  ['a table above its maximum', { tables: tables.with(0, nulls(ValType.FuncRef, 5)) }, /table 0 has 5 elements/],
  [
    'a table above what an image reserves',
    { tables: tables.with(2, nulls(ValType.FuncRef, TABLE_MAX + 1)) },
    /table 2 has 16777217 elements/,
  ],
  ['a table of another type', { tables: tables.with(1, nulls(ValType.FuncRef, 1)) }, /table 1 is of funcref/],
  ['a table too few', { tables: tables.slice(1) }, /2 tables, the module 3/],
  ['a table too many', { tables: [...tables, tables[0]] }, /4 tables, the module 3/],
  [
    'a function of no instance',
    { tables: tables.with(0, table(ValType.FuncRef, 0, 0, 0, 2)) },
    /instance 1, which does/,
  ],
  [
    'null with a function index',
    { tables: tables.with(0, table(ValType.FuncRef, 0, 0, 1, 0)) },
    /a null reference with/,
  ],
  ['no global', { globals: [] }, /0 globals, the module 1/],
  ['a global too many', { globals: [i64, i64] }, /2 globals, the module 1/],
  ['a global of another type', { globals: [{ ...i64, type: ValType.F64 }] }, /global 0 is of type f64, not i64/],
  ['a data segment too few', { droppedData: new Uint8Array(1) }, /1 data segments, the module 2/],
  ['a data segment too many', { droppedData: new Uint8Array(3) }, /3 data segments, the module 2/],
  ['an element segment too many', { droppedElements: new Uint8Array(2) }, /2 element segments, the module 1/],
];
test.each(refused)('refuses %s', (_, changed, message) => {
  expect(() => put(changed)).toThrow(InputError);
  expect(() => put(changed)).toThrow(message);
});

describe('exception references', () => {
  const references = new References(image.identity);
  references.exceptions = Uint32Array.of(1000, 2000);
  const place = (lo: number, hi: number) => references.place(ValType.ExnRef, lo, hi, () => 'here');

  test('are places of exceptions, counted from 1', () => {
    expect([place(0, 0), place(1, 0), place(2, 0)]).toEqual([0, 1000, 2000]);
  });

  test.each([
    [3, 0],
    [1, 1],
    [0, 1],
    [1, 0x80000000],
  ])('of %i, %i do not exist', (lo, hi) => {
    expect(() => place(lo, hi)).toThrow(/here: refers to an exception that does not exist/);
  });
});
