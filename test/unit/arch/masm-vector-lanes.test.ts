/** What moves vectors and their lanes without arithmetic, run natively or emulated with every aliasing of their registers. */

import { expect } from 'vitest';
import { Cond, Width } from '../../../src/arch/masm/masm.js';
import { Lanes, VectorBinary } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import { type Case, onEach, type Row } from './native-cases.js';
import { ALL_LANES, inputOf, LANE_NAMES, TRIPLES, vectorInputs } from './vector-cases.js';
import { singleRows, vectorRows } from './vector-inputs.js';
import { join, LANE_BITS, split } from './vector-lanes.js';

const QUADS = [
  [32, 33, 34, 35],
  [47, 40, 41, 32],
  [33, 33, 44, 45],
  [41, 35, 41, 36],
  [42, 34, 35, 42],
  [46, 46, 46, 33],
  [46, 46, 33, 46],
  [40, 33, 40, 40],
  [37, 37, 37, 37],
  [32, 44, 44, 33],
] as const;

onEach('bitselect', ({ run }) => {
  const rows = vectorRows[Lanes.I64x2]!.map(([a, b], i, all): Row => [a!, b!, all[all.length - 1 - i]![1]!]);
  expect(
    run(
      QUADS.map(([dst, a, b, mask]) => {
        const inputs = vectorInputs(a, b, mask);
        return {
          name: `bitselect ${dst} <- ${a}, ${b}, ${mask}`,
          inputs,
          emit: (masm) => masm.bitselect(dst, a, b, mask),
          result: dst,
          width: Width.V128,
          rows,
          expect: (row) => {
            const m = inputOf(inputs, row, mask);
            return (inputOf(inputs, row, a) & m) | (inputOf(inputs, row, b) & ~m);
          },
        };
      }),
    ),
  ).toEqual([]);
});

/** Every pattern that some instruction has, those next to them, and random ones. */
function shufflePatterns(): number[][] {
  const sixteen = Array.from({ length: 16 }, (_, i) => i);
  const patterns = [sixteen, sixteen.map((i) => i + 16), sixteen.map((i) => 15 - i), sixteen.map((i) => 31 - i)];
  for (let start = 1; start < 32; start++) patterns.push(sixteen.map((i) => (start + i) & 31));
  for (const size of [1, 2, 4, 8]) {
    const lane = (i: number) => Math.floor(i / size);
    for (const from of [0, 8])
      for (const swap of [0, 16]) {
        patterns.push(
          sixteen.map((i) => (from + (lane(i) >> 1) * size + (i % size) + ((lane(i) & 1) !== 0 ? 16 : 0)) ^ swap),
        );
      }
    patterns.push(sixteen.map((i) => ((lane(i) * 2 * size) & 31) + (i % size))); // even lanes
    patterns.push(sixteen.map((i) => ((lane(i) * 2 * size + size) & 31) + (i % size))); // odd lanes
    patterns.push(sixteen.map((i) => 16 - size * (lane(i) + 1) + (i % size))); // reversed
    patterns.push(sixteen.map((i) => (i % size) + 8)); // one lane everywhere
    patterns.push(sixteen.map((i) => i + ((lane(i) * 7) % 3 === 1 ? 16 : 0))); // in place
    patterns.push(sixteen.map((i) => (i + ((lane(i) * 7) % 3 === 1 ? 16 : 0)) ^ 16));
    for (let n = 0; n < 6; n++) {
      const lanes = sixteen.map(() => Number(model.random64() % BigInt(32 / size)));
      patterns.push(sixteen.map((i) => lanes[lane(i)]! * size + (i % size)));
    }
  }
  // Two words of one source, then two of the other: shufps.
  for (const words of [
    [0, 3, 5, 6],
    [2, 2, 7, 4],
    [6, 5, 0, 0],
    [7, 4, 1, 3],
    [0, 1, 6, 7],
  ])
    patterns.push(sixteen.map((i) => words[i >> 2]! * 4 + (i & 3)));
  for (const pattern of patterns.slice(4, 60)) patterns.push(pattern.with(9, (pattern[9]! + 5) & 31));
  return patterns;
}

onEach('shuffle', ({ run }) => {
  const rows = vectorRows[Lanes.I8x16]!.slice(-6);
  const cases: Case[] = [];
  for (const pattern of shufflePatterns()) {
    const bytes = Uint8Array.from([99, 99, ...pattern]);
    for (const [dst, lhs, rhs] of TRIPLES) {
      const inputs = vectorInputs(lhs, rhs);
      cases.push({
        name: `shuffle ${pattern} ${dst} <- ${lhs}, ${rhs}`,
        inputs,
        emit: (masm) => masm.shuffle(dst, lhs, rhs, bytes, 2),
        result: dst,
        width: Width.V128,
        rows,
        expect: (row) => {
          const source = [lhs, rhs].flatMap((reg) => split(inputOf(inputs, row, reg), 8));
          return join(
            pattern.map((index) => source[index]!),
            8,
          );
        },
      });
    }
  }
  expect(run(cases)).toEqual([]);
});

/** Of a lane's value in a register of its class. */
const LANE_WIDTHS = [Width.Int32, Width.Int32, Width.Int32, Width.Int64, Width.F32, Width.F64] as const;

