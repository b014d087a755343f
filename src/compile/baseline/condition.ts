/** A comparison whose code is not emitted yet: a branch or a select may follow and use the flags directly. */

import { Cond, NO_REG } from '../../arch/masm/masm.js';

export const enum Pending {
  None,
  Int, // two operands
  Float, // two operands
  Zero, // one operand, compared with zero
}

/** What takeCondition has found and emitFlags will compare. Reused. */
export class Condition {
  pending = Pending.None;
  cond: Cond = Cond.Ne;
  wide = 0;
  negated = false;
  lhs = 0;
  rhs = NO_REG; // a register, or
  slot = -1; // a slot, or
  imm = 0;
}
