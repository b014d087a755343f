/** WebAssembly's vector instructions with one operand, in BigInt, as model-vector.ts has those with two. */

import { Conversion, FloatUnary, Truncation } from '../../../src/arch/masm/masm.js';
import { Lanes, VectorUnary as U } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import { half, join, LANE_BITS, type LaneUnary, nanOf, signed, split } from './vector-lanes.js';

const abs: LaneUnary = (a, bits) => (signed(bits, a) < 0n ? -a : a);
const neg: LaneUnary = (a) => -a;
const popcnt: LaneUnary = (a) => BigInt(a.toString(2).replaceAll('0', '').length);
const floatUnary =
  (op: FloatUnary): LaneUnary =>
  (a, bits) =>
    nanOf(bits, model.floatUnary(op, bits >> 6, a), bits, a);

const LANE_UNARY: readonly (readonly [U, Lanes, LaneUnary])[] = [
  [U.V128Not, Lanes.I64x2, (a) => ~a],
  [U.I8x16Abs, Lanes.I8x16, abs],
  [U.I8x16Neg, Lanes.I8x16, neg],
  [U.I8x16Popcnt, Lanes.I8x16, popcnt],
  [U.I16x8Abs, Lanes.I16x8, abs],
  [U.I16x8Neg, Lanes.I16x8, neg],
  [U.I32x4Abs, Lanes.I32x4, abs],
  [U.I32x4Neg, Lanes.I32x4, neg],
  [U.I64x2Abs, Lanes.I64x2, abs],
  [U.I64x2Neg, Lanes.I64x2, neg],
  [U.F32x4Ceil, Lanes.F32x4, floatUnary(FloatUnary.Ceil)],
  [U.F32x4Floor, Lanes.F32x4, floatUnary(FloatUnary.Floor)],
  [U.F32x4Trunc, Lanes.F32x4, floatUnary(FloatUnary.Trunc)],
  [U.F32x4Nearest, Lanes.F32x4, floatUnary(FloatUnary.Nearest)],
  [U.F32x4Abs, Lanes.F32x4, floatUnary(FloatUnary.Abs)],
  [U.F32x4Neg, Lanes.F32x4, floatUnary(FloatUnary.Neg)],
  [U.F32x4Sqrt, Lanes.F32x4, floatUnary(FloatUnary.Sqrt)],
  [U.F64x2Ceil, Lanes.F64x2, floatUnary(FloatUnary.Ceil)],
  [U.F64x2Floor, Lanes.F64x2, floatUnary(FloatUnary.Floor)],
  [U.F64x2Trunc, Lanes.F64x2, floatUnary(FloatUnary.Trunc)],
  [U.F64x2Nearest, Lanes.F64x2, floatUnary(FloatUnary.Nearest)],
  [U.F64x2Abs, Lanes.F64x2, floatUnary(FloatUnary.Abs)],
  [U.F64x2Neg, Lanes.F64x2, floatUnary(FloatUnary.Neg)],
  [U.F64x2Sqrt, Lanes.F64x2, floatUnary(FloatUnary.Sqrt)],
  [U.I32x4TruncSatF32x4S, Lanes.F32x4, (a) => model.truncate(Truncation.I32FromF32S, a, true)],
  [U.I32x4TruncSatF32x4U, Lanes.F32x4, (a) => model.truncate(Truncation.I32FromF32U, a, true)],
  [U.F32x4ConvertI32x4S, Lanes.I32x4, (a) => model.convert(Conversion.F32FromI32S, a)],
  [U.F32x4ConvertI32x4U, Lanes.I32x4, (a) => model.convert(Conversion.F32FromI32U, a)],
];

type WholeUnary = (a: bigint) => bigint;

const extend =
  (bits: number, high: boolean, isSigned: boolean): WholeUnary =>
  (a) =>
    join(half(a, bits, high, isSigned), bits * 2);
const extadd =
  (bits: number, isSigned: boolean): WholeUnary =>
  (a) => {
    const lanes = split(a, bits).map((lane) => (isSigned ? signed(bits, lane) : lane));
    return join(
      split(0n, bits * 2).map((_, i) => lanes[2 * i]! + lanes[2 * i + 1]!),
      bits * 2,
    );
  };
