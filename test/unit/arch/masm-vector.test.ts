/** Vector operations of the macro-assemblers, run natively or emulated with every aliasing of their registers. */

import { expect } from 'vitest';
import { Cond, type Reg, Width } from '../../../src/arch/masm/masm.js';
import { Lanes, VectorBinary, VectorShift, VectorUnary } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import * as vectors from './model-vector.js';
import { CANONICAL_NAN, type Case, onEach, type Row } from './native-cases.js';

const TRIPLES = [
  [32, 33, 34],
  [47, 40, 32],
  [33, 33, 44],
  [41, 35, 41],
  [46, 46, 46],
  [32, 37, 37],
] as const;
const PAIRS = [
  [32, 33],
  [40, 47],
  [45, 34],
  [36, 36],
  [42, 42],
] as const;
const INT_LANES = [Lanes.I8x16, Lanes.I16x8, Lanes.I32x4, Lanes.I64x2] as const;
const ALL_LANES = [...INT_LANES, Lanes.F32x4, Lanes.F64x2] as const;
const LANE_NAMES = ['i8x16', 'i16x8', 'i32x4', 'i64x2', 'f32x4', 'f64x2'] as const;

/** Each register once: a row's values go to those that differ. */
function vectorInputs(...regs: readonly Reg[]): Case['inputs'] {
  return [...new Set(regs)].map((reg) => [reg, Width.V128] as const);
}

/** The value of `reg` among inputs that vectorInputs made. */
function inputOf(inputs: Case['inputs'], row: Row, reg: Reg): bigint {
  return row[inputs.findIndex(([input]) => input === reg)]!;
}

onEach('vectorBinary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorBinary.I8x16Swizzle; op <= VectorBinary.I16x8DotI8x16S; op++) {
    const { lanes, anyNaN, apply } = vectors.binaryModels.get(op)!;
    for (const [dst, lhs, rhs] of TRIPLES)
      cases.push({
        name: `vectorBinary ${op} ${dst} <- ${lhs}, ${rhs}`,
        inputs: vectorInputs(lhs, rhs),
        emit: (masm) => masm.vectorBinary(op, dst, lhs, rhs),
        result: dst,
        width: Width.V128,
        floatLanes: anyNaN,
        rows: vectors.vectorRows[lanes]!,
        expect: ([a, b]) => apply(a!, lhs === rhs ? a! : b!),
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorUnary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorUnary.V128Not; op <= VectorUnary.F64x2PromoteLowF32x4; op++) {
    const { lanes, anyNaN, apply } = vectors.unaryModels.get(op)!;
    for (const [dst, src] of PAIRS)
      cases.push({
        name: `vectorUnary ${op} ${dst} <- ${src}`,
        inputs: vectorInputs(src),
        emit: (masm) => masm.vectorUnary(op, dst, src),
        result: dst,
        width: Width.V128,
        floatLanes: anyNaN,
        rows: vectors.singleRows[lanes]!,
        expect: ([a]) => apply(a!),
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorShift, vectorShiftImm', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorShift.Shl; op <= VectorShift.ShrU; op++)
    for (const lanes of INT_LANES) {
      const bits = vectors.LANE_BITS[lanes];
      const rows = vectors.singleRows[lanes]!;
      const counts = [0, 1, bits / 2, bits - 1, bits, bits + 3, 2 * bits - 1, 255, 0xffffffff];
      const counted = rows.slice(-30).flatMap(([value]) => counts.map((count): Row => [value!, BigInt(count)]));
      for (const [dst, src] of PAIRS) {
        for (const count of [0, 7, 13] as const)
          cases.push({
            name: `vectorShift ${op} ${LANE_NAMES[lanes]} ${dst} <- ${src}, ${count}`,
            inputs: [
              [src, Width.V128],
              [count, Width.Int32],
            ],
            emit: (masm) => masm.vectorShift(op, lanes, dst, src, count),
            result: dst,
            width: Width.V128,
            rows: counted,
            expect: ([value, by]) => vectors.shift(op, lanes, value!, Number(by)),
          });
        for (const count of [0, 1, 3, bits / 2, bits - 3, bits - 1])
          cases.push({
            name: `vectorShiftImm ${op} ${LANE_NAMES[lanes]} ${dst} <- ${src}, ${count}`,
            inputs: [[src, Width.V128]],
            emit: (masm) => masm.vectorShiftImm(op, lanes, dst, src, count),
            result: dst,
            width: Width.V128,
            rows,
            expect: ([value]) => vectors.shift(op, lanes, value!, count),
          });
      }
    }
  expect(run(cases)).toEqual([]);
});

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
  const rows = vectors.vectorRows[Lanes.I64x2]!.map(([a, b], i, all): Row => [a!, b!, all[all.length - 1 - i]![1]!]);
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
  const rows = vectors.vectorRows[Lanes.I8x16]!.slice(-6);
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
          const source = [lhs, rhs].flatMap((reg) => vectors.split(inputOf(inputs, row, reg), 8));
          return vectors.join(
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
    const bits = vectors.LANE_BITS[lanes];
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
          expect: ([a]) => vectors.join(Array<bigint>(count).fill(BigInt.asUintN(bits, a!)), bits),
        });
    const singles = vectors.singleRows[lanes]!;
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
                const value = vectors.split(a!, bits)[lane]!;
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
          expect: ([a, b]) =>
            vectors.join(vectors.split(a!, bits).with(lane, BigInt.asUintN(bits, value === vector ? a! : b!)), bits),
        });
      }
    }
  }
  expect(run(cases)).toEqual([]);
});

