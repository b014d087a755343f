/** Vector operations of the macro-assemblers, run natively or emulated with every aliasing of their registers. */

import { expect } from 'vitest';
import { Width } from '../../../src/arch/masm/masm.js';
import { Lanes, VectorBinary, VectorShift, VectorUnary } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import { binaryModels, shift } from './model-vector.js';
import { unaryModels } from './model-vector-unary.js';
import { CANONICAL_NAN, type Case, onEach, type Row } from './native-cases.js';
import { INT_LANES, LANE_NAMES, PAIRS, TRIPLES, vectorInputs } from './vector-cases.js';
import { singleRows, vectorRows } from './vector-inputs.js';
import { join, LANE_BITS, split } from './vector-lanes.js';

onEach('vectorBinary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorBinary.I8x16Swizzle; op <= VectorBinary.I16x8DotI8x16S; op++) {
    const { lanes, anyNaN, apply } = binaryModels.get(op)!;
    for (const [dst, lhs, rhs] of TRIPLES)
      cases.push({
        name: `vectorBinary ${op} ${dst} <- ${lhs}, ${rhs}`,
        inputs: vectorInputs(lhs, rhs),
        emit: (masm) => masm.vectorBinary(op, dst, lhs, rhs),
        result: dst,
        width: Width.V128,
        floatLanes: anyNaN,
        rows: vectorRows[lanes]!,
        expect: ([a, b]) => apply(a!, lhs === rhs ? a! : b!),
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorUnary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorUnary.V128Not; op <= VectorUnary.F64x2PromoteLowF32x4; op++) {
    const { lanes, anyNaN, apply } = unaryModels.get(op)!;
    for (const [dst, src] of PAIRS)
      cases.push({
        name: `vectorUnary ${op} ${dst} <- ${src}`,
        inputs: vectorInputs(src),
        emit: (masm) => masm.vectorUnary(op, dst, src),
        result: dst,
        width: Width.V128,
        floatLanes: anyNaN,
        rows: singleRows[lanes]!,
        expect: ([a]) => apply(a!),
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('vectorShift, vectorShiftImm', ({ run }) => {
  const cases: Case[] = [];
  for (let op = VectorShift.Shl; op <= VectorShift.ShrU; op++)
    for (const lanes of INT_LANES) {
      const bits = LANE_BITS[lanes];
      const rows = singleRows[lanes]!;
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
            expect: ([value, by]) => shift(op, lanes, value!, Number(by)),
          });
        for (const count of [0, 1, 3, bits / 2, bits - 3, bits - 1])
          cases.push({
            name: `vectorShiftImm ${op} ${LANE_NAMES[lanes]} ${dst} <- ${src}, ${count}`,
            inputs: [[src, Width.V128]],
            emit: (masm) => masm.vectorShiftImm(op, lanes, dst, src, count),
            result: dst,
            width: Width.V128,
            rows,
            expect: ([value]) => shift(op, lanes, value!, count),
          });
      }
    }
  expect(run(cases)).toEqual([]);
});

onEach('anyTrue, allTrue, bitmask', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of INT_LANES) {
    const bits = LANE_BITS[lanes];
    const ones = BigInt.asUintN(128, -1n);
    const rows = [[0n], [ones], ...singleRows[lanes]!];
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
          expect: ([a]) => (split(a!, bits).includes(0n) ? 0n : 1n),
        });
        cases.push({
          ...common,
          name: `bitmask ${LANE_NAMES[lanes]} ${dst} <- ${src}`,
          emit: (masm) => masm.bitmask(lanes, dst, src),
          expect: ([a]) =>
            split(a!, bits).reduce((mask, lane, i) => mask | ((lane >> BigInt(bits - 1)) << BigInt(i)), 0n),
        });
      }
  }
  expect(run(cases)).toEqual([]);
});

onEach('canonicalizeVector', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of [Lanes.F32x4, Lanes.F64x2] as const) {
    const bits = LANE_BITS[lanes] as 32 | 64;
    for (const reg of [33, 45])
      cases.push({
        name: `canonicalizeVector ${LANE_NAMES[lanes]} ${reg}`,
        inputs: vectorInputs(reg),
        emit: (masm) => masm.canonicalizeVector(lanes, reg),
        result: reg,
        width: Width.V128,
        rows: singleRows[lanes]!,
        expect: ([a]) =>
          join(
            split(a!, bits).map((lane) => (Number.isNaN(model.toFloat(bits >> 6, lane)) ? CANONICAL_NAN[bits] : lane)),
            bits,
          ),
      });
  }
  expect(run(cases)).toEqual([]);
});
