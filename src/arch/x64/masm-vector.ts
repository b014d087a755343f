/**
 * The macro-assembler's vectors, their last layer: which instruction, or which sequence, an operation is.
 *
 * Layers below: constants, lanes, shuffles, shifts, integers, floats, memory. A vector instruction keeps its result in
 * its first operand and has no form with three.
 */

import { BugError } from '../../base/errors.js';
import type { Reg } from '../masm/masm.js';
import { VectorBinary as B, VectorUnary as U } from '../masm/masm-vector.js';
import type { Encoding } from './encoding.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { ROUND_DOWN, ROUND_NEAREST, ROUND_TO_ZERO, ROUND_UP } from './masm-floats.js';
import { Compare } from './masm-vector-floats.js';
import { VectorMemoryMasm } from './masm-vector-memory.js';

/** How operands become those of one instruction. Inverted: then the result's complement is taken. */
const enum Form {
  Several, // not one instruction: see the switch
  Plain, // lhs op rhs
  Swapped, // rhs op lhs
  Commutative,
  Extreme, // is the minimum or maximum of both, the first encoding, equal to lhs, by the second?
  PlainInverted,
  SwappedInverted,
  CommutativeInverted,
  ExtremeInverted,
}
const INVERT = Form.PlainInverted - Form.Plain;

