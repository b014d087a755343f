/**
 * Tail calls: the callee takes the place of this function's frame.
 *
 * Arguments in registers go where they go in any call; those in slots go to this function's own incoming area, which
 * our caller has reserved. Then the frame is released, and a jump goes to the callee. It returns to our caller, which
 * finds the results where it expects them, as they come first in the area (call-layout.ts). There is no site: nothing
 * of this function is left.
 *
 *  - Room. The caller knew only our type. So every function of the image that makes calls, and each trampoline,
 *    reserves at least `tailSlots` slots. That number is 0 until a tail call needs more slots than our own type has.
 *    Then the compiler reports that it lacks room, and the linker builds text again with as many slots as any type
 *    needs.
 *  - Overlap. The incoming area is also where our own stack parameters live, which may be arguments: then arguments go
 *    to their operand slots first.
 *  - Instances. A direct caller of ours expects its instance register unchanged. So a callee of another instance is
 *    called in the ordinary way, and its results are returned: such tail calls take stack. Exceptions from it are not
 *    caught here, as if our frame were gone. Through a table or a reference, only run time knows the callee's instance:
 *    the record names it.
 */

import { Cond, NO_REG, type Reg, Width } from '../../arch/masm/masm.js';
import { FN_CODE, FN_INSTANCE } from '../../image/contract/instance.js';
import { type CallLayout, slotsOf } from '../convention/call-layout.js';
import * as calls from './calls.js';
import type { FunctionCompiler } from './compile-function.js';
import { Kind } from './operands.js';

/** A tail call of a function of this module, by index. */
export function direct(c: FunctionCompiler, funcIndex: number): void {
  const { masm } = c;
  const imported = funcIndex < c.module.importedFuncCount;
  const thunk = imported ? c.environment.thunkOffset(funcIndex) : -1;
  if (imported && thunk < 0) {
    const handler = c.control.setHandler(-1);
    const layout = calls.callFunction(c, funcIndex);
    c.control.setHandler(handler);
    returnResults(c, layout);
  } else {
    const layout = c.callLayout(c.module.funcTypes[funcIndex]);
    const first = c.operands.height - layout.paramRegs.length;
    checkRoom(c, layout);
    const inPlace = !readsStackParameters(c, layout, first);
    storeStackArguments(c, layout, first, inPlace);
    c.argumentMove.run(first, layout.paramRegs.length, layout.paramRegs);
    if (!inPlace) copyStackArguments(c, layout, first, c.frame.incomingSlot(0));
    masm.leave(c.frame.size);
    if (imported) masm.patchJump(masm.jumpTo(), thunk);
    else c.directCalls.jump(funcIndex - c.module.importedFuncCount);
  }
  c.reachable = false;
}

export function indirect(c: FunctionCompiler, typeIndex: number, table: number): void {
  const { operands: o } = c;
  const { callTemp, pinnedInts } = c.masm.plan;
  const layout = c.callLayout(typeIndex);
  const first = begin(c, layout, pinnedInts[0]);
  c.pins.release(callTemp);
  o.load(o.height - 1, callTemp);
  o.pop();
  placeArguments(c, layout, first);
  calls.loadRecord(c, pinnedInts[0], typeIndex, table);
  jumpToRecord(c, layout, first, pinnedInts[0]);
}

/** A tail call of a function whose record `takeRecord` pops from the operands into a register that is none's. */
export function throughRecord(c: FunctionCompiler, typeIndex: number, record: Reg, takeRecord: () => void): void {
  const layout = c.callLayout(typeIndex);
  const first = begin(c, layout, record);
  takeRecord();
  placeArguments(c, layout, first);
  jumpToRecord(c, layout, first, record);
}

/**
 * Gives the index of the first argument. Operands below it go to slots, as the call may turn out to be an ordinary one.
 */
function begin(c: FunctionCompiler, layout: CallLayout, record: Reg): number {
  const first = c.operands.height - layout.paramRegs.length - 1;
  checkRoom(c, layout);
  c.operands.spillBelow(first);
  c.pins.release(record);
  return first;
}

