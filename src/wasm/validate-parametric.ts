/** Validation of drop and select (core spec 3.3.4). */

import type { BodyState } from './body-state.js';
import { ValType } from './module.js';
import { ANY } from './operand-stack.js';
import { ANY_REF, isRefType } from './ref-types.js';
import { valTypeName } from './text.js';

export function drop({ operands }: BodyState): void {
  operands.popAny();
}

/** select without a type: two operands of the same type, not references (3.3.4.2). */
export function select({ operands }: BodyState): void {
  operands.pop(ValType.I32);
  const second = operands.popAny();
  const first = operands.popAny();
  if ([first, second].some((type) => type === ANY_REF || isRefType(type)))
    throw operands.mismatch('select of references needs a type');
  if (first !== second && first !== ANY && second !== ANY) {
    throw operands.mismatch(`select between ${valTypeName(first)} and ${valTypeName(second)}`);
  }
  operands.push(first === ANY ? second : first);
}

export function selectTyped({ operands, immediates }: BodyState): void {
  const type = immediates.selectType();
  operands.pop(ValType.I32);
  operands.pop(type);
  operands.pop(type);
  operands.push(type);
}
