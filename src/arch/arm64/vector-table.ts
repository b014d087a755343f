/**
 * The vector operations that are one instruction each, by operation; masm-vector.ts has the others.
 *
 * Core specification 4.4.4 against the manual, C7.2. What makes one instruction do: fmin and fmax give NaN for one and
 * -0 is less than +0; saturating conversions give 0 for NaN; tbl gives 0 for an index out of range; sqrdmulh saturates.
 */

import { VectorBinary, VectorUnary } from '../masm/masm-vector.js';
import { V } from './encodings-vector.js';

/** Operation, instruction, size. */
type Row = readonly [number, number, number];
type BinaryRow = readonly [VectorBinary, number, number, BinaryForm?];

/** What else there is to a comparison. */
export const enum BinaryForm {
  Plain,
  Swapped, // the operands the other way round
  Inverted, // then the complement
}

const TWO_REGISTER: readonly Row[] = [
  [VectorUnary.V128Not, V.not, 0],
  [VectorUnary.I8x16Abs, V.abs, 0],
  [VectorUnary.I8x16Neg, V.neg, 0],
  [VectorUnary.I8x16Popcnt, V.cnt, 0],
  [VectorUnary.I16x8Abs, V.abs, 1],
  [VectorUnary.I16x8Neg, V.neg, 1],
  [VectorUnary.I16x8ExtaddPairwiseI8x16S, V.saddlp, 0],
  [VectorUnary.I16x8ExtaddPairwiseI8x16U, V.uaddlp, 0],
  [VectorUnary.I32x4Abs, V.abs, 2],
  [VectorUnary.I32x4Neg, V.neg, 2],
  [VectorUnary.I32x4ExtaddPairwiseI16x8S, V.saddlp, 1],
  [VectorUnary.I32x4ExtaddPairwiseI16x8U, V.uaddlp, 1],
  [VectorUnary.I64x2Abs, V.abs, 3],
  [VectorUnary.I64x2Neg, V.neg, 3],
  [VectorUnary.F32x4Ceil, V.frintp, 0],
  [VectorUnary.F32x4Floor, V.frintm, 0],
  [VectorUnary.F32x4Trunc, V.frintz, 0],
  [VectorUnary.F32x4Nearest, V.frintn, 0],
  [VectorUnary.F32x4Abs, V.fabs, 0],
  [VectorUnary.F32x4Neg, V.fneg, 0],
  [VectorUnary.F32x4Sqrt, V.fsqrt, 0],
  [VectorUnary.F64x2Ceil, V.frintp, 1],
  [VectorUnary.F64x2Floor, V.frintm, 1],
  [VectorUnary.F64x2Trunc, V.frintz, 1],
  [VectorUnary.F64x2Nearest, V.frintn, 1],
  [VectorUnary.F64x2Abs, V.fabs, 1],
  [VectorUnary.F64x2Neg, V.fneg, 1],
  [VectorUnary.F64x2Sqrt, V.fsqrt, 1],
  [VectorUnary.I32x4TruncSatF32x4S, V.fcvtzs, 0],
  [VectorUnary.I32x4TruncSatF32x4U, V.fcvtzu, 0],
  [VectorUnary.F32x4ConvertI32x4S, V.scvtf, 0],
  [VectorUnary.F32x4ConvertI32x4U, V.ucvtf, 0],
  [VectorUnary.F32x4DemoteF64x2Zero, V.fcvtn, 1],
  [VectorUnary.F64x2PromoteLowF32x4, V.fcvtl, 1],
];

/** Widening shifts by 0. */
const WIDENING: readonly Row[] = [
  [VectorUnary.I16x8ExtendLowI8x16S, V.sshll, 0],
  [VectorUnary.I16x8ExtendHighI8x16S, V.sshll2, 0],
  [VectorUnary.I16x8ExtendLowI8x16U, V.ushll, 0],
  [VectorUnary.I16x8ExtendHighI8x16U, V.ushll2, 0],
  [VectorUnary.I32x4ExtendLowI16x8S, V.sshll, 1],
  [VectorUnary.I32x4ExtendHighI16x8S, V.sshll2, 1],
  [VectorUnary.I32x4ExtendLowI16x8U, V.ushll, 1],
  [VectorUnary.I32x4ExtendHighI16x8U, V.ushll2, 1],
  [VectorUnary.I64x2ExtendLowI32x4S, V.sshll, 2],
  [VectorUnary.I64x2ExtendHighI32x4S, V.sshll2, 2],
  [VectorUnary.I64x2ExtendLowI32x4U, V.ushll, 2],
  [VectorUnary.I64x2ExtendHighI32x4U, V.ushll2, 2],
];