/** Notes when our incoming area may be too small. The text made so far is then discarded. */
function checkRoom(c: FunctionCompiler, { slots }: CallLayout): void {
  if (slots > c.ownLayout.slots && slots > c.environment.tailSlots) c.lacksTailRoom = true;
}

/** Arguments from operand first on: to registers, or to their operand slots. */
function placeArguments(c: FunctionCompiler, layout: CallLayout, first: number): void {
  storeStackArguments(c, layout, first, false);
  c.argumentMove.run(first, layout.paramRegs.length, layout.paramRegs);
}

/**
 * The rest of a tail call through a record, whose arguments are placed and which is in a register of its own: jumps
 * when the function belongs to this instance, else calls it and returns.
 */
function jumpToRecord(c: FunctionCompiler, layout: CallLayout, first: number, record: Reg): void {
  const { masm, operands: o, frame } = c;
  const elsewhere = masm.newLabel();
  masm.compareField(1, masm.plan.instance, record, FN_INSTANCE);
  masm.branch(Cond.Ne, elsewhere);
  copyStackArguments(c, layout, first, frame.incomingSlot(0));
  masm.leave(frame.size);
  masm.jumpField(record, FN_CODE);
  masm.bind(elsewhere);
  copyStackArguments(c, layout, first, 0);
  c.pins.store(-1);
  o.popTo(first);
  masm.callRecord(record);
  const handler = c.control.setHandler(-1);
  calls.returned(c, layout, first);
  c.control.setHandler(handler);
  calls.restoreInstance(c);
  returnResults(c, layout);
  c.reachable = false;
}

/** Returns the results of a call that has just returned. They have no operand slots. */
function returnResults(c: FunctionCompiler, { type, resultReg, resultSlots }: CallLayout): void {
  const { frame } = c;
  if (resultReg === NO_REG) {
    type.results.forEach((result, i) => {
      copySlots(c, resultSlots[i] * 8, frame.incomingSlot(resultSlots[i]), slotsOf(result));
    });
  }
  c.leaveFunction();
}

/** Whether an argument is a parameter of ours that has to be read from the incoming area. */
function readsStackParameters(c: FunctionCompiler, { paramRegs }: CallLayout, first: number): boolean {
  const { operands: o, ownLayout } = c;
  const count = ownLayout.paramSlots.length;
  for (let i = 0; i < paramRegs.length; i++) {
    if (o.kinds[first + i] !== Kind.Local) continue;
    const local = o.lo[first + i];
    if (local < count && ownLayout.paramSlots[local] >= 0) return true;
  }
  return false;
}

/** Stores the arguments that travel in slots where they belong, or in their operand slots. */
function storeStackArguments(c: FunctionCompiler, layout: CallLayout, first: number, inPlace: boolean): void {
  const { operands: o, frame } = c;
  for (let i = 0; i < layout.paramSlots.length; i++) {
    const slot = layout.paramSlots[i];
    if (slot < 0) continue;
    o.storeAt(first + i, inPlace ? frame.incomingSlot(slot) : frame.operandSlot(first + i));
  }
}

/** Copies the arguments that travel in slots from their operand slots to an area at `area`, a byte offset from sp. */
function copyStackArguments(c: FunctionCompiler, layout: CallLayout, first: number, area: number): void {
  const { paramSlots, type } = layout;
  for (let i = 0; i < paramSlots.length; i++) {
    if (paramSlots[i] < 0) continue;
    copySlots(c, c.frame.operandSlot(first + i), area + paramSlots[i] * 8, slotsOf(type.params[i]));
  }
}

function copySlots({ masm }: FunctionCompiler, from: number, to: number, count: number): void {
  for (let i = 0; i < count; i++) {
    masm.loadSlot(Width.Int64, masm.scratch, from + i * 8);
    masm.storeSlot(Width.Int64, masm.scratch, to + i * 8);
  }
}
