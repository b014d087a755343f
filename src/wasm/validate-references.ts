/**
 * Validation of instructions on references (core spec 3.3.2 and 3.3.8): ref.null, ref.func, ref.is_null,
 * ref.as_non_null, br_on_null and br_on_non_null. Calls through references are in validate-calls.ts.
 */

import type { BodyState } from './body-state.js';
import { ValType } from './module.js';
import { ANY } from './operand-stack.js';
import { ANY_REF, isRefType } from './ref-types.js';
import { valTypeName } from './text.js';

export function refNull({ reader, operands }: BodyState): void {
  operands.push(reader.refTypes.read(reader, true));
}

export function refFunc({ module, operands, immediates }: BodyState): void {
  const index = immediates.func();
  if (module.declaredFuncs[index] === 0) throw immediates.invalid(`undeclared function reference ${index}`);
  operands.push(operands.refTypes.ofFunction(module.funcTypes[index]));
}

export function isNull(body: BodyState): void {
  popReference(body);
  body.operands.push(ValType.I32);
}

export function asNonNull(body: BodyState): void {
  pushNonNull(body, popReference(body));
}

/** Branches with what is below the reference when it is null, else leaves it, which is not null then. */
export function brOnNull(body: BodyState): void {
  const { operands } = body;
  const list = body.immediates.labelList();
  const type = popReference(body);
  operands.popList(list);
  operands.pushList(list);
  pushNonNull(body, type);
}

/** Branches with the reference when it is not null, else drops it. */
export function brOnNonNull(body: BodyState): void {
  const { operands, lists } = body;
  const list = body.immediates.labelList();
  const expected = lists.count(list) === 0 ? ANY : lists.types[lists.start[list + 1] - 1];
  if (!isRefType(expected)) throw operands.mismatch('the label of br_on_non_null takes no reference');
  pushNonNull(body, popReference(body));
  operands.popList(list);
  operands.pushList(list);
  operands.height--; // the reference
}

/** Pops an operand that must be a reference, and returns its type, or ANY_REF. */
function popReference({ operands }: BodyState): number {
  const type = operands.popAny();
  if (type === ANY || type === ANY_REF) return ANY_REF;
  if (isRefType(type)) return type;
  throw operands.mismatch(`expected a reference, found ${valTypeName(type)}`);
}

/** Pushes a reference that is known not to be null. */
function pushNonNull({ operands }: BodyState, type: number): void {
  operands.push(type === ANY_REF ? ANY_REF : operands.refTypes.nonNull(type));
}
