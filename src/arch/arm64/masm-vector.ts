/**
 * The macro-assembler's vector arithmetic. Most operations are one instruction (vector-table.ts); what is not stands
 * here.
 *
 * Results of several instructions are made in v30 and v31 as long as an operand is still to be read, as dst may be
 * that.
 */

import type { Cond, Reg } from '../masm/masm.js';
import { Lanes, VectorBinary, VectorShift, VectorUnary } from '../masm/masm-vector.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2, SCRATCH } from './abi.js';
import { logicalField } from './encoding.js';
import { A } from './encodings.js';
import { V } from './encodings-vector.js';
import { CODE_OF } from './labels.js';
import { LANE_SIZES } from './masm-vector-lanes.js';
import { VectorMemoryMasm } from './masm-vector-memory.js';
import { ZR } from './registers.js';
import { BINARY_FORMS, BINARY_WORDS, BinaryForm, UNARY_WORDS } from './vector-table.js';

export class VectorMasm extends VectorMemoryMasm {
  selectVector(cond: Cond, dst: Reg, a: Reg, b: Reg): void {
    this.conditionalSelect(A.csinv, 1, SCRATCH, ZR, ZR, CODE_OF[cond] ^ 1); // all ones when it holds
    this.simdFromInt(V.dup, 3, FLOAT_SCRATCH, 0, SCRATCH);
    this.bitselect(dst, a, b, FLOAT_SCRATCH);
  }

  bitselect(dst: Reg, a: Reg, b: Reg, mask: Reg): void {
    if (dst === mask) this.simdThree(V.bsl, 0, dst, a, b);
    else if (dst === a) this.simdThree(V.bif, 0, dst, b, mask);
    else if (dst === b) this.simdThree(V.bit, 0, dst, a, mask);
    else {
      this.moveVector(dst, mask);
      this.simdThree(V.bsl, 0, dst, a, b);
    }
  }

  vectorUnary(op: VectorUnary, dst: Reg, src: Reg): void {
    const word = UNARY_WORDS[op];
    if (word !== 0) {
      this.simdTwo(word, 0, dst, src);
      return;
    }
    switch (op) {
      case VectorUnary.I32x4TruncSatF64x2SZero: // by way of 64 bits
        this.simdTwo(V.fcvtzs, 1, dst, src);
        this.simdTwo(V.sqxtn, 2, dst, dst);
        return;
      case VectorUnary.I32x4TruncSatF64x2UZero:
        this.simdTwo(V.fcvtzu, 1, dst, src);
        this.simdTwo(V.uqxtn, 2, dst, dst);
        return;
      case VectorUnary.F64x2ConvertLowI32x4S:
        this.simdShift(V.sshll, dst, src, 32);
        this.simdTwo(V.scvtf, 1, dst, dst);
        return;
      case VectorUnary.F64x2ConvertLowI32x4U:
        this.simdShift(V.ushll, dst, src, 32);
        this.simdTwo(V.ucvtf, 1, dst, dst);
    }
  }

