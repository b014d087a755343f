/**
 * WebAssembly's vector instructions in BigInt, with two operands: what native code is compared with. Those
 * with one are in model-vector-unary.ts, inputs in vector-inputs.ts.
 *
 * WebAssembly core specification, section 4.3.5. A vector is its 128 bits as an unsigned BigInt, lane 0 lowest. Each
 * operation stands in a table with the lanes its inputs are made of. NaN results of arithmetic are CANONICAL_NAN or
 * ANY_NAN.
 */

import { Cond, FloatOp } from '../../../src/arch/masm/masm.js';
import { VectorBinary as B, Lanes, VectorShift } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import { clamp, clampS, clampU, half, join, LANE_BITS, type LaneBinary, nanOf, signed, split } from './vector-lanes.js';

const truthS =
  (test: (a: bigint, b: bigint) => boolean): LaneBinary =>
  (a, b, bits) =>
    test(signed(bits, a), signed(bits, b)) ? -1n : 0n;
const truthU =
  (test: (a: bigint, b: bigint) => boolean): LaneBinary =>
  (a, b) =>
    test(a, b) ? -1n : 0n;
const truthF =
  (cond: Cond): LaneBinary =>
  (a, b, bits) =>
    model.holds(cond, bits >> 6, a, b) ? -1n : 0n;

const float =
  (op: FloatOp): LaneBinary =>
  (a, b, bits) =>
    nanOf(bits, model.floatBinary(op, bits >> 6, a, b), bits, a, b);

const eq = truthU((a, b) => a === b);
const ne = truthU((a, b) => a !== b);
const ltU = truthU((a, b) => a < b);
const gtU = truthU((a, b) => a > b);
const leU = truthU((a, b) => a <= b);
const geU = truthU((a, b) => a >= b);
const ltS = truthS((a, b) => a < b);
const gtS = truthS((a, b) => a > b);
const leS = truthS((a, b) => a <= b);
const geS = truthS((a, b) => a >= b);
const add: LaneBinary = (a, b) => a + b;
const sub: LaneBinary = (a, b) => a - b;
const mul: LaneBinary = (a, b) => a * b;
const addSatS: LaneBinary = (a, b, bits) => clampS(bits, signed(bits, a) + signed(bits, b));
const addSatU: LaneBinary = (a, b, bits) => clampU(bits, a + b);
const subSatS: LaneBinary = (a, b, bits) => clampS(bits, signed(bits, a) - signed(bits, b));
const subSatU: LaneBinary = (a, b, bits) => clampU(bits, a - b);
const minS: LaneBinary = (a, b, bits) => (signed(bits, a) < signed(bits, b) ? a : b);
const maxS: LaneBinary = (a, b, bits) => (signed(bits, a) > signed(bits, b) ? a : b);
const minU: LaneBinary = (a, b) => clamp(a, 0n, b);
const maxU: LaneBinary = (a, b) => a + b - clamp(a, 0n, b);
const avgrU: LaneBinary = (a, b) => (a + b + 1n) >> 1n;
const q15: LaneBinary = (a, b) => clampS(16, (signed(16, a) * signed(16, b) + 0x4000n) >> 15n);
const pmin: LaneBinary = (a, b, bits) => (model.toFloat(bits >> 6, b) < model.toFloat(bits >> 6, a) ? b : a);
const pmax: LaneBinary = (a, b, bits) => (model.toFloat(bits >> 6, a) < model.toFloat(bits >> 6, b) ? b : a);

