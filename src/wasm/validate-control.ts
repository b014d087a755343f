/** Validation of blocks and branches (core spec 3.3.8 and appendix A.3.2). */

import type { BodyState } from './body-state.js';
import { ControlKind } from './control-stack.js';
import { limitError, limits } from './limits.js';
import { ValType } from './module.js';
import { EMPTY_LIST } from './type-lists.js';

/** block, loop or try. */
export function block(body: BodyState, kind: ControlKind): void {
  const { immediates, operands } = body;
  immediates.blockType();
  operands.popList(immediates.startList);
  openBlock(body, kind);
}

export function ifBlock(body: BodyState): void {
  body.operands.pop(ValType.I32);
  block(body, ControlKind.If);
}

/** Enters a block whose type has been read and whose parameters have been popped. */
export function openBlock({ control, operands, immediates }: BodyState, kind: ControlKind): void {
  operands.base = operands.height;
  control.push(kind, operands.base, immediates.startList, immediates.endList);
  operands.pushList(immediates.startList);
}

export function elseArm(body: BodyState): void {
  const { control, operands, immediates } = body;
  const top = control.depth - 1;
  if (control.kind[top] !== ControlKind.If) throw immediates.malformed('else without if');
  closeArm(body);
  control.kind[top] = ControlKind.Else;
  operands.pushList(control.startList[top]);
}

/** An arm of a block ends and another one begins: the results are there, and nothing else. */
export function closeArm(body: BodyState): void {
  const { control, operands } = body;
  const top = control.depth - 1;
  operands.popList(control.endList[top]);
  operands.checkEmpty();
  body.unsetLocals.leave(top);
  control.unreachable[top] = 0;
}

/** `end`, and the part of a delegate that is the same. */
export function endBlock(body: BodyState): void {
  const { control, operands, lists } = body;
  const top = control.depth - 1;
  closeArm(body);
  const kind = control.kind[top];
  const results = control.endList[top];
  if (kind >= ControlKind.Catch) operands.height--; // the hidden operand
  if (kind === ControlKind.If && !lists.matches(control.startList[top], results, operands.refTypes)) {
    throw operands.mismatch('if without else must give what it takes');
  }
  control.pop();
  if (top === 0) return;
  operands.base = control.base[top - 1];
  operands.pushList(results);
}

export function br(body: BodyState): void {
  body.operands.popList(body.immediates.labelList());
  body.setUnreachable();
}

export function brIf({ operands, immediates }: BodyState): void {
  operands.pop(ValType.I32);
  const list = immediates.labelList();
  operands.popList(list);
  operands.pushList(list);
}

/** All labels of the same arity, each satisfied by the operands. */
export function brTable(body: BodyState): void {
  const { reader, operands, immediates, lists } = body;
  operands.pop(ValType.I32);
  const count = reader.u32();
  if (count > reader.end - reader.pos) throw immediates.malformed('unexpected end of section or function');
  if (count > limits.branchTargets) throw limitError('branchTargets', count, reader.mark, reader.file);
  let arity = -1;
  let checked = EMPTY_LIST;
  for (let i = 0; i <= count; i++) {
    const list = immediates.labelList();
    if (i > 0 && list === checked) continue;
    if (arity < 0) arity = lists.count(list);
    else if (arity !== lists.count(list)) throw operands.mismatch('labels of br_table differ in arity');
    operands.checkList(list);
    checked = list;
  }
  body.setUnreachable();
}

export function functionReturn(body: BodyState): void {
  body.operands.popList(body.control.endList[0]);
  body.setUnreachable();
}