  vectorBinary(op: VectorBinary, dst: Reg, lhs: Reg, rhs: Reg): void {
    const word = BINARY_WORDS[op];
    if (word !== 0) {
      const form = BINARY_FORMS[op] as BinaryForm;
      if (form === BinaryForm.Swapped) this.simdThree(word, 0, dst, rhs, lhs);
      else this.simdThree(word, 0, dst, lhs, rhs);
      if (form === BinaryForm.Inverted) this.simdTwo(V.not, 0, dst, dst);
      return;
    }
    switch (op) {
      case VectorBinary.I8x16NarrowI16x8S:
        this.narrow(V.sqxtn, V.sqxtn2, 0, dst, lhs, rhs);
        return;
      case VectorBinary.I8x16NarrowI16x8U:
        this.narrow(V.sqxtun, V.sqxtun2, 0, dst, lhs, rhs);
        return;
      case VectorBinary.I16x8NarrowI32x4S:
        this.narrow(V.sqxtn, V.sqxtn2, 1, dst, lhs, rhs);
        return;
      case VectorBinary.I16x8NarrowI32x4U:
        this.narrow(V.sqxtun, V.sqxtun2, 1, dst, lhs, rhs);
        return;
      case VectorBinary.I32x4DotI16x8S:
        this.simdThree(V.smull, 1, FLOAT_SCRATCH, lhs, rhs);
        this.simdThree(V.smull2, 1, FLOAT_SCRATCH_2, lhs, rhs);
        this.simdThree(V.addp, 2, dst, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
        return;
      case VectorBinary.I16x8DotI8x16S: // the sums need 17 bits
        this.simdThree(V.smull, 0, FLOAT_SCRATCH, lhs, rhs);
        this.simdThree(V.smull2, 0, FLOAT_SCRATCH_2, lhs, rhs);
        this.simdTwo(V.saddlp, 1, FLOAT_SCRATCH, FLOAT_SCRATCH);
        this.simdTwo(V.saddlp, 1, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
        this.narrow(V.sqxtn, V.sqxtn2, 1, dst, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
        return;
      case VectorBinary.I64x2Mul:
        this.multiply64(dst, lhs, rhs);
        return;
      case VectorBinary.F32x4Pmin:
        this.pick(0, dst, lhs, rhs, lhs, rhs);
        return;
      case VectorBinary.F32x4Pmax:
        this.pick(0, dst, lhs, rhs, rhs, lhs);
        return;
      case VectorBinary.F64x2Pmin:
        this.pick(1, dst, lhs, rhs, lhs, rhs);
        return;
      case VectorBinary.F64x2Pmax:
        this.pick(1, dst, lhs, rhs, rhs, lhs);
    }
  }

  /** lhs to the lower half, rhs to the upper; `size` of the result's lanes. */
  private narrow(low: number, high: number, size: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    const to = dst === rhs ? FLOAT_SCRATCH : dst;
    this.simdTwo(low, size, to, lhs);
    this.simdTwo(high, size, to, rhs);
    this.moveVector(dst, to);
  }

  /** Modulo 2^64: the low words' product, and above it the sum of each low one by the other's high one. */
  private multiply64(dst: Reg, lhs: Reg, rhs: Reg): void {
    this.simdTwo(V.rev64, 2, FLOAT_SCRATCH, rhs);
    this.simdThree(V.mul, 2, FLOAT_SCRATCH, FLOAT_SCRATCH, lhs);
    this.simdTwo(V.uaddlp, 2, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.simdShift(V.shl, FLOAT_SCRATCH, FLOAT_SCRATCH, 64 + 32);
    this.simdTwo(V.xtn, 2, FLOAT_SCRATCH_2, lhs);
    this.simdTwo(V.xtn, 2, dst, rhs);
    this.simdThree(V.umlal, 2, FLOAT_SCRATCH, FLOAT_SCRATCH_2, dst);
    this.moveVector(dst, FLOAT_SCRATCH);
  }

  /** dst = greater > less ? rhs : lhs, `wide` 1 for doubles: pmin and pmax. */
  private pick(wide: number, dst: Reg, lhs: Reg, rhs: Reg, greater: Reg, less: Reg): void {
    const mask = dst === lhs || dst === rhs ? FLOAT_SCRATCH : dst;
    this.simdThree(V.fcmgt, wide, mask, greater, less);
    this.bitselect(dst, rhs, lhs, mask);
  }

  /** Counts are signed bytes, negative ones shift right. */
  vectorShift(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: Reg): void {
    const size = LANE_SIZES[lanes];
    this.logicalImmediate(A.and_i, 0, SCRATCH, count, logicalField(0, (8 << size) - 1, 0));
    if (op !== VectorShift.Shl) this.addSubShifted(A.sub_r, 0, SCRATCH, ZR, SCRATCH);
    this.simdFromInt(V.dup, size, FLOAT_SCRATCH, 0, SCRATCH);
    this.simdThree(op === VectorShift.ShrS ? V.sshl : V.ushl, size, dst, src, FLOAT_SCRATCH);
  }

  vectorShiftImm(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: number): void {
    const bits = 8 << LANE_SIZES[lanes];
    if (count === 0) this.moveVector(dst, src);
    else if (op === VectorShift.Shl) this.simdShift(V.shl, dst, src, bits + count);
    else this.simdShift(op === VectorShift.ShrS ? V.sshr : V.ushr, dst, src, 2 * bits - count);
  }

  canonicalizeVector(lanes: Lanes, reg: Reg): void {
    const wide = lanes === Lanes.F64x2 ? 1 : 0;
    this.simdThree(V.fcmeq, wide, FLOAT_SCRATCH, reg, reg);
    this.constant(SCRATCH, wide, wide !== 0 ? 0 : 0x7fc00000, 0x7ff80000);
    this.simdFromInt(V.dup, 2 + wide, FLOAT_SCRATCH_2, 0, SCRATCH);
    this.simdThree(V.bif, 0, reg, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
  }
}
