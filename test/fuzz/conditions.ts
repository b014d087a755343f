/** Random conditions: what branches and selects are fused with. */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import { type Code, operandsOf } from './code.js';
import { I32, isReference } from './shape.js';
import type { Values } from './values.js';

const COMPARISONS_FIRST = Op.I32Eqz;
const COMPARISONS_LAST = Op.F64Ge;

export class Conditions {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
  ) {}

  compare(): void {
    const { choices, code, values } = this;
    const op = COMPARISONS_FIRST + choices.next(COMPARISONS_LAST - COMPARISONS_FIRST + 1);
    values.ensure(operandsOf(op));
    values.operate(op);
    for (let i = choices.small(3); i > 0; i--) code.op(Op.I32Eqz);
  }

  /** Of whatever is on the stack. */
  any(): void {
    const { choices, code, values } = this;
    if (choices.oneIn(3)) values.ensure([I32]);
    else if (choices.oneIn(6) && code.top !== undefined && isReference(code.top)) {
      code.instruction(Op.RefIsNull, 1, [I32]);
    } else this.compare();
  }

  /** Leaves what is below it. */
  onTop(): void {
    const { choices, code, values } = this;
    values.push(I32, choices.next(3));
    if (choices.oneIn(3)) code.op(Op.I32Eqz);
  }
}
