/**
 * The macro-assembler's operations on integer lanes that take more than one instruction.
 *
 * Those of one instruction stand in the tables of masm-vector.ts. T and U in the comments are the two scratch
 * registers.
 */

import type { Reg } from '../masm/masm.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2 } from './abi.js';
import type { Encoding } from './encoding.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { UPPER_HALF } from './masm-vector-lanes.js';
import { ShiftMasm } from './masm-vector-shifts.js';

/** Every byte 1. */
const BYTE_ONES = 0x01010101;
/** Every half-word 1. */
const HALF_ONES = 0x00010001;
/** pshufd's immediates that put two neighbours where pmuldq and pmuludq read them. */
const LOW_TO_EVEN = 0x50;
const HIGH_TO_EVEN = 0xfa;

export class VectorIntegerMasm extends ShiftMasm {
  protected vectorNot(dst: Reg, src: Reg): void {
    if (dst === src) {
      this.invert(dst);
      return;
    }
    this.rr(X.pcmpeqd, 0, dst, dst);
    this.rr(V.pxor, 0, dst, src);
  }

  /** `subtract` of the lanes' width. */
  protected vectorNegate(subtract: Encoding, dst: Reg, src: Reg): void {
    if (dst === src) {
      this.moveVector(FLOAT_SCRATCH, src);
      src = FLOAT_SCRATCH;
    }
    this.rr(V.pxor, 0, dst, dst);
    this.rr(subtract, 0, dst, src);
  }

