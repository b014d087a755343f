/**
 * Validation of exception handling: throw, throw_ref, try_table (core spec 3.3.8) and the legacy proposal's try with
 * catch, catch_all, delegate and rethrow.
 *
 * In a legacy catch body the caught exception is a hidden operand of type exnref below the frame's base: rethrow asks
 * for it, and the code generator keeps it in the slot that it owns like any other. What opens and ends the blocks is in
 * validate-control.ts.
 */

import type { BodyState } from './body-state.js';
import { ControlKind } from './control-stack.js';
import { limitError, limits } from './limits.js';
import { ValType } from './module.js';
import { RefCode } from './ref-types.js';
import { EMPTY_LIST } from './type-lists.js';
import { closeArm, endBlock, openBlock } from './validate-control.js';

/** The kinds of a try_table's clauses: bit 0, with a reference to the exception; bit 1, of any tag. */
export const enum CatchKind {
  Catch = 0,
  CatchRef = 1,
  CatchAll = 2,
  CatchAllRef = 3,
}

export function throwTag(body: BodyState): void {
  body.operands.popList(body.immediates.tag());
  body.setUnreachable();
}

export function throwRef(body: BodyState): void {
  body.operands.pop(ValType.ExnRef);
  body.setUnreachable();
}

/** The label must be of a catch body, whose exception is thrown again. */
export function rethrow(body: BodyState): void {
  const { control, immediates } = body;
  const kind = control.kind[immediates.label()];
  if (kind !== ControlKind.Catch && kind !== ControlKind.CatchAll) throw immediates.invalid('invalid rethrow label');
  body.setUnreachable();
}

export function tryTable(body: BodyState): void {
  const { immediates, operands } = body;
  immediates.blockType();
  operands.popList(immediates.startList);
  clauses(body);
  openBlock(body, ControlKind.Block);
}

/** The clauses of a try_table: their labels are those around it, and take the values that the clause gives. */
function clauses(body: BodyState): void {
  const { reader, control, operands, immediates, lists } = body;
  const count = reader.u32();
  if (count > reader.end - reader.pos) throw immediates.malformed('unexpected end of section or function');
  if (count > limits.catches) throw limitError('catches', count, reader.mark, reader.file);
  for (let i = 0; i < count; i++) {
    const kind = reader.u8();
    if (kind > CatchKind.CatchAllRef) throw immediates.malformed(`malformed catch clause 0x${kind.toString(16)}`);
    const payload = (kind & CatchKind.CatchAll) === 0 ? immediates.tag() : EMPTY_LIST;
    const withReference = (kind & CatchKind.CatchRef) !== 0;
    checkClause(body, payload, withReference, control.labelList[immediates.label()]);
    // A landing has these values on the stack.
    const landingHeight = operands.height + lists.count(payload) + (withReference ? 1 : 0);
    if (landingHeight > operands.maxHeight) operands.raise(landingHeight);
  }
}

function checkClause(body: BodyState, payload: number, withReference: boolean, label: number): void {
  const { operands, lists } = body;
  const { start, types } = lists;
  const { refTypes } = operands;
  const count = lists.count(payload);
  let matches = lists.count(label) === count + (withReference ? 1 : 0);
  for (let i = 0; matches && i < count; i++) {
    matches = refTypes.matches(types[start[payload] + i], types[start[label] + i]);
  }
  if (matches && withReference) matches = refTypes.matches(RefCode.Exn, types[start[label] + count]);
  if (!matches) throw operands.mismatch('a catch clause gives other types than its label takes');
}

export function catchTag(body: BodyState): void {
  checkInTry(body);
  catchArm(body, ControlKind.Catch, body.immediates.tag());
}

export function catchAll(body: BodyState): void {
  checkInTry(body);
  catchArm(body, ControlKind.CatchAll, EMPTY_LIST);
}

function checkInTry({ control, immediates }: BodyState): void {
  const kind = control.kind[control.depth - 1];
  if (kind !== ControlKind.Try && kind !== ControlKind.Catch) throw immediates.malformed('catch without try');
}

/** The body before ends as a block does, and the next one begins with the payload. */
function catchArm(body: BodyState, kind: ControlKind.Catch | ControlKind.CatchAll, payload: number): void {
  const { control, operands } = body;
  const top = control.depth - 1;
  closeArm(body);
  if (control.kind[top] === ControlKind.Try) {
    operands.push(ValType.ExnRef);
    control.base[top] = operands.base = operands.height;
  }
  control.kind[top] = kind;
  operands.pushList(payload);
}

/** Ends a try without catches; its label is one around it. */
export function delegate(body: BodyState): void {
  const { control, immediates } = body;
  if (control.kind[control.depth - 1] !== ControlKind.Try) throw immediates.malformed('delegate without try');
  immediates.label(1);
  endBlock(body);
}
