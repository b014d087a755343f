/** Immutable globals of a snapshot: they must have the value that the linker computed from their initialiser. */

import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { References } from '../../../src/restore/placed-references.js';
import type { Snapshot, Value } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';

const text = `(module
  (global $a i32 (i32.const 40))
  (global $sum i32 (i32.add (global.get $a) (i32.const -42)))
  (global $same i64 (i64.const 0x123456789abcdef0))
  (global $copy i64 (global.get $same))
  (global $product i64 (i64.mul (global.get $same) (i64.const 3)))
  (global $float f64 (f64.const -0.5))
  (global $vector v128 (v128.const i32x4 1 2 3 4))
  (global $function funcref (ref.func $f))
  (global $null externref (ref.null extern))
  (global $free (mut i32) (i32.const 1))
  (func $f (export "_start")) (func $g (export "g")))`;
const module = await readModule(Buffer.from(text), 'test.wat');
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);

const product = 0x123456789abcdef0n * 3n;
const initial: readonly Value[] = [
  { type: ValType.I32, lo: 40, hi: 0 },
  { type: ValType.I32, lo: 0xfffffffe, hi: 0 },
  { type: ValType.I64, lo: 0x9abcdef0, hi: 0x12345678 },
  { type: ValType.I64, lo: 0x9abcdef0, hi: 0x12345678 },
  { type: ValType.I64, lo: Number(product & 0xffffffffn), hi: Number((product >> 32n) & 0xffffffffn) },
  { type: ValType.F64, lo: 0, hi: 0xbfe00000 },
  { type: ValType.V128, lo: 1, hi: 2, upper: { lo: 3, hi: 4 } },
  { type: ValType.FuncRef, lo: 0, hi: 1 },
  { type: ValType.ExternRef, lo: 0, hi: 0 },
  { type: ValType.I32, lo: 77, hi: 0 },
];

function put(globals: readonly Value[]): void {
  const instance = {
    module: 0,
    globals,
    tables: [],
    memories: [],
    droppedData: new Uint8Array(0),
    droppedElements: new Uint8Array(0),
  };
  const phase = { kind: 'entry', instance: 0 };
  const snapshot = { instances: [instance], phase } as unknown as Snapshot;
  putInstances(snapshot, [module], new References(image.identity), new DataPatch(image));
}

test('those of the module are taken', () => {
  expect(() => put(initial)).not.toThrow();
});

test.each([0, 1, 2, 3, 4, 5, 6, 8])('any bit that differs in global %i is refused', (index) => {
  const value = initial[index];
  const changed: Value[] = [
    { ...value, lo: (value.lo ^ 0x80000000) >>> 0 },
    { ...value, lo: value.lo ^ 1 },
  ];
  if (value.type !== ValType.I32) changed.push({ ...value, hi: (value.hi ^ 0x40000000) >>> 0 });
  if (value.upper) {
    changed.push({ ...value, upper: { ...value.upper, lo: 0 } }, { ...value, upper: { ...value.upper, hi: 0 } });
  }
  for (const other of changed) {
    expect(() => put(initial.with(index, other)), JSON.stringify(other)).toThrow(`global ${index} cannot change`);
  }
});

test('another function, or none, is refused', () => {
  for (const [lo, hi] of [
    [1, 1],
    [0, 0],
  ]) {
    expect(() => put(initial.with(7, { type: ValType.FuncRef, lo, hi }))).toThrow('global 7 cannot change');
  }
});

test('a mutable one may have any value', () => {
  expect(() => put(initial.with(9, { type: ValType.I32, lo: 0xffffffff, hi: 0 }))).not.toThrow();
});
