/**
 * The macro-assembler's use of flags: comparisons of floats, conditions as values, selection.
 *
 * ucomiss and ucomisd (SDM volume 2) set ZF, PF and CF: unordered 111, greater 000, less 001, equal 100. So "above" and
 * "above or equal" are false on NaN; less-than swaps its operands to become "above", and only equality needs PF.
 */

import { Cond, FLOAT_BASE, type Reg } from '../masm/masm.js';
import { SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';
import { CODE_OF } from './labels.js';
import { IntegerMasm } from './masm-integers.js';

export class ConditionMasm extends IntegerMasm {
  compareFloat(cond: Cond, wide: number, lhs: Reg, rhs: Reg): void {
    if (cond === Cond.FLt || cond === Cond.FLe) this.ucomis(wide, rhs, lhs);
    else this.ucomis(wide, lhs, rhs);
  }

  protected ucomis(wide: number, lhs: Reg, rhs: Reg): void {
    this.rr(wide !== 0 ? X.ucomisd : X.ucomiss, 0, lhs, rhs);
  }

  setCondition(cond: Cond, dst: Reg): void {
    if (cond === Cond.FEq) {
      this.r(X.setcc[CC.NP], 0, SCRATCH);
      this.r(X.setcc[CC.E], 0, dst);
      this.rr(X.and_rm8, 0, dst, SCRATCH);
    } else if (cond === Cond.FNe) {
      this.r(X.setcc[CC.P], 0, SCRATCH);
      this.r(X.setcc[CC.NE], 0, dst);
      this.rr(X.or_rm8, 0, dst, SCRATCH);
    } else this.r(X.setcc[CODE_OF[cond]], 0, dst);
    this.rr(X.movzx_8, 0, dst, dst);
  }

  select(cond: Cond, wide: number, dst: Reg, a: Reg, b: Reg): void {
    if (a === b) {
      if (dst < FLOAT_BASE) this.moveInt(wide, dst, a);
      else this.moveFloat(dst, a, 1);
    } else if (cond === Cond.FNe) this.select(Cond.FEq, wide, dst, b, a);
    else if (dst < FLOAT_BASE) this.selectInt(cond, wide, dst, a, b);
    else this.selectFloat(cond, dst, a, b);
  }

  private selectInt(cond: Cond, wide: number, dst: Reg, a: Reg, b: Reg): void {
    if (cond === Cond.FEq) {
      // a, unless not equal or unordered.
      const to = dst === b ? SCRATCH : dst;
      this.moveInt(wide, to, a);
      this.rr(X.cmovcc[CC.NE], wide, to, b);
      this.rr(X.cmovcc[CC.P], wide, to, b);
      this.moveInt(wide, dst, to);
      return;
    }
    const code = CODE_OF[cond];
    if (dst === a) this.rr(X.cmovcc[code ^ 1], wide, dst, b);
    else {
      this.moveInt(wide, dst, b);
      this.rr(X.cmovcc[code], wide, dst, a);
    }
  }

  private selectFloat(cond: Cond, dst: Reg, a: Reg, b: Reg): void {
    if (cond === Cond.FEq) {
      if (dst === b) {
        const unordered = this.skipIf(CC.P);
        const different = this.skipIf(CC.NE);
        this.moveFloat(dst, a, 1);
        this.skipTo(unordered);
        this.skipTo(different);
        return;
      }
      this.moveFloat(dst, a, 1);
      const unordered = this.skipIf(CC.P);
      const equal = this.skipIf(CC.E);
      this.skipTo(unordered);
      this.moveFloat(dst, b, 1);
      this.skipTo(equal);
      return;
    }
    const code = CODE_OF[cond];
    if (dst === b) {
      const skip = this.skipIf(code ^ 1);
      this.moveFloat(dst, a, 1);
      this.skipTo(skip);
    } else {
      this.moveFloat(dst, a, 1);
      const skip = this.skipIf(code);
      this.moveFloat(dst, b, 1);
      this.skipTo(skip);
    }
  }
}