/** Operations lane by lane. */
const LANE_BINARY: readonly (readonly [B, Lanes, LaneBinary])[] = [
  [B.I8x16Eq, Lanes.I8x16, eq],
  [B.I8x16Ne, Lanes.I8x16, ne],
  [B.I8x16LtS, Lanes.I8x16, ltS],
  [B.I8x16LtU, Lanes.I8x16, ltU],
  [B.I8x16GtS, Lanes.I8x16, gtS],
  [B.I8x16GtU, Lanes.I8x16, gtU],
  [B.I8x16LeS, Lanes.I8x16, leS],
  [B.I8x16LeU, Lanes.I8x16, leU],
  [B.I8x16GeS, Lanes.I8x16, geS],
  [B.I8x16GeU, Lanes.I8x16, geU],
  [B.I16x8Eq, Lanes.I16x8, eq],
  [B.I16x8Ne, Lanes.I16x8, ne],
  [B.I16x8LtS, Lanes.I16x8, ltS],
  [B.I16x8LtU, Lanes.I16x8, ltU],
  [B.I16x8GtS, Lanes.I16x8, gtS],
  [B.I16x8GtU, Lanes.I16x8, gtU],
  [B.I16x8LeS, Lanes.I16x8, leS],
  [B.I16x8LeU, Lanes.I16x8, leU],
  [B.I16x8GeS, Lanes.I16x8, geS],
  [B.I16x8GeU, Lanes.I16x8, geU],
  [B.I32x4Eq, Lanes.I32x4, eq],
  [B.I32x4Ne, Lanes.I32x4, ne],
  [B.I32x4LtS, Lanes.I32x4, ltS],
  [B.I32x4LtU, Lanes.I32x4, ltU],
  [B.I32x4GtS, Lanes.I32x4, gtS],
  [B.I32x4GtU, Lanes.I32x4, gtU],
  [B.I32x4LeS, Lanes.I32x4, leS],
  [B.I32x4LeU, Lanes.I32x4, leU],
  [B.I32x4GeS, Lanes.I32x4, geS],
  [B.I32x4GeU, Lanes.I32x4, geU],
  [B.I64x2Eq, Lanes.I64x2, eq],
  [B.I64x2Ne, Lanes.I64x2, ne],
  [B.I64x2LtS, Lanes.I64x2, ltS],
  [B.I64x2GtS, Lanes.I64x2, gtS],
  [B.I64x2LeS, Lanes.I64x2, leS],
  [B.I64x2GeS, Lanes.I64x2, geS],
  [B.F32x4Eq, Lanes.F32x4, truthF(Cond.FEq)],
  [B.F32x4Ne, Lanes.F32x4, truthF(Cond.FNe)],
  [B.F32x4Lt, Lanes.F32x4, truthF(Cond.FLt)],
  [B.F32x4Gt, Lanes.F32x4, truthF(Cond.FGt)],
  [B.F32x4Le, Lanes.F32x4, truthF(Cond.FLe)],
  [B.F32x4Ge, Lanes.F32x4, truthF(Cond.FGe)],
  [B.F64x2Eq, Lanes.F64x2, truthF(Cond.FEq)],
  [B.F64x2Ne, Lanes.F64x2, truthF(Cond.FNe)],
  [B.F64x2Lt, Lanes.F64x2, truthF(Cond.FLt)],
  [B.F64x2Gt, Lanes.F64x2, truthF(Cond.FGt)],
  [B.F64x2Le, Lanes.F64x2, truthF(Cond.FLe)],
  [B.F64x2Ge, Lanes.F64x2, truthF(Cond.FGe)],
  [B.V128And, Lanes.I64x2, (a, b) => a & b],
  [B.V128Andnot, Lanes.I64x2, (a, b) => a & ~b],
  [B.V128Or, Lanes.I64x2, (a, b) => a | b],
  [B.V128Xor, Lanes.I64x2, (a, b) => a ^ b],
  [B.I8x16Add, Lanes.I8x16, add],
  [B.I8x16AddSatS, Lanes.I8x16, addSatS],
  [B.I8x16AddSatU, Lanes.I8x16, addSatU],
  [B.I8x16Sub, Lanes.I8x16, sub],
  [B.I8x16SubSatS, Lanes.I8x16, subSatS],
  [B.I8x16SubSatU, Lanes.I8x16, subSatU],
  [B.I8x16MinS, Lanes.I8x16, minS],
  [B.I8x16MinU, Lanes.I8x16, minU],
  [B.I8x16MaxS, Lanes.I8x16, maxS],
  [B.I8x16MaxU, Lanes.I8x16, maxU],
  [B.I8x16AvgrU, Lanes.I8x16, avgrU],
  [B.I16x8Add, Lanes.I16x8, add],
  [B.I16x8AddSatS, Lanes.I16x8, addSatS],
  [B.I16x8AddSatU, Lanes.I16x8, addSatU],
  [B.I16x8Sub, Lanes.I16x8, sub],
  [B.I16x8SubSatS, Lanes.I16x8, subSatS],
  [B.I16x8SubSatU, Lanes.I16x8, subSatU],
  [B.I16x8Mul, Lanes.I16x8, mul],
  [B.I16x8Q15mulrSatS, Lanes.I16x8, q15],
  [B.I16x8MinS, Lanes.I16x8, minS],
  [B.I16x8MinU, Lanes.I16x8, minU],
  [B.I16x8MaxS, Lanes.I16x8, maxS],
  [B.I16x8MaxU, Lanes.I16x8, maxU],
  [B.I16x8AvgrU, Lanes.I16x8, avgrU],
  [B.I32x4Add, Lanes.I32x4, add],
  [B.I32x4Sub, Lanes.I32x4, sub],
  [B.I32x4Mul, Lanes.I32x4, mul],
  [B.I32x4MinS, Lanes.I32x4, minS],
  [B.I32x4MinU, Lanes.I32x4, minU],
  [B.I32x4MaxS, Lanes.I32x4, maxS],
  [B.I32x4MaxU, Lanes.I32x4, maxU],
  [B.I64x2Add, Lanes.I64x2, add],
  [B.I64x2Sub, Lanes.I64x2, sub],
  [B.I64x2Mul, Lanes.I64x2, mul],
  [B.F32x4Add, Lanes.F32x4, float(FloatOp.Add)],
  [B.F32x4Sub, Lanes.F32x4, float(FloatOp.Sub)],
  [B.F32x4Mul, Lanes.F32x4, float(FloatOp.Mul)],
  [B.F32x4Div, Lanes.F32x4, float(FloatOp.Div)],
  [B.F32x4Min, Lanes.F32x4, float(FloatOp.Min)],
  [B.F32x4Max, Lanes.F32x4, float(FloatOp.Max)],
  [B.F32x4Pmin, Lanes.F32x4, pmin],
  [B.F32x4Pmax, Lanes.F32x4, pmax],
  [B.F64x2Add, Lanes.F64x2, float(FloatOp.Add)],
  [B.F64x2Sub, Lanes.F64x2, float(FloatOp.Sub)],
  [B.F64x2Mul, Lanes.F64x2, float(FloatOp.Mul)],
  [B.F64x2Div, Lanes.F64x2, float(FloatOp.Div)],
  [B.F64x2Min, Lanes.F64x2, float(FloatOp.Min)],
  [B.F64x2Max, Lanes.F64x2, float(FloatOp.Max)],
  [B.F64x2Pmin, Lanes.F64x2, pmin],
  [B.F64x2Pmax, Lanes.F64x2, pmax],
];