onEach('anyTrue, allTrue, bitmask', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of INT_LANES) {
    const bits = vectors.LANE_BITS[lanes];
    const ones = BigInt.asUintN(128, -1n);
    const rows = [[0n], [ones], ...vectors.singleRows[lanes]!];
    // All lanes but one are zero, and all but one are not.
    for (let lane = 0; lane < 128 / bits; lane++) {
      const at = BigInt(lane * bits);
      const only = BigInt.asUintN(bits, -1n) << at;
      rows.push([only], [ones ^ only], [1n << at], [1n << (at + BigInt(bits - 1))]);
    }
    for (const src of [32, 45])
      for (const dst of [0, 6, 13]) {
        const common = { inputs: vectorInputs(src), result: dst, width: Width.Int32, rows };
        cases.push({
          ...common,
          name: `anyTrue ${dst} <- ${src}`,
          emit: (masm) => masm.anyTrue(dst, src),
          expect: ([a]) => (a === 0n ? 0n : 1n),
        });
        cases.push({
          ...common,
          name: `allTrue ${LANE_NAMES[lanes]} ${dst} <- ${src}`,
          emit: (masm) => masm.allTrue(lanes, dst, src),
          expect: ([a]) => (vectors.split(a!, bits).includes(0n) ? 0n : 1n),
        });
        cases.push({
          ...common,
          name: `bitmask ${LANE_NAMES[lanes]} ${dst} <- ${src}`,
          emit: (masm) => masm.bitmask(lanes, dst, src),
          expect: ([a]) =>
            vectors.split(a!, bits).reduce((mask, lane, i) => mask | ((lane >> BigInt(bits - 1)) << BigInt(i)), 0n),
        });
      }
  }
  expect(run(cases)).toEqual([]);
});

onEach('canonicalizeVector', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of [Lanes.F32x4, Lanes.F64x2] as const) {
    const bits = vectors.LANE_BITS[lanes] as 32 | 64;
    for (const reg of [33, 45])
      cases.push({
        name: `canonicalizeVector ${LANE_NAMES[lanes]} ${reg}`,
        inputs: vectorInputs(reg),
        emit: (masm) => masm.canonicalizeVector(lanes, reg),
        result: reg,
        width: Width.V128,
        rows: vectors.singleRows[lanes]!,
        expect: ([a]) =>
          vectors.join(
            vectors
              .split(a!, bits)
              .map((lane) => (Number.isNaN(model.toFloat(bits >> 6, lane)) ? CANONICAL_NAN[bits] : lane)),
            bits,
          ),
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorConstant', ({ run }) => {
  const rows = [[0n], [1n], [2n]];
  const cases: Case[] = [];
  const ones = BigInt.asUintN(128, -1n);
  for (const value of [0n, ones, 1n, ones ^ 1n, 1n << 127n, ...vectors.singleRows.flat().map(([a]) => a!)]) {
    const words = vectors.split(value, 32).map((word) => Number(BigInt.asIntN(32, word)));
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
  const many = Array.from({ length: 300 }, (_, i) => vectors.split(model.random64() * BigInt(i + 1), 32));
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
    expect: () => vectors.join(many[7]!, 32),
  });
  expect(run(cases)).toEqual([]);
});

onEach('moveVector, exchange, selectVector: all 128 bits', ({ run }) => {
  const cases: Case[] = [];
  const rows = vectors.vectorRows[Lanes.I64x2]!.slice(-40);
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
