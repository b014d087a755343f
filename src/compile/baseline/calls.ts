/**
 * Calls. Each one in six steps:
 *
 *   1. operands below the arguments go to their slots (constants and aliases of locals stay descriptors),
 *   2. pinned locals go to their home slots,
 *   3. arguments go to registers and the outgoing area (call-layout.ts),
 *   4. the call,
 *   5. the safepoint at its return address, whose shape says where everything is,
 *   6. results become operands; pinned locals are reloaded when next used.
 */

import { Cond, NO_REG, type Reg, Width } from '../../arch/masm/masm.js';
import { FN_TYPE, INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { TRAP_SIGNATURE, TRAP_UNDEFINED_ELEMENT, TRAP_UNINITIALIZED } from '../../image/contract/traps.js';
import type { ValType } from '../../wasm/module.js';
import type { CallLayout } from '../convention/call-layout.js';
import type { Builtin } from '../convention/environment.js';
import { copySlots } from '../convention/slot-copies.js';
import type { FunctionCompiler } from './compile-function.js';

/** A call of a function of this module, by index. */
export function direct(c: FunctionCompiler, funcIndex: number): void {
  pushResults(c, callFunction(c, funcIndex));
}

/** Steps 1 to 5 of a direct call. The results stay where the callee has put them. */
export function callFunction(c: FunctionCompiler, funcIndex: number): CallLayout {
  const { masm } = c;
  const layout = c.callLayout(c.module.funcTypes[funcIndex]);
  const first = prepare(c, layout.type.params.length);
  passArguments(c, layout, first);
  const thunk = funcIndex < c.module.importedFuncCount ? c.environment.thunkOffset(funcIndex) : -1;
  const defined = funcIndex - c.module.importedFuncCount;
  if (defined >= 0) c.directCalls.call(defined);
  else if (thunk >= 0) masm.patchCall(masm.callThunk(), thunk);
  else {
    const record = masm.plan.pinnedInts[0];
    masm.loadField(Width.Int64, record, masm.plan.instance, c.layout.importPointerOffset(funcIndex));
    masm.callRecord(record);
    returned(c, layout, first);
    restoreInstance(c);
    return layout;
  }
  returned(c, layout, first);
  return layout;
}

export function indirect(c: FunctionCompiler, typeIndex: number, table: number): void {
  const { masm, operands: o } = c;
  const layout = c.callLayout(typeIndex);
  const { callTemp, pinnedInts } = masm.plan;
  const first = prepare(c, layout.type.params.length + 1);
  // The index goes to a pinned register; the local that lives there is in its slot.
  c.pins.forget(callTemp);
  o.load(o.height - 1, callTemp);
  o.pop();
  passArguments(c, layout, first);
  const record = pinnedInts[0];
  loadRecord(c, record, typeIndex, table);
  masm.callRecord(record);
  returned(c, layout, first);
  restoreInstance(c);
  pushResults(c, layout);
}

/**
 * Loads the record of the table's function whose index is in callTemp. Traps when there is none, or one of another
 * type.
 */
export function loadRecord(c: FunctionCompiler, record: Reg, typeIndex: number, table: number): void {
  c.recordAddress(record, c.layout.tableIsImported(table), c.layout.tableOffset(table));
  const accepted = c.layout.acceptedTypes(typeIndex);
  c.masm.loadTableRecord(
    record,
    record,
    c.masm.plan.callTemp,
    accepted.length === 1 ? accepted[0] : -1,
    c.traps.label(TRAP_UNDEFINED_ELEMENT),
    c.traps.label(TRAP_UNINITIALIZED),
    c.traps.label(TRAP_SIGNATURE),
  );
  if (accepted.length > 1) checkType(c, record, accepted);
}

/**
 * Traps unless the function of a record has one of the `accepted` types: the type itself and all its subtypes in the
 * image.
 */
export function checkType({ masm, traps }: FunctionCompiler, record: Reg, accepted: readonly number[]): void {
  const fits = accepted.length > 1 ? masm.newLabel() : -1;
  accepted.forEach((id, i) => {
    masm.compareFieldImm(0, record, FN_TYPE, id);
    if (i < accepted.length - 1) masm.branch(Cond.Eq, fits);
    else masm.branch(Cond.Ne, traps.label(TRAP_SIGNATURE));
  });
  if (fits >= 0) masm.bind(fits);
}

/**
 * A call of the host layer on behalf of an instruction: `records` give the leading address arguments, the topmost
 * `count` operands are the others. `result` is its type or 0.
 */
export function builtin(
  c: FunctionCompiler,
  name: Builtin,
  count: number,
  result: ValType | 0,
  ...records: ((reg: Reg) => void)[]
): void {
  const { masm, operands: o } = c;
  const { argInts, resultInt } = masm.plan;
  const first = prepare(c, count);
  c.argumentMove.run(first, count, argInts.slice(records.length));
  o.popTo(first);
  for (let i = 0; i < records.length; i++) records[i](argInts[i]);
  masm.patchCall(masm.call(), c.environment.builtinOffset(name));
  c.pins.valid = 0;
  c.safepoints.builtinReturned(first, result);
  if (result !== 0) o.pushReg(result, resultInt);
}

/** Steps 1 and 2; gives the index of the first of `count` arguments. */
export function prepare(c: FunctionCompiler, count: number): number {
  const { operands: o } = c;
  const first = o.height - count;
  o.spillBelow(first);
  c.pins.store(-1);
  return first;
}

/** Step 3; pops the arguments. */
export function passArguments(c: FunctionCompiler, layout: CallLayout, first: number): void {
  const { operands: o } = c;
  const count = layout.paramRegs.length;
  for (let i = 0; i < count; i++) {
    if (layout.paramSlots[i] >= 0) o.storeAt(first + i, layout.paramSlots[i] * 8);
  }
  c.argumentMove.run(first, count, layout.paramRegs);
  o.popTo(first);
}

/** Step 5. */
export function returned(c: FunctionCompiler, layout: CallLayout, first: number): void {
  c.pins.valid = 0;
  c.noteHandler();
  c.safepoints.returned(first, layout);
}

export function restoreInstance(c: FunctionCompiler): void {
  const { masm } = c;
  const { instance, memoryBase } = masm.plan;
  masm.address(instance, c.layout.start);
  masm.loadField(Width.Int64, memoryBase, instance, INST_MEMORY_BASE);
}

/** Step 6. */
export function pushResults(c: FunctionCompiler, layout: CallLayout): void {
  const { operands: o, masm } = c;
  const { results } = layout.type;
  if (layout.resultReg !== NO_REG) {
    o.pushReg(results[0], layout.resultReg);
    return;
  }
  for (let i = 0; i < results.length; i++) {
    copySlots(masm, results[i], layout.resultSlots[i] * 8, c.frame.operandSlot(o.height));
    o.pushSlot(results[i]);
  }
}