// -- operations that change the width of lanes

type VectorOp = (a: bigint, b: bigint) => bigint;

const narrow =
  (bits: number, saturate: (bits: number, value: bigint) => bigint): VectorOp =>
  (a, b) =>
    join(
      [...split(a, bits * 2), ...split(b, bits * 2)].map((lane) => saturate(bits, signed(bits * 2, lane))),
      bits,
    );

const extmul =
  (bits: number, high: boolean, isSigned: boolean): VectorOp =>
  (a, b) => {
    const other = half(b, bits, high, isSigned);
    return join(
      half(a, bits, high, isSigned).map((lane, i) => lane * other[i]!),
      bits * 2,
    );
  };

const dot =
  (bits: number, saturate: boolean): VectorOp =>
  (a, b) => {
    const [x, y] = [a, b].map((v) => split(v, bits).map((lane) => signed(bits, lane)));
    const products = x!.map((lane, i) => lane * y![i]!);
    const sums = split(0n, bits * 2).map((_, i) => products[2 * i]! + products[2 * i + 1]!);
    return join(saturate ? sums.map((sum) => clampS(bits * 2, sum)) : sums, bits * 2);
  };

const VECTOR_BINARY: readonly (readonly [B, Lanes, VectorOp])[] = [
  [
    B.I8x16Swizzle,
    Lanes.I8x16,
    (a, b) => {
      const bytes = split(a, 8);
      return join(
        split(b, 8).map((index) => bytes[Number(index)] ?? 0n),
        8,
      );
    },
  ],
  [B.I8x16NarrowI16x8S, Lanes.I16x8, narrow(8, clampS)],
  [B.I8x16NarrowI16x8U, Lanes.I16x8, narrow(8, clampU)],
  [B.I16x8NarrowI32x4S, Lanes.I32x4, narrow(16, clampS)],
  [B.I16x8NarrowI32x4U, Lanes.I32x4, narrow(16, clampU)],
  [B.I32x4DotI16x8S, Lanes.I16x8, dot(16, false)],
  [B.I16x8DotI8x16S, Lanes.I8x16, dot(8, true)],
  [B.I16x8ExtmulLowI8x16S, Lanes.I8x16, extmul(8, false, true)],
  [B.I16x8ExtmulHighI8x16S, Lanes.I8x16, extmul(8, true, true)],
  [B.I16x8ExtmulLowI8x16U, Lanes.I8x16, extmul(8, false, false)],
  [B.I16x8ExtmulHighI8x16U, Lanes.I8x16, extmul(8, true, false)],
  [B.I32x4ExtmulLowI16x8S, Lanes.I16x8, extmul(16, false, true)],
  [B.I32x4ExtmulHighI16x8S, Lanes.I16x8, extmul(16, true, true)],
  [B.I32x4ExtmulLowI16x8U, Lanes.I16x8, extmul(16, false, false)],
  [B.I32x4ExtmulHighI16x8U, Lanes.I16x8, extmul(16, true, false)],
  [B.I64x2ExtmulLowI32x4S, Lanes.I32x4, extmul(32, false, true)],
  [B.I64x2ExtmulHighI32x4S, Lanes.I32x4, extmul(32, true, true)],
  [B.I64x2ExtmulLowI32x4U, Lanes.I32x4, extmul(32, false, false)],
  [B.I64x2ExtmulHighI32x4U, Lanes.I32x4, extmul(32, true, false)],
];