const BINARY: readonly BinaryRow[] = [
  [VectorBinary.I8x16Swizzle, V.tbl, 0],
  [VectorBinary.I8x16Eq, V.cmeq, 0],
  [VectorBinary.I8x16Ne, V.cmeq, 0, BinaryForm.Inverted],
  [VectorBinary.I8x16LtS, V.cmgt, 0, BinaryForm.Swapped],
  [VectorBinary.I8x16LtU, V.cmhi, 0, BinaryForm.Swapped],
  [VectorBinary.I8x16GtS, V.cmgt, 0],
  [VectorBinary.I8x16GtU, V.cmhi, 0],
  [VectorBinary.I8x16LeS, V.cmge, 0, BinaryForm.Swapped],
  [VectorBinary.I8x16LeU, V.cmhs, 0, BinaryForm.Swapped],
  [VectorBinary.I8x16GeS, V.cmge, 0],
  [VectorBinary.I8x16GeU, V.cmhs, 0],
  [VectorBinary.I16x8Eq, V.cmeq, 1],
  [VectorBinary.I16x8Ne, V.cmeq, 1, BinaryForm.Inverted],
  [VectorBinary.I16x8LtS, V.cmgt, 1, BinaryForm.Swapped],
  [VectorBinary.I16x8LtU, V.cmhi, 1, BinaryForm.Swapped],
  [VectorBinary.I16x8GtS, V.cmgt, 1],
  [VectorBinary.I16x8GtU, V.cmhi, 1],
  [VectorBinary.I16x8LeS, V.cmge, 1, BinaryForm.Swapped],
  [VectorBinary.I16x8LeU, V.cmhs, 1, BinaryForm.Swapped],
  [VectorBinary.I16x8GeS, V.cmge, 1],
  [VectorBinary.I16x8GeU, V.cmhs, 1],
  [VectorBinary.I32x4Eq, V.cmeq, 2],
  [VectorBinary.I32x4Ne, V.cmeq, 2, BinaryForm.Inverted],
  [VectorBinary.I32x4LtS, V.cmgt, 2, BinaryForm.Swapped],
  [VectorBinary.I32x4LtU, V.cmhi, 2, BinaryForm.Swapped],
  [VectorBinary.I32x4GtS, V.cmgt, 2],
  [VectorBinary.I32x4GtU, V.cmhi, 2],
  [VectorBinary.I32x4LeS, V.cmge, 2, BinaryForm.Swapped],
  [VectorBinary.I32x4LeU, V.cmhs, 2, BinaryForm.Swapped],
  [VectorBinary.I32x4GeS, V.cmge, 2],
  [VectorBinary.I32x4GeU, V.cmhs, 2],
  [VectorBinary.I64x2Eq, V.cmeq, 3],
  [VectorBinary.I64x2Ne, V.cmeq, 3, BinaryForm.Inverted],
  [VectorBinary.I64x2LtS, V.cmgt, 3, BinaryForm.Swapped],
  [VectorBinary.I64x2GtS, V.cmgt, 3],
  [VectorBinary.I64x2LeS, V.cmge, 3, BinaryForm.Swapped],
  [VectorBinary.I64x2GeS, V.cmge, 3],
  [VectorBinary.F32x4Eq, V.fcmeq, 0],
  [VectorBinary.F32x4Ne, V.fcmeq, 0, BinaryForm.Inverted],
  [VectorBinary.F32x4Lt, V.fcmgt, 0, BinaryForm.Swapped],
  [VectorBinary.F32x4Gt, V.fcmgt, 0],
  [VectorBinary.F32x4Le, V.fcmge, 0, BinaryForm.Swapped],
  [VectorBinary.F32x4Ge, V.fcmge, 0],
  [VectorBinary.F64x2Eq, V.fcmeq, 1],
  [VectorBinary.F64x2Ne, V.fcmeq, 1, BinaryForm.Inverted],
  [VectorBinary.F64x2Lt, V.fcmgt, 1, BinaryForm.Swapped],
  [VectorBinary.F64x2Gt, V.fcmgt, 1],
  [VectorBinary.F64x2Le, V.fcmge, 1, BinaryForm.Swapped],
  [VectorBinary.F64x2Ge, V.fcmge, 1],
  [VectorBinary.V128And, V.and, 0],
  [VectorBinary.V128Andnot, V.bic, 0],
  [VectorBinary.V128Or, V.orr, 0],
  [VectorBinary.V128Xor, V.eor, 0],
  [VectorBinary.I8x16Add, V.add, 0],
  [VectorBinary.I8x16AddSatS, V.sqadd, 0],
  [VectorBinary.I8x16AddSatU, V.uqadd, 0],
  [VectorBinary.I8x16Sub, V.sub, 0],
  [VectorBinary.I8x16SubSatS, V.sqsub, 0],
  [VectorBinary.I8x16SubSatU, V.uqsub, 0],
  [VectorBinary.I8x16MinS, V.smin, 0],
  [VectorBinary.I8x16MinU, V.umin, 0],
  [VectorBinary.I8x16MaxS, V.smax, 0],
  [VectorBinary.I8x16MaxU, V.umax, 0],
  [VectorBinary.I8x16AvgrU, V.urhadd, 0],
  [VectorBinary.I16x8Add, V.add, 1],
  [VectorBinary.I16x8AddSatS, V.sqadd, 1],
  [VectorBinary.I16x8AddSatU, V.uqadd, 1],
  [VectorBinary.I16x8Sub, V.sub, 1],
  [VectorBinary.I16x8SubSatS, V.sqsub, 1],
  [VectorBinary.I16x8SubSatU, V.uqsub, 1],
  [VectorBinary.I16x8Mul, V.mul, 1],
  [VectorBinary.I16x8Q15mulrSatS, V.sqrdmulh, 1],
  [VectorBinary.I16x8MinS, V.smin, 1],
  [VectorBinary.I16x8MinU, V.umin, 1],
  [VectorBinary.I16x8MaxS, V.smax, 1],
  [VectorBinary.I16x8MaxU, V.umax, 1],
  [VectorBinary.I16x8AvgrU, V.urhadd, 1],
  [VectorBinary.I32x4Add, V.add, 2],
  [VectorBinary.I32x4Sub, V.sub, 2],
  [VectorBinary.I32x4Mul, V.mul, 2],
  [VectorBinary.I32x4MinS, V.smin, 2],
  [VectorBinary.I32x4MinU, V.umin, 2],
  [VectorBinary.I32x4MaxS, V.smax, 2],
  [VectorBinary.I32x4MaxU, V.umax, 2],
  [VectorBinary.I64x2Add, V.add, 3],
  [VectorBinary.I64x2Sub, V.sub, 3],
  [VectorBinary.I16x8ExtmulLowI8x16S, V.smull, 0],
  [VectorBinary.I16x8ExtmulHighI8x16S, V.smull2, 0],
  [VectorBinary.I16x8ExtmulLowI8x16U, V.umull, 0],
  [VectorBinary.I16x8ExtmulHighI8x16U, V.umull2, 0],
  [VectorBinary.I32x4ExtmulLowI16x8S, V.smull, 1],
  [VectorBinary.I32x4ExtmulHighI16x8S, V.smull2, 1],
  [VectorBinary.I32x4ExtmulLowI16x8U, V.umull, 1],
  [VectorBinary.I32x4ExtmulHighI16x8U, V.umull2, 1],
  [VectorBinary.I64x2ExtmulLowI32x4S, V.smull, 2],
  [VectorBinary.I64x2ExtmulHighI32x4S, V.smull2, 2],
  [VectorBinary.I64x2ExtmulLowI32x4U, V.umull, 2],
  [VectorBinary.I64x2ExtmulHighI32x4U, V.umull2, 2],
  [VectorBinary.F32x4Add, V.fadd, 0],
  [VectorBinary.F32x4Sub, V.fsub, 0],
  [VectorBinary.F32x4Mul, V.fmul, 0],
  [VectorBinary.F32x4Div, V.fdiv, 0],
  [VectorBinary.F32x4Min, V.fmin, 0],
  [VectorBinary.F32x4Max, V.fmax, 0],
  [VectorBinary.F64x2Add, V.fadd, 1],
  [VectorBinary.F64x2Sub, V.fsub, 1],
  [VectorBinary.F64x2Mul, V.fmul, 1],
  [VectorBinary.F64x2Div, V.fdiv, 1],
  [VectorBinary.F64x2Min, V.fmin, 1],
  [VectorBinary.F64x2Max, V.fmax, 1],
];

/** By VectorUnary: the whole instruction but its registers, or 0. */
export const UNARY_WORDS = new Int32Array(VectorUnary.F64x2PromoteLowF32x4 + 1);
/** By VectorBinary, likewise. */
export const BINARY_WORDS = new Int32Array(VectorBinary.I16x8DotI8x16S + 1);
export const BINARY_FORMS = new Uint8Array(BINARY_WORDS.length);

for (const [op, word, size] of TWO_REGISTER) UNARY_WORDS[op] = word | (size << 22);
for (const [op, word, size] of WIDENING) UNARY_WORDS[op] = word | (8 << (size + 16));
for (const [op, word, size, form = BinaryForm.Plain] of BINARY) {
  BINARY_WORDS[op] = word | (size << 22);
  BINARY_FORMS[op] = form;
}
