/** Constants of 128 bits in the code of the arm64 macro-assembler: immediates, the pool after a function, islands. */

import { expect, test } from 'vitest';
import { Arm64MacroAssembler } from '../../../../src/arch/arm64/masm.js';
import { Cond, Width } from '../../../../src/arch/masm/masm.js';
import { Lanes, VectorBinary } from '../../../../src/arch/masm/masm-vector.js';
import { machines } from '../native-cases.js';

const MIB = 1 << 20;
const V0 = 32;

const wordsOf = (masm: Arm64MacroAssembler): Int32Array => new Int32Array(masm.code().slice().buffer);
const isLoad = (word: number) => (word & 0xff000000) === (0x9c000000 | 0);
const isJump = (word: number) => (word & 0xfc000000) === 0x14000000;
const jumpTarget = (words: Int32Array, at: number) => at + ((words[at >> 2]! << 6) >> 4);
const loadTarget = (words: Int32Array, at: number) => at + (((words[at >> 2]! << 8) >> 13) << 2);

/** A constant that no immediate says, another one for each number. */
const words4 = (n: number) => [n * 0x01234567, n ^ 0x13579bdf, ~n, Math.imul(n, n)].map((word) => word | 0);
const load = (masm: Arm64MacroAssembler, reg: number, n: number) => {
  const [w0, w1, w2, w3] = words4(n) as [number, number, number, number];
  masm.vectorConstant(reg, w0, w1, w2, w3);
};

/** The constants that a run of the code from its start loads, up to the first `ret`. */
function loaded(words: Int32Array): number[][] {
  const found: number[][] = [];
  for (let at = 0; words[at >> 2] !== (0xd65f03c0 | 0); ) {
    const word = words[at >> 2]!;
    if (isLoad(word)) {
      const from = loadTarget(words, at);
      expect(from % 16).toBe(0);
      found.push([...words.subarray(from >> 2, (from >> 2) + 4)]);
    }
    at = isJump(word) ? jumpTarget(words, at) : at + 4;
    if (at >> 2 >= words.length) throw new Error('ran past the end');
  }
  return found;
}

test('a constant lies after the function, once, aligned', () => {
  const masm = new Arm64MacroAssembler(64);
  masm.nop();
  for (const n of [7, 8, 7, 9, 8]) load(masm, V0 + n, n);
  masm.ret();
  masm.flushConstants();
  const words = wordsOf(masm);
  expect(loaded(words)).toEqual([7, 8, 7, 9, 8].map(words4));
  expect(words.length).toBe(8 + 3 * 4); // nop, loads, ret, a udf to be aligned; the constants
  expect(words[7]).toBe(0);
  const end = masm.offset;
  masm.flushConstants();
  expect(masm.offset).toBe(end);
  load(masm, V0, 7); // of the next function: again
  masm.ret();
  masm.flushConstants();
  expect(masm.offset).toBe(end + 16 + 16);
});

test.each([0, 1, 2, 3])('constants that differ in word %i alone are different ones', (word) => {
  const masm = new Arm64MacroAssembler(64);
  const expected = Array.from({ length: 1000 }, (_, i) =>
    [0x12345678, 0x3456789a, 0x56789abc, 0x789abcde].with(word, i),
  );
  for (const [w0, w1, w2, w3] of expected) masm.vectorConstant(V0, w0!, w1!, w2!, w3!);
  masm.ret();
  masm.flushConstants();
  expect(loaded(wordsOf(masm))).toEqual(expected);
});

test('in a function that is longer than a load reaches, constants lie in islands', () => {
  const masm = new Arm64MacroAssembler(64);
  const expected: number[][] = [];
  const end = masm.newLabel();
  for (let i = 0; i < 60_000; i++) {
    const n = i % 7 === 0 ? i % 140 : i;
    load(masm, V0 + (i & 7), n);
    expected.push(words4(n));
    if (i % 3 === 0) masm.branch(Cond.Eq, end); // so that there are islands of jumps too
    for (let j = 0; j < (i * 31) % 17; j++) masm.nop();
  }
  masm.bind(end);
  masm.ret();
  masm.flushConstants();
  masm.resetLabels();
  expect(masm.offset).toBeGreaterThan(3 * MIB);
  const actual = loaded(wordsOf(masm));
  expect(actual.length).toBe(expected.length);
  expect(actual.findIndex((words, i) => words.join() !== expected[i]!.join())).toBe(-1);
});