export interface BinaryModel {
  readonly lanes: Lanes;
  /** The result's float lanes, when a NaN there is free, see Case.floatLanes. */
  readonly anyNaN: 32 | 64 | undefined;
  readonly apply: VectorOp;
}

/** As BinaryModel.anyNaN. */
function anyNaN(op: B): 32 | 64 | undefined {
  if (op >= B.F32x4Add && op <= B.F32x4Max) return 32;
  return op >= B.F64x2Add && op <= B.F64x2Max ? 64 : undefined;
}

export const binaryModels = new Map<B, BinaryModel>();
for (const [op, lanes, apply] of VECTOR_BINARY) binaryModels.set(op, { lanes, anyNaN: undefined, apply });
for (const [op, lanes, lane] of LANE_BINARY) {
  const bits = LANE_BITS[lanes];
  const apply: VectorOp = (a, b) => {
    const other = split(b, bits);
    return join(
      split(a, bits).map((x, i) => lane(x, other[i]!, bits)),
      bits,
    );
  };
  binaryModels.set(op, { lanes, anyNaN: anyNaN(op), apply });
}

export function shift(op: VectorShift, lanes: Lanes, value: bigint, count: number): bigint {
  const bits = LANE_BITS[lanes];
  const by = BigInt(count % bits);
  return join(
    split(value, bits).map((lane) =>
      op === VectorShift.Shl ? lane << by : op === VectorShift.ShrU ? lane >> by : signed(bits, lane) >> by,
    ),
    bits,
  );
}
