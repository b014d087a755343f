/**
 * The macro-assembler's use of flags: comparisons of floats, conditions as values, selection.
 *
 * fcmp (manual C7.2) sets NZCV: less 1000, equal 0110, greater 0010, unordered 0011. With the condition codes of
 * labels.ts each float condition is one code, and its inverse is right for unordered operands too.
 */

import { type Cond, FLOAT_BASE, type Reg } from '../masm/masm.js';
import { A } from './encodings.js';
import { CODE_OF } from './labels.js';
import { IntegerMasm } from './masm-integers.js';
import { ZR } from './registers.js';

export class ConditionMasm extends IntegerMasm {
  compareFloat(_cond: Cond, wide: number, lhs: Reg, rhs: Reg): void {
    this.floatCompare(A.fcmp, wide, lhs, rhs);
  }

  setCondition(cond: Cond, dst: Reg): void {
    this.conditionalSelect(A.csinc, 0, dst, ZR, ZR, CODE_OF[cond] ^ 1);
  }

  select(cond: Cond, wide: number, dst: Reg, a: Reg, b: Reg): void {
    if (dst < FLOAT_BASE) this.conditionalSelect(A.csel, wide, dst, a, b, CODE_OF[cond]);
    else this.floatSelect(A.fcsel, 1, dst, a, b, CODE_OF[cond]);
  }
}