const BINARY: readonly (readonly [B, Form, Encoding, Encoding?])[] = [
  [B.I8x16Eq, Form.Commutative, V.pcmpeqb],
  [B.I8x16Ne, Form.CommutativeInverted, V.pcmpeqb],
  [B.I8x16LtS, Form.Swapped, V.pcmpgtb],
  [B.I8x16GtS, Form.Plain, V.pcmpgtb],
  [B.I8x16LtU, Form.ExtremeInverted, V.pmaxub, V.pcmpeqb],
  [B.I8x16GtU, Form.ExtremeInverted, V.pminub, V.pcmpeqb],
  [B.I8x16LeS, Form.Extreme, V.pminsb, V.pcmpeqb],
  [B.I8x16GeS, Form.Extreme, V.pmaxsb, V.pcmpeqb],
  [B.I8x16LeU, Form.Extreme, V.pminub, V.pcmpeqb],
  [B.I8x16GeU, Form.Extreme, V.pmaxub, V.pcmpeqb],
  [B.I16x8Eq, Form.Commutative, V.pcmpeqw],
  [B.I16x8Ne, Form.CommutativeInverted, V.pcmpeqw],
  [B.I16x8LtS, Form.Swapped, V.pcmpgtw],
  [B.I16x8GtS, Form.Plain, V.pcmpgtw],
  [B.I16x8LtU, Form.ExtremeInverted, V.pmaxuw, V.pcmpeqw],
  [B.I16x8GtU, Form.ExtremeInverted, V.pminuw, V.pcmpeqw],
  [B.I16x8LeS, Form.Extreme, V.pminsw, V.pcmpeqw],
  [B.I16x8GeS, Form.Extreme, V.pmaxsw, V.pcmpeqw],
  [B.I16x8LeU, Form.Extreme, V.pminuw, V.pcmpeqw],
  [B.I16x8GeU, Form.Extreme, V.pmaxuw, V.pcmpeqw],
  [B.I32x4Eq, Form.Commutative, X.pcmpeqd],
  [B.I32x4Ne, Form.CommutativeInverted, X.pcmpeqd],
  [B.I32x4LtS, Form.Swapped, V.pcmpgtd],
  [B.I32x4GtS, Form.Plain, V.pcmpgtd],
  [B.I32x4LtU, Form.ExtremeInverted, V.pmaxud, X.pcmpeqd],
  [B.I32x4GtU, Form.ExtremeInverted, V.pminud, X.pcmpeqd],
  [B.I32x4LeS, Form.Extreme, V.pminsd, X.pcmpeqd],
  [B.I32x4GeS, Form.Extreme, V.pmaxsd, X.pcmpeqd],
  [B.I32x4LeU, Form.Extreme, V.pminud, X.pcmpeqd],
  [B.I32x4GeU, Form.Extreme, V.pmaxud, X.pcmpeqd],
  [B.I64x2Eq, Form.Commutative, V.pcmpeqq],
  [B.I64x2Ne, Form.CommutativeInverted, V.pcmpeqq],
  [B.I64x2LtS, Form.Swapped, V.pcmpgtq],
  [B.I64x2GtS, Form.Plain, V.pcmpgtq],
  [B.I64x2LeS, Form.PlainInverted, V.pcmpgtq],
  [B.I64x2GeS, Form.SwappedInverted, V.pcmpgtq],
  [B.V128And, Form.Commutative, V.pand],
  [B.V128Andnot, Form.Swapped, V.pandn],
  [B.V128Or, Form.Commutative, V.por],
  [B.V128Xor, Form.Commutative, V.pxor],
  [B.I8x16NarrowI16x8S, Form.Plain, V.packsswb],
  [B.I8x16NarrowI16x8U, Form.Plain, V.packuswb],
  [B.I16x8NarrowI32x4S, Form.Plain, V.packssdw],
  [B.I16x8NarrowI32x4U, Form.Plain, V.packusdw],
  [B.I8x16Add, Form.Commutative, V.paddb],
  [B.I8x16Sub, Form.Plain, V.psubb],
  [B.I8x16AddSatS, Form.Commutative, V.paddsb],
  [B.I8x16AddSatU, Form.Commutative, V.paddusb],
  [B.I8x16SubSatS, Form.Plain, V.psubsb],
  [B.I8x16SubSatU, Form.Plain, V.psubusb],
  [B.I8x16AvgrU, Form.Commutative, V.pavgb],
  [B.I8x16MinS, Form.Commutative, V.pminsb],
  [B.I8x16MinU, Form.Commutative, V.pminub],
  [B.I8x16MaxS, Form.Commutative, V.pmaxsb],
  [B.I8x16MaxU, Form.Commutative, V.pmaxub],
  [B.I16x8Add, Form.Commutative, V.paddw],
  [B.I16x8Sub, Form.Plain, V.psubw],
  [B.I16x8AddSatS, Form.Commutative, V.paddsw],
  [B.I16x8AddSatU, Form.Commutative, V.paddusw],
  [B.I16x8SubSatS, Form.Plain, V.psubsw],
  [B.I16x8SubSatU, Form.Plain, V.psubusw],
  [B.I16x8AvgrU, Form.Commutative, V.pavgw],
  [B.I16x8MinS, Form.Commutative, V.pminsw],
  [B.I16x8MinU, Form.Commutative, V.pminuw],
  [B.I16x8MaxS, Form.Commutative, V.pmaxsw],
  [B.I16x8MaxU, Form.Commutative, V.pmaxuw],
  [B.I16x8Mul, Form.Commutative, V.pmullw],
  [B.I32x4Add, Form.Commutative, V.paddd],
  [B.I32x4Sub, Form.Plain, V.psubd],
  [B.I32x4MinS, Form.Commutative, V.pminsd],
  [B.I32x4MinU, Form.Commutative, V.pminud],
  [B.I32x4MaxS, Form.Commutative, V.pmaxsd],
  [B.I32x4MaxU, Form.Commutative, V.pmaxud],
  [B.I32x4Mul, Form.Commutative, V.pmulld],
  [B.I64x2Add, Form.Commutative, V.paddq],
  [B.I64x2Sub, Form.Plain, V.psubq],
  [B.I32x4DotI16x8S, Form.Commutative, V.pmaddwd],
  [B.F32x4Add, Form.Commutative, V.addps],
  [B.F32x4Sub, Form.Plain, V.subps],
  [B.F32x4Mul, Form.Commutative, V.mulps],
  [B.F32x4Div, Form.Plain, V.divps],
  [B.F32x4Pmin, Form.Swapped, V.minps],
  [B.F32x4Pmax, Form.Swapped, V.maxps],
  [B.F64x2Add, Form.Commutative, V.addpd],
  [B.F64x2Sub, Form.Plain, V.subpd],
  [B.F64x2Mul, Form.Commutative, V.mulpd],
  [B.F64x2Div, Form.Plain, V.divpd],
  [B.F64x2Pmin, Form.Swapped, V.minpd],
  [B.F64x2Pmax, Form.Swapped, V.maxpd],
];
const UNARY: readonly (readonly [U, Encoding])[] = [
  [U.I8x16Abs, V.pabsb],
  [U.I16x8Abs, V.pabsw],
  [U.I32x4Abs, V.pabsd],
  [U.I16x8ExtendLowI8x16S, V.pmovsxbw],
  [U.I16x8ExtendLowI8x16U, V.pmovzxbw],
  [U.I32x4ExtendLowI16x8S, V.pmovsxwd],
  [U.I32x4ExtendLowI16x8U, V.pmovzxwd],
  [U.I64x2ExtendLowI32x4S, V.pmovsxdq],
  [U.I64x2ExtendLowI32x4U, V.pmovzxdq],
  [U.F32x4Sqrt, V.sqrtps],
  [U.F64x2Sqrt, V.sqrtpd],
  [U.F32x4ConvertI32x4S, V.cvtdq2ps],
  [U.F64x2ConvertLowI32x4S, V.cvtdq2pd],
  [U.F32x4DemoteF64x2Zero, V.cvtpd2ps],
  [U.F64x2PromoteLowF32x4, V.cvtps2pd],
];