const lowTo64 =
  (op: Conversion): WholeUnary =>
  (a) =>
    join(
      split(a, 32)
        .slice(0, 2)
        .map((lane) => nanOf(64, model.convert(op, lane), 32, lane)),
      64,
    );
const to32 =
  (convert: (lane: bigint) => bigint): WholeUnary =>
  (a) =>
    join(split(a, 64).map(convert), 32);

/** The last: UnaryModel.anyNaN. */
const VECTOR_UNARY: readonly (readonly [U, Lanes, WholeUnary, (32 | 64)?])[] = [
  [U.I16x8ExtaddPairwiseI8x16S, Lanes.I8x16, extadd(8, true)],
  [U.I16x8ExtaddPairwiseI8x16U, Lanes.I8x16, extadd(8, false)],
  [U.I32x4ExtaddPairwiseI16x8S, Lanes.I16x8, extadd(16, true)],
  [U.I32x4ExtaddPairwiseI16x8U, Lanes.I16x8, extadd(16, false)],
  [U.I16x8ExtendLowI8x16S, Lanes.I8x16, extend(8, false, true)],
  [U.I16x8ExtendHighI8x16S, Lanes.I8x16, extend(8, true, true)],
  [U.I16x8ExtendLowI8x16U, Lanes.I8x16, extend(8, false, false)],
  [U.I16x8ExtendHighI8x16U, Lanes.I8x16, extend(8, true, false)],
  [U.I32x4ExtendLowI16x8S, Lanes.I16x8, extend(16, false, true)],
  [U.I32x4ExtendHighI16x8S, Lanes.I16x8, extend(16, true, true)],
  [U.I32x4ExtendLowI16x8U, Lanes.I16x8, extend(16, false, false)],
  [U.I32x4ExtendHighI16x8U, Lanes.I16x8, extend(16, true, false)],
  [U.I64x2ExtendLowI32x4S, Lanes.I32x4, extend(32, false, true)],
  [U.I64x2ExtendHighI32x4S, Lanes.I32x4, extend(32, true, true)],
  [U.I64x2ExtendLowI32x4U, Lanes.I32x4, extend(32, false, false)],
  [U.I64x2ExtendHighI32x4U, Lanes.I32x4, extend(32, true, false)],
  [U.I32x4TruncSatF64x2SZero, Lanes.F64x2, to32((lane) => model.truncate(Truncation.I32FromF64S, lane, true))],
  [U.I32x4TruncSatF64x2UZero, Lanes.F64x2, to32((lane) => model.truncate(Truncation.I32FromF64U, lane, true))],
  [U.F64x2ConvertLowI32x4S, Lanes.I32x4, lowTo64(Conversion.F64FromI32S)],
  [U.F64x2ConvertLowI32x4U, Lanes.I32x4, lowTo64(Conversion.F64FromI32U)],
  [
    U.F32x4DemoteF64x2Zero,
    Lanes.F64x2,
    to32((lane) => nanOf(32, model.convert(Conversion.F32Demote, lane), 64, lane)),
    32,
  ],
  [U.F64x2PromoteLowF32x4, Lanes.F32x4, lowTo64(Conversion.F64Promote), 64],
];

export interface UnaryModel {
  readonly lanes: Lanes;
  readonly anyNaN: 32 | 64 | undefined;
  readonly apply: WholeUnary;
}

const keepsNaN = [U.F32x4Abs, U.F32x4Neg, U.F64x2Abs, U.F64x2Neg];

export const unaryModels = new Map<U, UnaryModel>();
for (const [op, lanes, apply, anyNaN] of VECTOR_UNARY) unaryModels.set(op, { lanes, anyNaN, apply });
for (const [op, lanes, lane] of LANE_UNARY) {
  const bits = LANE_BITS[lanes];
  const isArithmetic = op >= U.F32x4Ceil && op <= U.F64x2Sqrt && !keepsNaN.includes(op);
  unaryModels.set(op, {
    lanes,
    anyNaN: isArithmetic ? (bits as 32 | 64) : undefined,
    apply: (a) =>
      join(
        split(a, bits).map((x) => lane(x, bits)),
        bits,
      ),
  });
}
