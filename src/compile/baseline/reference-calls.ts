/**
 * Typed function references: calls through them, null checks, branches on null. Core spec 4.4.3 and 4.4.8.
 *
 * A reference is a record's address, whatever its type. The type of a function that is called is compared once more:
 * the validator has proved it, but not for a reference that a restored snapshot has brought.
 */

import { Cond, type Reg } from '../../arch/masm/masm.js';
import { TRAP_NULL_REFERENCE } from '../../image/contract/traps.js';
import { functionReturn, placeResults } from './branches.js';
import * as calls from './calls.js';
import type { FunctionCompiler } from './compile-function.js';
import { Block } from './control.js';
import * as tailCalls from './tail-calls.js';

export function callRef(c: FunctionCompiler, typeIndex: number): void {
  const { masm } = c;
  const layout = c.callLayout(typeIndex);
  const first = calls.prepare(c, layout.type.params.length + 1);
  const record = masm.plan.pinnedInts[0];
  c.pins.forget(record);
  takeRecord(c, typeIndex, record);
  calls.passArguments(c, layout, first);
  masm.callRecord(record);
  calls.returned(c, layout, first);
  calls.restoreInstance(c);
  calls.pushResults(c, layout);
}

export function returnCallRef(c: FunctionCompiler, typeIndex: number): void {
  const record = c.masm.plan.pinnedInts[0];
  tailCalls.throughRecord(c, typeIndex, record, () => takeRecord(c, typeIndex, record));
}

/**
 * Pops the topmost operand, a reference, into a register that is no operand's, if it is one to a function of the type.
 */
function takeRecord(c: FunctionCompiler, typeIndex: number, record: Reg): void {
  const { operands: o } = c;
  o.load(o.height - 1, record);
  o.pop();
  c.traps.ifZero(1, record, TRAP_NULL_REFERENCE);
  calls.checkType(c, record, c.layout.acceptedTypes(typeIndex));
}

export function asNonNull(c: FunctionCompiler): void {
  const { operands: o } = c;
  c.traps.ifZero(1, o.acquire(o.height - 1), TRAP_NULL_REFERENCE);
  c.registers.unlock();
}

/** Branches with the operands below the reference. When the branch is not taken, the reference stays. */
export function brOnNull(c: FunctionCompiler, depth: number): void {
  branch(c, depth, Cond.Ne, c.operands.height - 1);
}

/** Branches with the reference too. When the branch is not taken, the reference is dropped. */
export function brOnNonNull(c: FunctionCompiler, depth: number): void {
  branch(c, depth, Cond.Eq, c.operands.height);
  c.operands.pop();
}

/**
 * @param over the condition of the topmost operand, compared with null, for not branching
 * @param carried height above what the branch takes along
 */
function branch(c: FunctionCompiler, depth: number, over: Cond, carried: number): void {
  const { operands: o, masm, control } = c;
  const at = control.depth - 1 - depth;
  const toFunction = control.kinds[at] === Block.Function;
  if (!toFunction) control.conform(at);
  const label = masm.newLabel();
  masm.testZero(1, o.acquire(o.height - 1));
  c.registers.unlock();
  masm.branch(over, label);
  if (toFunction) functionReturn(c, carried);
  else {
    placeResults(c, at, carried);
    masm.jump(control.leave(at));
  }
  masm.bind(label);
}