// The same by operation.
const BINARY_FORMS = new Uint8Array(B.I16x8DotI8x16S + 1);
const BINARY_ENCODINGS = Array<Encoding>(BINARY_FORMS.length).fill(X.nop);
const EQUALS = Array<Encoding>(BINARY_FORMS.length).fill(X.nop);
for (const [op, form, encoding, equal] of BINARY) {
  BINARY_FORMS[op] = form;
  BINARY_ENCODINGS[op] = encoding;
  if (equal !== undefined) EQUALS[op] = equal;
}
const UNARY_ENCODINGS = Array<Encoding | undefined>(U.F64x2PromoteLowF32x4 + 1).fill(undefined);
for (const [op, encoding] of UNARY) UNARY_ENCODINGS[op] = encoding;

export class VectorMasm extends VectorMemoryMasm {
  vectorBinary(op: B, dst: Reg, lhs: Reg, rhs: Reg): void {
    const form = BINARY_FORMS[op];
    if (form === Form.Several) {
      this.severalBinary(op, dst, lhs, rhs);
      return;
    }
    const e = BINARY_ENCODINGS[op];
    switch (form > INVERT ? form - INVERT : form) {
      case Form.Plain:
        this.vectorOp(e, dst, lhs, rhs);
        break;
      case Form.Swapped:
        this.vectorOp(e, dst, rhs, lhs);
        break;
      case Form.Commutative:
        this.vectorOpCommutative(e, dst, lhs, rhs);
        break;
      default:
        this.compareByExtreme(e, EQUALS[op], dst, lhs, rhs);
    }
    if (form > INVERT) this.invert(dst);
  }

  private severalBinary(op: B, dst: Reg, lhs: Reg, rhs: Reg): void {
    switch (op) {
      case B.I8x16Swizzle:
        return this.swizzle(dst, lhs, rhs);
      case B.I16x8Q15mulrSatS:
        return this.multiplyQ15(dst, lhs, rhs);
      case B.I64x2Mul:
        return this.multiply64(dst, lhs, rhs);
      case B.I16x8ExtmulLowI8x16S:
        return this.multiplyExtended8(V.pmovsxbw, false, dst, lhs, rhs);
      case B.I16x8ExtmulHighI8x16S:
        return this.multiplyExtended8(V.pmovsxbw, true, dst, lhs, rhs);
      case B.I16x8ExtmulLowI8x16U:
        return this.multiplyExtended8(V.pmovzxbw, false, dst, lhs, rhs);
      case B.I16x8ExtmulHighI8x16U:
        return this.multiplyExtended8(V.pmovzxbw, true, dst, lhs, rhs);
      case B.I32x4ExtmulLowI16x8S:
        return this.multiplyExtended16(V.pmulhw, false, dst, lhs, rhs);
      case B.I32x4ExtmulHighI16x8S:
        return this.multiplyExtended16(V.pmulhw, true, dst, lhs, rhs);
      case B.I32x4ExtmulLowI16x8U:
        return this.multiplyExtended16(V.pmulhuw, false, dst, lhs, rhs);
      case B.I32x4ExtmulHighI16x8U:
        return this.multiplyExtended16(V.pmulhuw, true, dst, lhs, rhs);
      case B.I64x2ExtmulLowI32x4S:
        return this.multiplyExtended32(V.pmuldq, false, dst, lhs, rhs);
      case B.I64x2ExtmulHighI32x4S:
        return this.multiplyExtended32(V.pmuldq, true, dst, lhs, rhs);
      case B.I64x2ExtmulLowI32x4U:
        return this.multiplyExtended32(V.pmuludq, false, dst, lhs, rhs);
      case B.I64x2ExtmulHighI32x4U:
        return this.multiplyExtended32(V.pmuludq, true, dst, lhs, rhs);
      case B.I16x8DotI8x16S:
        return this.dot8(dst, lhs, rhs);
      case B.F32x4Eq:
        return this.vectorCompare(0, Compare.Eq, dst, lhs, rhs);
      case B.F32x4Ne:
        return this.vectorCompare(0, Compare.Ne, dst, lhs, rhs);
      case B.F32x4Lt:
        return this.vectorCompare(0, Compare.Lt, dst, lhs, rhs);
      case B.F32x4Gt:
        return this.vectorCompare(0, Compare.Lt, dst, rhs, lhs);
      case B.F32x4Le:
        return this.vectorCompare(0, Compare.Le, dst, lhs, rhs);
      case B.F32x4Ge:
        return this.vectorCompare(0, Compare.Le, dst, rhs, lhs);
      case B.F64x2Eq:
        return this.vectorCompare(1, Compare.Eq, dst, lhs, rhs);
      case B.F64x2Ne:
        return this.vectorCompare(1, Compare.Ne, dst, lhs, rhs);
      case B.F64x2Lt:
        return this.vectorCompare(1, Compare.Lt, dst, lhs, rhs);
      case B.F64x2Gt:
        return this.vectorCompare(1, Compare.Lt, dst, rhs, lhs);
      case B.F64x2Le:
        return this.vectorCompare(1, Compare.Le, dst, lhs, rhs);
      case B.F64x2Ge:
        return this.vectorCompare(1, Compare.Le, dst, rhs, lhs);
      case B.F32x4Min:
        return this.vectorMin(0, dst, lhs, rhs);
      case B.F32x4Max:
        return this.vectorMax(0, dst, lhs, rhs);
      case B.F64x2Min:
        return this.vectorMin(1, dst, lhs, rhs);
      case B.F64x2Max:
        return this.vectorMax(1, dst, lhs, rhs);
      default:
        throw new BugError(`no vector operation ${op}`);
    }
  }

