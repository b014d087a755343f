/**
 * The macro-assembler's operations on float lanes that take more than one instruction, and their conversions.
 *
 * Those of one instruction stand in the tables of masm-vector.ts. `wide` is 0 for f32x4 and 1 for f64x2. minps and the
 * others give their second operand when one is NaN or both are zero; cvttps2dq and cvttpd2dq the least integer for NaN
 * and for what does not fit.
 */

import type { Reg } from '../masm/masm.js';
import { Lanes } from '../masm/masm-vector.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2 } from './abi.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { ROUND_TO_ZERO } from './masm-floats.js';
import { VectorIntegerMasm } from './masm-vector-integers.js';

/** Immediates of cmpps and cmppd. */
export const enum Compare {
  Eq,
  Lt,
  Le,
  Unordered,
  Ne,
}

/** f32 bits. */
const TWO_31 = 0x4f000000;
/** Upper word of the f64 2^52, whose lower word can hold any integer of 32 bits. */
const TWO_52_HI = 0x43300000;

export class VectorFloatMasm extends VectorIntegerMasm {
  protected vectorCompare(wide: number, compare: Compare, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.vectorOpImm(wide !== 0 ? V.cmppd : V.cmpps, dst, lhs, rhs, compare);
  }

  protected vectorAbs(wide: number, dst: Reg, src: Reg): void {
    this.moveVector(dst, src);
    if (wide !== 0) this.rk(X.andps, dst, -1, 0x7fffffff, -1, 0x7fffffff);
    else this.rk4(X.andps, dst, 0x7fffffff);
  }

  protected vectorNeg(wide: number, dst: Reg, src: Reg): void {
    this.moveVector(dst, src);
    if (wide !== 0) this.rk(X.xorps, dst, 0, 0x80000000, 0, 0x80000000);
    else this.rk4(X.xorps, dst, 0x80000000);
  }

  /**
   * Both orders, joined by or: NaN if either is, -0 if either zero is negative, else both are the same. The payload of
   * NaN is made up by then, where the result of canonical ones must be canonical.
   */
  protected vectorMin(wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    const min = wide !== 0 ? V.minpd : V.minps;
    this.moveVector(FLOAT_SCRATCH, lhs);
    this.rr(min, 0, FLOAT_SCRATCH, rhs);
    this.moveVector(FLOAT_SCRATCH_2, rhs);
    this.rr(min, 0, FLOAT_SCRATCH_2, lhs);
    this.moveVector(dst, FLOAT_SCRATCH);
    this.rr(X.orps, 0, dst, FLOAT_SCRATCH_2);
    this.canonicalizeVector(wide !== 0 ? Lanes.F64x2 : Lanes.F32x4, dst);
  }

