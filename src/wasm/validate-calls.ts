/** Validation of calls and tail calls (core spec 3.3.8): direct, through a table, and through a reference. */

import type { BodyState } from './body-state.js';
import { paramList, resultList } from './type-lists.js';

export function call(body: BodyState): void {
  callType(body, calleeType(body));
}

export function callIndirect(body: BodyState): void {
  callType(body, calleeInTable(body));
}

export function callRef(body: BodyState): void {
  callType(body, calleeOfReference(body));
}

export function returnCall(body: BodyState): void {
  tailCall(body, calleeType(body));
}

export function returnCallIndirect(body: BodyState): void {
  tailCall(body, calleeInTable(body));
}

export function returnCallRef(body: BodyState): void {
  tailCall(body, calleeOfReference(body));
}

function calleeType({ module, immediates }: BodyState): number {
  return module.funcTypes[immediates.func()];
}

/** Reads the type and the table, and pops the index in it. */
function calleeInTable({ operands, immediates }: BodyState): number {
  const typeIndex = immediates.indirectType();
  operands.pop(immediates.address);
  return typeIndex;
}

/** Reads the type, and pops a reference to a function of it. */
function calleeOfReference({ reader, operands, immediates }: BodyState): number {
  const typeIndex = immediates.typeIndex();
  operands.pop(reader.refTypes.named(true, typeIndex));
  return typeIndex;
}

/** Arguments are popped, results pushed. */
function callType(body: BodyState, typeIndex: number): void {
  body.noteCall(typeIndex);
  body.operands.popList(paramList(typeIndex));
  body.operands.pushList(resultList(typeIndex));
}

/** A call whose results are the function's own (3.3.8.12). */
function tailCall(body: BodyState, typeIndex: number): void {
  const { control, operands, lists } = body;
  if (!lists.matches(resultList(typeIndex), control.endList[0], operands.refTypes)) {
    throw operands.mismatch('the results of a tail call are not those of the function');
  }
  callType(body, typeIndex);
  body.setUnreachable();
}