  vectorUnary(op: U, dst: Reg, src: Reg): void {
    const e = UNARY_ENCODINGS[op];
    if (e !== undefined) {
      this.rr(e, 0, dst, src);
      return;
    }
    switch (op) {
      case U.V128Not:
        return this.vectorNot(dst, src);
      case U.I8x16Neg:
        return this.vectorNegate(V.psubb, dst, src);
      case U.I16x8Neg:
        return this.vectorNegate(V.psubw, dst, src);
      case U.I32x4Neg:
        return this.vectorNegate(V.psubd, dst, src);
      case U.I64x2Neg:
        return this.vectorNegate(V.psubq, dst, src);
      case U.I64x2Abs:
        return this.absolute64(dst, src);
      case U.I8x16Popcnt:
        return this.popcount8(dst, src);
      case U.I16x8ExtaddPairwiseI8x16S:
        return this.addPairs8(true, dst, src);
      case U.I16x8ExtaddPairwiseI8x16U:
        return this.addPairs8(false, dst, src);
      case U.I32x4ExtaddPairwiseI16x8S:
        return this.addPairs16(true, dst, src);
      case U.I32x4ExtaddPairwiseI16x8U:
        return this.addPairs16(false, dst, src);
      case U.I16x8ExtendHighI8x16S:
        return this.extendHalf(V.pmovsxbw, true, dst, src);
      case U.I16x8ExtendHighI8x16U:
        return this.extendHalf(V.pmovzxbw, true, dst, src);
      case U.I32x4ExtendHighI16x8S:
        return this.extendHalf(V.pmovsxwd, true, dst, src);
      case U.I32x4ExtendHighI16x8U:
        return this.extendHalf(V.pmovzxwd, true, dst, src);
      case U.I64x2ExtendHighI32x4S:
        return this.extendHalf(V.pmovsxdq, true, dst, src);
      case U.I64x2ExtendHighI32x4U:
        return this.extendHalf(V.pmovzxdq, true, dst, src);
      case U.F32x4Ceil:
        return this.rri(V.roundps, 0, dst, src, ROUND_UP);
      case U.F32x4Floor:
        return this.rri(V.roundps, 0, dst, src, ROUND_DOWN);
      case U.F32x4Trunc:
        return this.rri(V.roundps, 0, dst, src, ROUND_TO_ZERO);
      case U.F32x4Nearest:
        return this.rri(V.roundps, 0, dst, src, ROUND_NEAREST);
      case U.F64x2Ceil:
        return this.rri(V.roundpd, 0, dst, src, ROUND_UP);
      case U.F64x2Floor:
        return this.rri(V.roundpd, 0, dst, src, ROUND_DOWN);
      case U.F64x2Trunc:
        return this.rri(V.roundpd, 0, dst, src, ROUND_TO_ZERO);
      case U.F64x2Nearest:
        return this.rri(V.roundpd, 0, dst, src, ROUND_NEAREST);
      case U.F32x4Abs:
        return this.vectorAbs(0, dst, src);
      case U.F64x2Abs:
        return this.vectorAbs(1, dst, src);
      case U.F32x4Neg:
        return this.vectorNeg(0, dst, src);
      case U.F64x2Neg:
        return this.vectorNeg(1, dst, src);
      case U.I32x4TruncSatF32x4S:
        return this.truncateSigned(dst, src);
      case U.I32x4TruncSatF32x4U:
        return this.truncateUnsigned(dst, src);
      case U.F32x4ConvertI32x4U:
        return this.convertUnsigned(dst, src);
      case U.I32x4TruncSatF64x2SZero:
        return this.truncateWideSigned(dst, src);
      case U.I32x4TruncSatF64x2UZero:
        return this.truncateWideUnsigned(dst, src);
      case U.F64x2ConvertLowI32x4U:
        return this.convertWideUnsigned(dst, src);
      default:
        throw new BugError(`no vector operation ${op}`);
    }
  }
}