  /** (x ^ sign) - sign. */
  protected absolute64(dst: Reg, src: Reg): void {
    this.rr(V.pxor, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.rr(V.pcmpgtq, 0, FLOAT_SCRATCH, src);
    this.moveVector(dst, src);
    this.rr(V.pxor, 0, dst, FLOAT_SCRATCH);
    this.rr(V.psubq, 0, dst, FLOAT_SCRATCH);
  }

  /** pshufb looks both halves of each byte up in a table of sixteen counts. */
  protected popcount8(dst: Reg, src: Reg): void {
    this.rk4(X.movaps, FLOAT_SCRATCH_2, 0x0f0f0f0f);
    this.moveVector(FLOAT_SCRATCH, src);
    this.rr(V.pand, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rr(V.pandn, 0, FLOAT_SCRATCH_2, src);
    this.ri(V.psrlw_i8, 0, FLOAT_SCRATCH_2, 4);
    this.popcountTable(dst);
    this.rr(V.pshufb, 0, dst, FLOAT_SCRATCH);
    this.popcountTable(FLOAT_SCRATCH);
    this.rr(V.pshufb, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rr(V.paddb, 0, dst, FLOAT_SCRATCH);
  }

  private popcountTable(reg: Reg): void {
    this.rk(X.movaps, reg, 0x02010100, 0x03020201, 0x03020201, 0x04030302);
  }

  /** `extend` takes the low half: from the high one when asked for. */
  protected extendHalf(extend: Encoding, high: boolean, dst: Reg, src: Reg): void {
    if (high) {
      this.rri(V.pshufd, 0, dst, src, UPPER_HALF);
      src = dst;
    }
    this.rr(extend, 0, dst, src);
  }

  /** pmaddubsw takes its first operand as unsigned bytes, its second as signed ones: either can be the ones. */
  protected addPairs8(signed: boolean, dst: Reg, src: Reg): void {
    if (!signed) {
      this.moveVector(dst, src);
      this.rk4(V.pmaddubsw, dst, BYTE_ONES);
      return;
    }
    const sum = dst === src ? FLOAT_SCRATCH : dst;
    this.rk4(X.movaps, sum, BYTE_ONES);
    this.rr(V.pmaddubsw, 0, sum, src);
    this.moveVector(dst, sum);
  }

  /** pmaddwd is signed: unsigned lanes are lowered by 2^15 before and each sum raised by 2^16 after. */
  protected addPairs16(signed: boolean, dst: Reg, src: Reg): void {
    this.moveVector(dst, src);
    if (!signed) this.rk4(V.pxor, dst, 0x80008000);
    this.rk4(V.pmaddwd, dst, HALF_ONES);
    if (!signed) this.rk4(V.paddd, dst, 0x10000);
  }

  /** Indexes from 16 on become 128 and more, for which pshufb gives zero. */
  protected swizzle(dst: Reg, lhs: Reg, rhs: Reg): void {
    this.moveVector(FLOAT_SCRATCH, rhs);
    this.rk4(V.paddusb, FLOAT_SCRATCH, 0x70707070);
    this.moveVector(dst, lhs);
    this.rr(V.pshufb, 0, dst, FLOAT_SCRATCH);
  }

  // -- comparisons

  /** lhs >= rhs where `extreme` is the maximum, lhs <= rhs where it is the minimum: the extreme of both is lhs. */
  protected compareByExtreme(extreme: Encoding, equal: Encoding, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.moveVector(FLOAT_SCRATCH, rhs);
    this.rr(extreme, 0, FLOAT_SCRATCH, lhs);
    this.moveVector(dst, lhs);
    this.rr(equal, 0, dst, FLOAT_SCRATCH);
  }

  // -- multiplication

  /** The low words' product, and both cross products in the upper word. */
  protected multiply64(dst: Reg, lhs: Reg, rhs: Reg): void {
    this.moveVector(FLOAT_SCRATCH, lhs);
    this.ri(X.psrlq_i8, 0, FLOAT_SCRATCH, 32);
    this.rr(V.pmuludq, 0, FLOAT_SCRATCH, rhs);
    this.moveVector(FLOAT_SCRATCH_2, rhs);
    this.ri(X.psrlq_i8, 0, FLOAT_SCRATCH_2, 32);
    this.rr(V.pmuludq, 0, FLOAT_SCRATCH_2, lhs);
    this.rr(V.paddq, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.ri(X.psllq_i8, 0, FLOAT_SCRATCH, 32);
    this.vectorOpCommutative(V.pmuludq, dst, lhs, rhs);
    this.rr(V.paddq, 0, dst, FLOAT_SCRATCH);
  }

  /** -32768 squared is the one product that does not fit: it comes out as 0x8000, which all ones turn into 0x7fff. */
  protected multiplyQ15(dst: Reg, lhs: Reg, rhs: Reg): void {
    this.vectorOpCommutative(V.pmulhrsw, dst, lhs, rhs);
    this.rk4(X.movaps, FLOAT_SCRATCH, 0x80008000);
    this.rr(V.pcmpeqw, 0, FLOAT_SCRATCH, dst);
    this.rr(V.pxor, 0, dst, FLOAT_SCRATCH);
  }

  protected multiplyExtended8(extend: Encoding, high: boolean, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.extendHalf(extend, high, FLOAT_SCRATCH, lhs);
    this.extendHalf(extend, high, dst, rhs);
    this.rr(V.pmullw, 0, dst, FLOAT_SCRATCH);
  }

  /** Low and upper words of the products, interleaved. */
  protected multiplyExtended16(upper: Encoding, high: boolean, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.moveVector(FLOAT_SCRATCH, lhs);
    this.rr(upper, 0, FLOAT_SCRATCH, rhs);
    this.vectorOpCommutative(V.pmullw, dst, lhs, rhs);
    this.rr(high ? V.punpckhwd : V.punpcklwd, 0, dst, FLOAT_SCRATCH);
  }

  protected multiplyExtended32(multiply: Encoding, high: boolean, dst: Reg, lhs: Reg, rhs: Reg): void {
    const order = high ? HIGH_TO_EVEN : LOW_TO_EVEN;
    this.rri(V.pshufd, 0, FLOAT_SCRATCH, lhs, order);
    this.rri(V.pshufd, 0, dst, rhs, order);
    this.rr(multiply, 0, dst, FLOAT_SCRATCH);
  }

  /** Exact sums in 32 bits, saturated at the end; pmaddubsw would take one side as unsigned. */
  protected dot8(dst: Reg, lhs: Reg, rhs: Reg): void {
    this.rr(V.pmovsxbw, 0, FLOAT_SCRATCH, lhs);
    this.rr(V.pmovsxbw, 0, FLOAT_SCRATCH_2, rhs);
    this.rr(V.pmaddwd, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.extendHalf(V.pmovsxbw, true, FLOAT_SCRATCH_2, lhs);
    this.extendHalf(V.pmovsxbw, true, dst, rhs);
    this.rr(V.pmaddwd, 0, FLOAT_SCRATCH_2, dst);
    this.rr(V.packssdw, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.moveVector(dst, FLOAT_SCRATCH);
  }
}