onEach('splat, extractLane, replaceLane', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of ALL_LANES) {
    const bits = LANE_BITS[lanes];
    const count = 128 / bits;
    const isFloat = lanes >= Lanes.F32x4;
    const width = LANE_WIDTHS[lanes];
    const name = LANE_NAMES[lanes];
    const scalars = (isFloat ? model.floatRows[bits >> 6]! : model.intRows).slice(-60).map(([a]): Row => [a!]);
    for (const dst of [33, 44])
      for (const src of isFloat ? [dst, 34, 47] : [0, 6, 13])
        cases.push({
          name: `splat ${name} ${dst} <- ${src}`,
          inputs: [[src, width]],
          emit: (masm) => masm.splat(lanes, dst, src),
          result: dst,
          width: Width.V128,
          rows: scalars,
          expect: ([a]) => join(Array<bigint>(count).fill(BigInt.asUintN(bits, a!)), bits),
        });
    const singles = singleRows[lanes]!;
    const replacing = singles.map(([vector], i): Row => [vector!, scalars[i % scalars.length]![0]!]);
    for (let lane = 0; lane < count; lane++) {
      for (const src of [32, 43])
        for (const dst of isFloat ? [src, 35, 46] : [0, 7, 12])
          for (const signed of bits < 32 ? [false, true] : [false])
            cases.push({
              name: `extractLane ${name} ${lane} ${signed ? 's' : 'u'} ${dst} <- ${src}`,
              inputs: [[src, Width.V128]],
              emit: (masm) => masm.extractLane(lanes, dst, src, lane, signed),
              result: dst,
              width,
              rows: singles,
              expect: ([a]) => {
                const value = split(a!, bits)[lane]!;
                return signed ? BigInt.asUintN(32, BigInt.asIntN(bits, value)) : value;
              },
            });
      for (const [dst, vector, value] of isFloat
        ? TRIPLES
        : [[32, 32, 0] as const, [40, 33, 6] as const, [33, 47, 13] as const]) {
        const inputs: Case['inputs'] = [
          [vector, Width.V128],
          [value, isFloat ? Width.V128 : width],
        ];
        cases.push({
          name: `replaceLane ${name} ${lane} ${dst} <- ${vector}, ${value}`,
          inputs: value === vector ? vectorInputs(vector) : inputs,
          emit: (masm) => masm.replaceLane(lanes, dst, vector, lane, value),
          result: dst,
          width: Width.V128,
          rows: replacing,
          expect: ([a, b]) => join(split(a!, bits).with(lane, BigInt.asUintN(bits, value === vector ? a! : b!)), bits),
        });
      }
    }
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorConstant', ({ run }) => {
  const rows = [[0n], [1n], [2n]];
  const cases: Case[] = [];
  const ones = BigInt.asUintN(128, -1n);
  for (const value of [0n, ones, 1n, ones ^ 1n, 1n << 127n, ...singleRows.flat().map(([a]) => a!)]) {
    const words = split(value, 32).map((word) => Number(BigInt.asIntN(32, word)));
    const [w0, w1, w2, w3] = words as [number, number, number, number];
    for (const dst of [32, 46])
      cases.push({
        name: `vectorConstant ${dst} <- 0x${value.toString(16)}`,
        inputs: [[0, Width.Int64]],
        emit: (masm) => masm.vectorConstant(dst, w0, w1, w2, w3),
        result: dst,
        width: Width.V128,
        rows,
        expect: () => value,
      });
  }
  // Many in one function, each twice.
  const many = Array.from({ length: 300 }, (_, i) => split(model.random64() * BigInt(i + 1), 32));
  cases.push({
    name: '300 constants',
    inputs: [[0, Width.Int64]],
    emit: (masm) => {
      masm.vectorConstant(40, 0, 0, 0, 0);
      for (const words of [...many, ...many, many[7]!]) {
        const [w0, w1, w2, w3] = words.map((word) => Number(BigInt.asIntN(32, word))) as [
          number,
          number,
          number,
          number,
        ];
        masm.vectorConstant(33, w0, w1, w2, w3);
        masm.vectorBinary(VectorBinary.V128Xor, 40, 40, 33);
      }
    },
    result: 40,
    width: Width.V128,
    rows,
    clobbers: [33],
    expect: () => join(many[7]!, 32),
  });
  expect(run(cases)).toEqual([]);
});

onEach('moveVector, exchange, selectVector: all 128 bits', ({ run }) => {
  const cases: Case[] = [];
  const rows = vectorRows[Lanes.I64x2]!.slice(-40);
  for (const [dst, lhs, rhs] of TRIPLES) {
    const inputs = vectorInputs(lhs, rhs);
    const common = { inputs, width: Width.V128, rows };
    cases.push({
      ...common,
      name: `moveVector ${dst} <- ${lhs}`,
      emit: (masm) => masm.moveVector(dst, lhs),
      result: dst,
      expect: (row) => inputOf(inputs, row, lhs),
    });
    cases.push({
      ...common,
      name: `exchange ${lhs}, ${rhs}`,
      emit: (masm) => masm.exchange(lhs, rhs),
      result: lhs,
      clobbers: [rhs],
      expect: (row) => inputOf(inputs, row, rhs),
    });
    for (const zero of [0, 1])
      cases.push({
        ...common,
        name: `selectVector ${dst} <- ${lhs}, ${rhs} by ${zero}`,
        emit: (masm) => {
          masm.constant(3, 0, zero, 0);
          masm.testZero(0, 3);
          masm.selectVector(Cond.Ne, dst, lhs, rhs);
        },
        result: dst,
        clobbers: [3],
        expect: (row) => inputOf(inputs, row, zero !== 0 ? lhs : rhs),
      });
  }
  expect(run(cases)).toEqual([]);
});
