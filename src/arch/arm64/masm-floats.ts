/**
 * The macro-assembler's floating point arithmetic: scalar instructions. FPCR is as the kernel sets it: NaNs propagate,
 * rounding is to nearest, nothing is flushed to zero.
 */

import { FloatOp, type FloatUnary, type Reg, Width } from '../masm/masm.js';
import { FLOAT_SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { A } from './encodings.js';
import { ConditionMasm } from './masm-conditions.js';

// By FloatOp. fmin and fmax give NaN when one operand is NaN, and -0 is less than +0 (manual C7.2).
const FLOAT_OPS = [A.fadd, A.fsub, A.fmul, A.fdiv, A.fmin, A.fmax];
// By FloatUnary.
const FLOAT_UNARY = [A.fabs, A.fneg, A.frintp, A.frintm, A.frintz, A.frintn, A.fsqrt];

export class FloatMasm extends ConditionMasm {
  floatBinary(op: FloatOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (op === FloatOp.Copysign) this.copysign(wide, dst, lhs, rhs);
    else this.floatTwoSource(FLOAT_OPS[op], wide, dst, lhs, rhs);
  }

  floatBinarySlot(op: FloatOp, wide: number, dst: Reg, lhs: Reg, slot: number): void {
    this.loadSlot(wide !== 0 ? Width.F64 : Width.F32, FLOAT_SCRATCH, slot);
    this.floatBinary(op, wide, dst, lhs, FLOAT_SCRATCH);
  }

  /** The sign bit is moved down and, over lhs, up again. */
  private copysign(wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (wide !== 0) {
      this.simdShift(A.ushr_d, FLOAT_SCRATCH, rhs, 128 - 63);
      this.moveFloat(dst, lhs, 1);
      this.simdShift(A.sli_d, dst, FLOAT_SCRATCH, 64 + 63);
    } else {
      this.simdShift(A.ushr_2s, FLOAT_SCRATCH, rhs, 64 - 31);
      this.moveFloat(dst, lhs, 0);
      this.simdShift(A.sli_2s, dst, FLOAT_SCRATCH, 32 + 31);
    }
  }

  floatUnary(op: FloatUnary, wide: number, dst: Reg, src: Reg): void {
    this.floatOneSource(FLOAT_UNARY[op], wide, dst, src);
  }

  canonicalizeNaN(wide: number, reg: Reg): void {
    this.floatCompare(A.fcmp, wide, reg, reg);
    const ordered = this.skipIf(CC.VC);
    this.floatConstant(reg, wide, wide !== 0 ? 0 : 0x7fc00000, wide !== 0 ? 0x7ff80000 : 0);
    this.skipTo(ordered);
  }
}
