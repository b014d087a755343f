/**
 * The macro-assembler's floating point arithmetic.
 *
 * Scalar SSE. The operations that leave part of dst as it was (sqrt, round, conversions) would wait for whatever wrote
 * it last, so dst is cleared first unless it is the source. Sign masks are made in a register from all ones
 * (pcmpeqd, a shift), so there is no constant pool.
 */

import { FloatOp, FloatUnary, type Reg } from '../masm/masm.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2 } from './abi.js';
import { CC, type Encoding } from './encoding.js';
import { X } from './encodings.js';
import { ConditionMasm } from './masm-conditions.js';
import { RSP } from './registers.js';

// By FloatOp, then by wide: index 2 * op + wide.
const FLOAT_OPS = [
  X.addss,
  X.addsd,
  X.subss,
  X.subsd,
  X.mulss,
  X.mulsd,
  X.divss,
  X.divsd,
  X.minss,
  X.minsd,
  X.maxss,
  X.maxsd,
];

// roundss, roundsd: the immediate's rounding mode; bit 3 suppresses the precision exception.
export const ROUND_NEAREST = 8;
export const ROUND_DOWN = 9;
export const ROUND_UP = 10;
export const ROUND_TO_ZERO = 11;

export class FloatMasm extends ConditionMasm {
  floatBinary(op: FloatOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (op === FloatOp.Min || op === FloatOp.Max) {
      this.minOrMax(op, wide, dst, lhs, rhs);
      return;
    }
    if (op === FloatOp.Copysign) {
      this.copysign(wide, dst, lhs, rhs);
      return;
    }
    const e = FLOAT_OPS[2 * op + wide];
    if (dst === rhs && dst !== lhs) {
      if (op === FloatOp.Add || op === FloatOp.Mul) {
        this.rr(e, 0, dst, lhs);
        return;
      }
      this.rr(X.movaps, 0, FLOAT_SCRATCH, rhs);
      rhs = FLOAT_SCRATCH;
    }
    this.moveFloat(dst, lhs, wide);
    this.rr(e, 0, dst, rhs);
  }

  floatBinarySlot(op: FloatOp, wide: number, dst: Reg, lhs: Reg, slot: number): void {
    this.moveFloat(dst, lhs, wide);
    this.rm(FLOAT_OPS[2 * op + wide], 0, dst, RSP, slot);
  }

  /** minss gives its second operand for NaN and for zeros of either sign: both are told apart first. */
  private minOrMax(op: FloatOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst === rhs) rhs = lhs;
    else this.moveFloat(dst, lhs, wide);
    this.ucomis(wide, dst, rhs);
    const different = this.skipIf(CC.NE);
    const nan = this.skipIf(CC.P);
    this.rr(op === FloatOp.Min ? X.orps : X.andps, 0, dst, rhs); // equal: only the signs of zeros can differ
    const equal = this.skip();
    this.skipTo(nan);
    this.rr(FLOAT_OPS[2 * FloatOp.Add + wide], 0, dst, rhs);
    const propagated = this.skip();
    this.skipTo(different);
    this.rr(FLOAT_OPS[2 * op + wide], 0, dst, rhs);
    this.skipTo(equal);
    this.skipTo(propagated);
  }

  private copysign(wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.signMask(wide, FLOAT_SCRATCH);
    this.rr(X.movaps, 0, FLOAT_SCRATCH_2, rhs);
    this.rr(X.andps, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
    this.rr(X.andnps, 0, FLOAT_SCRATCH, lhs);
    if (dst === lhs || dst === rhs) {
      this.rr(X.orps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH_2);
      this.rr(X.movaps, 0, dst, FLOAT_SCRATCH);
      return;
    }
    this.rr(X.movaps, 0, dst, FLOAT_SCRATCH);
    this.rr(X.orps, 0, dst, FLOAT_SCRATCH_2);
  }

  /** reg = only the sign bit of each element. */
  private signMask(wide: number, reg: Reg): void {
    this.rr(X.pcmpeqd, 0, reg, reg);
    this.ri(wide !== 0 ? X.psllq_i8 : X.pslld_i8, 0, reg, wide !== 0 ? 63 : 31);
  }

  floatUnary(op: FloatUnary, wide: number, dst: Reg, src: Reg): void {
    switch (op) {
      case FloatUnary.Abs: {
        const mask = dst === src ? FLOAT_SCRATCH : dst;
        this.rr(X.pcmpeqd, 0, mask, mask);
        this.ri(wide !== 0 ? X.psrlq_i8 : X.psrld_i8, 0, mask, 1);
        this.rr(X.andps, 0, dst, dst === src ? mask : src);
        return;
      }
      case FloatUnary.Neg: {
        const mask = dst === src ? FLOAT_SCRATCH : dst;
        this.signMask(wide, mask);
        this.rr(X.xorps, 0, dst, dst === src ? mask : src);
        return;
      }
      case FloatUnary.Ceil:
        this.round(wide, dst, src, ROUND_UP);
        return;
      case FloatUnary.Floor:
        this.round(wide, dst, src, ROUND_DOWN);
        return;
      case FloatUnary.Trunc:
        this.round(wide, dst, src, ROUND_TO_ZERO);
        return;
      case FloatUnary.Nearest:
        this.round(wide, dst, src, ROUND_NEAREST);
        return;
      case FloatUnary.Sqrt:
        this.partial(wide !== 0 ? X.sqrtsd : X.sqrtss, 0, dst, src);
    }
  }

  private round(wide: number, dst: Reg, src: Reg, mode: number): void {
    if (dst !== src) this.rr(X.xorps, 0, dst, dst);
    this.rri(wide !== 0 ? X.roundsd : X.roundss, 0, dst, src, mode);
  }

  /** An instruction that keeps the rest of dst; src may be a general register. */
  protected partial(e: Encoding, wide: number, dst: Reg, src: Reg): void {
    if (dst !== src) this.rr(X.xorps, 0, dst, dst);
    this.rr(e, wide, dst, src);
  }

  canonicalizeNaN(wide: number, reg: Reg): void {
    this.ucomis(wide, reg, reg);
    const ordered = this.skipIf(CC.NP);
    this.floatConstant(reg, wide, wide !== 0 ? 0 : 0x7fc00000, wide !== 0 ? 0x7ff80000 : 0);
    this.skipTo(ordered);
  }
}