  /** Both orders; less what they differ by, which is nothing, the sign of zeros (-0 - -0 is +0) or a part of NaN. */
  protected vectorMax(wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    const max = wide !== 0 ? V.maxpd : V.maxps;
    this.moveVector(FLOAT_SCRATCH, lhs);
    this.rr(max, 0, FLOAT_SCRATCH, rhs);
    this.moveVector(FLOAT_SCRATCH_2, rhs);
    this.rr(max, 0, FLOAT_SCRATCH_2, lhs);
    this.rr(X.xorps, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
    this.moveVector(dst, FLOAT_SCRATCH);
    this.rr(X.orps, 0, dst, FLOAT_SCRATCH_2);
    this.rr(wide !== 0 ? V.subpd : V.subps, 0, dst, FLOAT_SCRATCH_2);
    this.canonicalizeVector(wide !== 0 ? Lanes.F64x2 : Lanes.F32x4, dst);
  }

  /** NaN lanes become all ones, then lose the bits that a canonical NaN has not. */
  canonicalizeVector(lanes: Lanes, reg: Reg): void {
    const wide = lanes === Lanes.F64x2 ? 1 : 0;
    this.moveVector(FLOAT_SCRATCH, reg);
    this.rri(wide !== 0 ? V.cmppd : V.cmpps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH, Compare.Unordered);
    this.rr(X.orps, 0, reg, FLOAT_SCRATCH);
    if (wide !== 0) this.rk(X.andps, FLOAT_SCRATCH, -1, ~0x7ff80000, -1, ~0x7ff80000);
    else this.rk4(X.andps, FLOAT_SCRATCH, ~0x7fc00000);
    this.rr(X.xorps, 0, reg, FLOAT_SCRATCH);
  }

  // -- conversions

  /** NaN becomes 0 first; from 2^31 on, the least integer that comes out becomes the greatest. */
  protected truncateSigned(dst: Reg, src: Reg): void {
    this.moveVector(FLOAT_SCRATCH, src);
    this.rri(V.cmpps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH, Compare.Eq);
    this.rr(X.andps, 0, FLOAT_SCRATCH, src);
    this.rk4(X.movaps, FLOAT_SCRATCH_2, TWO_31);
    this.rri(V.cmpps, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH, Compare.Le);
    this.rr(V.cvttps2dq, 0, dst, FLOAT_SCRATCH);
    this.rr(V.pxor, 0, dst, FLOAT_SCRATCH_2);
  }

  /**
   * NaN and negative lanes become 0. From 2^31 on, the conversion gives 0x80000000, and the converted excess over 2^31,
   * at most 0x7fffffff, is added. Below 2^31 that excess is negative and counts as 0.
   */
  protected truncateUnsigned(dst: Reg, src: Reg): void {
    this.moveVector(FLOAT_SCRATCH, src);
    this.rr(X.xorps, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
    this.rr(V.maxps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rr(V.cvttps2dq, 0, dst, FLOAT_SCRATCH);
    this.rk4(X.movaps, FLOAT_SCRATCH_2, TWO_31);
    this.rr(V.subps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rri(V.cmpps, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH, Compare.Le);
    this.rr(V.cvttps2dq, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.rr(V.pxor, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rr(V.pxor, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
    this.rr(V.pmaxsd, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
    this.rr(V.paddd, 0, dst, FLOAT_SCRATCH);
  }

  /** The upper bound is 0 for NaN lanes, and minpd gives it for them; below -2^31 the least integer is right. */
  protected truncateWideSigned(dst: Reg, src: Reg): void {
    this.moveVector(FLOAT_SCRATCH, src);
    this.rri(V.cmppd, 0, FLOAT_SCRATCH, FLOAT_SCRATCH, Compare.Eq);
    this.rk(X.andps, FLOAT_SCRATCH, 0xffc00000, 0x41dfffff, 0xffc00000, 0x41dfffff); // 2^31 - 1
    this.moveVector(dst, src);
    this.rr(V.minpd, 0, dst, FLOAT_SCRATCH);
    this.rr(V.cvttpd2dq, 0, dst, dst);
  }

  /** Clamped and truncated, plus 2^52: the lower words are the integers. */
  protected truncateWideUnsigned(dst: Reg, src: Reg): void {
    this.moveVector(dst, src);
    this.rr(X.xorps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.rr(V.maxpd, 0, dst, FLOAT_SCRATCH);
    this.rk(V.minpd, dst, 0xffe00000, 0x41efffff, 0xffe00000, 0x41efffff); // 2^32 - 1
    this.rri(V.roundpd, 0, dst, dst, ROUND_TO_ZERO);
    this.rk(V.addpd, dst, 0, TWO_52_HI, 0, TWO_52_HI);
    this.rri(V.shufps, 0, dst, FLOAT_SCRATCH, 0x88);
  }

  /**
   * Upper half-words as 2^39 + n * 2^16, lower ones as 2^23 + n, both exact, by setting the bits above. Less 2^39 +
   * 2^23, which is exact too, their sum rounds once.
   */
  protected convertUnsigned(dst: Reg, src: Reg): void {
    this.moveVector(FLOAT_SCRATCH, src);
    this.rk4(V.pand, FLOAT_SCRATCH, 0xffff);
    this.rk4(V.por, FLOAT_SCRATCH, 0x4b000000);
    this.moveVector(dst, src);
    this.ri(X.psrld_i8, 0, dst, 16);
    this.rk4(V.por, dst, 0x53000000);
    this.rk4(V.subps, dst, 0x53000080);
    this.rr(V.addps, 0, dst, FLOAT_SCRATCH);
  }

  /** As the lower words of 2^52. */
  protected convertWideUnsigned(dst: Reg, src: Reg): void {
    this.moveVector(dst, src);
    this.rk4(V.punpckldq, dst, TWO_52_HI);
    this.rk(V.subpd, dst, 0, TWO_52_HI, 0, TWO_52_HI);
  }
}
