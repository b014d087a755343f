/**
 * Values of frames that the code itself gives, to their last bit, and indirect calls of functions that differ in one
 * type.
 */

import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';

const I32 = ValType.I32;
const I64 = ValType.I64;
const F32 = ValType.F32;
const FuncRef = ValType.FuncRef;
type Words = readonly [type: ValType, lo: number, hi?: number];

const text = `(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (type $unary (func (param i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $same $long $float $result)
  (func $same (param i32) (result i32) (local $wide i64) (local $reference funcref) (local $narrow f32)
    (i64.const 0x123456789abcdef0) (local.get $wide) (call $yield) (drop) (drop) (drop) (i32.const 1))
  (func $long (param i64) (result i32) (i32.const 1))
  (func $float (param f32) (result i32) (i32.const 1))
  (func $result (param i32) (result i64) (i64.const 1))
  (func (export "_start") (drop (call_indirect (type $unary) (i32.const 3) (i32.const 0)))))`;
const module = await readModule(Buffer.from(text), 'test.wat');
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
const [yieldFunc, same, long, float, result, start] = [0, 1, 2, 3, 4, 5];

function callOffset(func: number): number {
  const { first, end } = image.sites.sitesOf(image.sites.functionRow(1, func));
  for (let row = first; row < end; row++) {
    const site = image.sites.site(row);
    if (site.kind === 0) return site.bodyOffset;
  }
  throw new Error('no call');
}

type Frame = Pick<FrameSite, 'func' | 'kind' | 'offset'> & { locals: readonly Words[]; operands: readonly Words[] };

function lower(frames: readonly Frame[]) {
  const types = (values: readonly Words[]) => Uint8Array.from(values, ([type]) => type);
  const sites: FrameSite[] = frames.map(({ locals, operands, ...site }) => ({
    ...site,
    instance: 0,
    locals: types(locals),
    operands: types(operands),
  }));
  const words = frames.flatMap(({ locals, operands }) =>
    [...locals, ...operands].flatMap(([, lo, hi = 0]) => [lo, hi]),
  );
  const snapshot = {
    frames: new Frames(sites, Uint32Array.from(frames.keys()), Uint32Array.from(words)),
    phase: { instance: 0, kind: 'entry' },
  } as Snapshot;
  return lowerStack(snapshot, image, [module], new References(image.identity), x64);
}

const bottom: Frame = { func: start, kind: 'call', offset: callOffset(start), locals: [], operands: [] };
const entry = (func: number, ...locals: Words[]): Frame => ({ func, kind: 'entry', offset: 0, locals, operands: [] });

/** A stack whose values are right unless they are given. */
function stack({ constant = [0x9abcdef0, 0x12345678], copy = [7, 8], narrow = [5, 0], reference = [same, 1] } = {}) {
  const frame: Frame = {
    func: same,
    kind: 'call',
    offset: callOffset(same),
    locals: [
      [I32, 3],
      [I64, 7, 8],
      [FuncRef, reference[0], reference[1]],
      [F32, narrow[0], narrow[1]],
    ],
    operands: [
      [I64, constant[0], constant[1]],
      [I64, copy[0], copy[1]],
    ],
  };
  return [entry(yieldFunc), frame, bottom];
}

test('the values that the code gives are taken', () => {
  expect(() => lower(stack())).not.toThrow();
});

test.each([0, 1, 15, 30, 31])('bit %i of either half of a constant and of a copied local counts', (bit) => {
  const flip = (word: number) => (word ^ (1 << bit)) >>> 0;
  for (const constant of [
    [flip(0x9abcdef0), 0x12345678],
    [0x9abcdef0, flip(0x12345678)],
  ]) {
    expect(() => lower(stack({ constant }))).toThrow(/frame #1 .*operand 0 has another value/);
  }
  for (const copy of [
    [flip(7), 8],
    [7, flip(8)],
  ]) {
    expect(() => lower(stack({ copy }))).toThrow(/frame #1 .*operand 1 has another value/);
  }
});

test('what is above an f32 does not get into the stack', () => {
  expect(lower(stack({ narrow: [5, 0xffffffff] })).bytes).toEqual(lower(stack()).bytes);
});

test('a reference names its instance with the whole word', () => {
  for (const hi of [2, 0x80000001]) {
    expect(() => lower(stack({ reference: [same, hi] }))).toThrow(/which does not exist/);
  }
  expect(() => lower(stack({ reference: [same, 0] }))).toThrow(/a null reference with a function index/);
});

test('an indirect call takes a function of its type', () => {
  expect(() => lower([entry(same, [I32, 3]), bottom])).not.toThrow();
});

test.each([
  ['i64 for i32 as its parameter', entry(long, [I64, 3])],
  ['f32 for i32 as its parameter', entry(float, [F32, 3])],
  ['i64 for i32 as its result', entry(result, [I32, 3])],
])('an indirect call refuses a function with %s', (_, inner) => {
  expect(() => lower([inner, bottom])).toThrow(InputError);
  expect(() => lower([inner, bottom])).toThrow(/frame #1 .*calls another type of function/);
});