test('a load at the edge: only constants, few of them, or none for long', () => {
  for (const [count, gap] of [
    [3000, 0],
    [5, MIB / 2],
    [2, 3 * MIB],
  ] as const) {
    const masm = new Arm64MacroAssembler(64);
    for (let i = 0; i < count; i++) {
      load(masm, V0, i);
      for (let j = 0; j < gap; j += 4) masm.nop();
    }
    masm.ret();
    masm.flushConstants();
    expect(loaded(wordsOf(masm))).toEqual(Array.from({ length: count }, (_, i) => words4(i)));
  }
});

test('a table longer than a load or a short jump reaches comes after an island', () => {
  const masm = new Arm64MacroAssembler(64);
  const [end, target] = [masm.newLabel(), masm.newLabel()];
  load(masm, V0, 1);
  masm.branch(Cond.Eq, end);
  const branch = masm.offset - 4;
  masm.jumpTable(0, new Int32Array(300_000).fill(target), 300_000);
  masm.bind(target);
  masm.bind(end);
  const bound = masm.offset;
  masm.ret();
  masm.flushConstants();
  masm.resetLabels();
  const words = wordsOf(masm);
  const from = loadTarget(words, 0);
  expect([...words.subarray(from >> 2, (from >> 2) + 4)]).toEqual(words4(1));
  const island = loadTarget(words, branch); // of the same form
  expect(jumpTarget(words, island)).toBe(bound);
});

const arm64 = machines.find(({ target }) => target.name === 'arm64')!;

test.skipIf(!arm64.canRun)('a function of megabytes computes with its constants', () => {
  const COUNT = 40_000;
  let sum = 0n;
  for (let i = 0; i < COUNT; i++) {
    const [w0, w1] = words4(i) as [number, number];
    sum += BigInt(w0 >>> 0) | (BigInt(w1 >>> 0) << 32n);
  }
  const wrong = arm64.run([
    {
      name: 'sum of constants',
      inputs: [[3, Width.Int64]],
      emit: (masm) => {
        masm.splat(Lanes.I64x2, V0, 3);
        for (let i = 0; i < COUNT; i++) {
          load(masm as Arm64MacroAssembler, V0 + 1, i);
          masm.vectorBinary(VectorBinary.I64x2Add, V0, V0, V0 + 1);
          for (let j = 0; j < 8; j++) masm.nop();
        }
        masm.extractLane(Lanes.I64x2, 0, V0, 0, false);
        const over = masm.newLabel();
        masm.jump(over);
        masm.flushConstants();
        masm.bind(over);
      },
      result: 0,
      width: Width.Int64,
      rows: [[0n], [1n], [0xffff_ffff_ffffn]],
      expect: ([start]) => BigInt.asUintN(64, sum + start!),
      clobbers: [V0, V0 + 1],
    },
  ]);
  expect(wrong).toEqual([]);
});

test('constants of one or two instructions need no load', () => {
  const size = (...words: [number, number, number, number]) => {
    const masm = new Arm64MacroAssembler(64);
    masm.vectorConstant(V0, ...words);
    const bytes = masm.offset;
    masm.flushConstants();
    return masm.offset === bytes ? bytes / 4 : -1;
  };
  const splat = (word: number) => size(word, word, word, word);
  const immediates = [0, -1, 0x01010101, 0xff00ff00, 0xab, 0xab00, 0xab0000, 0xab000000, 0x12001200, 0x120012];
  for (const word of [...immediates, 0xffffff12, 0xff12ff12, 0x12ff12ff, 0x12ffffff, 0x3f800000, 0xc1f80000])
    expect(splat(word), word.toString(16)).toBe(1);
  expect(size(0xff00, 0xff000000, 0xff00, 0xff000000)).toBe(1);
  expect(size(0, 0x3ff00000, 0, 0x3ff00000)).toBe(1);
  for (const word of [0x12341234, 0x7fc00000, 0x1234, 0xffff1234, 0x0ff00ff0]) expect(splat(word)).toBe(2);
  expect(splat(0x12345678)).toBe(-1);
  expect(size(0, 0, -1, 0)).toBe(-1);
});
