/**
 * The macro-assembler's shifts of vector lanes.
 *
 * Two kinds of lanes have no instruction. Bytes are shifted as words, masked by a byte that is shifted likewise; signed
 * ones are widened in the upper half of words. 64-bit lanes are shifted as unsigned and then sign-extended from where
 * the sign bit came to be: (x ^ m) - m.
 */

import type { Reg } from '../masm/masm.js';
import { Lanes, VectorShift } from '../masm/masm-vector.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2, SCRATCH } from './abi.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { ShuffleMasm } from './masm-vector-shuffle.js';

// By Lanes less I16x8, then by VectorShift; the signed shift of 64 bits is not there.
const SHIFTS = [V.psllw, V.psraw, V.psrlw, V.pslld, V.psrad, V.psrld, V.psllq, V.psrlq, V.psrlq];
const SHIFTS_IMM = [
  V.psllw_i8,
  V.psraw_i8,
  V.psrlw_i8,
  X.pslld_i8,
  V.psrad_i8,
  X.psrld_i8,
  X.psllq_i8,
  X.psrlq_i8,
  X.psrlq_i8,
];
// By Lanes: what the count is taken modulo, less one.
const COUNT_MASKS = [7, 15, 31, 63];

export class ShiftMasm extends ShuffleMasm {
  vectorShift(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: Reg): void {
    this.rr(X.mov_rm, 0, SCRATCH, count);
    this.ri(X.and_i8, 0, SCRATCH, COUNT_MASKS[lanes]);
    if (lanes === Lanes.I8x16 && op === VectorShift.ShrS) {
      this.ri(X.add_i8, 0, SCRATCH, 8);
      this.rr(X.movd_xr, 0, FLOAT_SCRATCH, SCRATCH);
      this.rr(V.punpckhbw, 0, FLOAT_SCRATCH_2, src);
      this.rr(V.psraw, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
      this.rr(V.punpcklbw, 0, dst, src);
      this.rr(V.psraw, 0, dst, FLOAT_SCRATCH);
      this.rr(V.packsswb, 0, dst, FLOAT_SCRATCH_2);
      return;
    }
    this.rr(X.movd_xr, 0, FLOAT_SCRATCH, SCRATCH);
    if (lanes === Lanes.I8x16) {
      // The mask: 0xff >> count, in words, then in bytes.
      this.rr(X.pcmpeqd, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
      this.ri(V.psrlw_i8, 0, FLOAT_SCRATCH_2, 8);
      this.rr(V.psrlw, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
      this.rr(V.packuswb, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
      this.moveVector(dst, src);
      if (op === VectorShift.Shl) this.rr(V.pand, 0, dst, FLOAT_SCRATCH_2);
      this.rr(op === VectorShift.Shl ? V.psllw : V.psrlw, 0, dst, FLOAT_SCRATCH);
      if (op === VectorShift.ShrU) this.rr(V.pand, 0, dst, FLOAT_SCRATCH_2);
      return;
    }
    this.moveVector(dst, src);
    this.rr(SHIFTS[3 * (lanes - Lanes.I16x8) + op], 0, dst, FLOAT_SCRATCH);
    if (lanes !== Lanes.I64x2 || op !== VectorShift.ShrS) return;
    this.rr(X.pcmpeqd, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH_2);
    this.ri(X.psllq_i8, 0, FLOAT_SCRATCH_2, 63);
    this.rr(V.psrlq, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
    this.rr(V.pxor, 0, dst, FLOAT_SCRATCH_2);
    this.rr(V.psubq, 0, dst, FLOAT_SCRATCH_2);
  }

  vectorShiftImm(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: number): void {
    if (count === 0) this.moveVector(dst, src);
    else if (lanes === Lanes.I8x16) this.shiftBytes(op, dst, src, count);
    else {
      this.moveVector(dst, src);
      this.ri(SHIFTS_IMM[3 * (lanes - Lanes.I16x8) + op], 0, dst, count);
      if (lanes !== Lanes.I64x2 || op !== VectorShift.ShrS) return;
      const sign = 63 - count;
      const lo = sign < 32 ? 1 << sign : 0;
      const hi = sign < 32 ? 0 : 1 << (sign - 32);
      this.rk(X.movaps, FLOAT_SCRATCH, lo, hi, lo, hi);
      this.rr(V.pxor, 0, dst, FLOAT_SCRATCH);
      this.rr(V.psubq, 0, dst, FLOAT_SCRATCH);
    }
  }

  private shiftBytes(op: VectorShift, dst: Reg, src: Reg, count: number): void {
    if (op === VectorShift.ShrS) {
      this.rr(V.punpckhbw, 0, FLOAT_SCRATCH, src);
      this.ri(V.psraw_i8, 0, FLOAT_SCRATCH, 8 + count);
      this.rr(V.punpcklbw, 0, dst, src);
      this.ri(V.psraw_i8, 0, dst, 8 + count);
      this.rr(V.packsswb, 0, dst, FLOAT_SCRATCH);
      return;
    }
    const left = op === VectorShift.Shl;
    this.moveVector(dst, src);
    this.ri(left ? V.psllw_i8 : V.psrlw_i8, 0, dst, count);
    this.rk4(V.pand, dst, Math.imul(left ? (0xff << count) & 0xff : 0xff >> count, 0x01010101));
  }
}
