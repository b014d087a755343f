/**
 * Exceptions. Core spec 4.6.8 (throw, throw_ref, try_table), and the legacy proposal's try.
 *
 * Entering and leaving a try is no instruction: each call inside of one is a row of the handler table
 * (image/tables/handler-table.ts), by its return address. To throw, the payload goes to the slots that its operands
 * own, and a builtin makes the exception and unwinds. An exception is caught at a landing. There, pinned locals are in
 * their home slots, as after every call, and operands below the block are in their slots or constants, as at any label.
 * The landings of a try_table come after the function's code. Each branches to the label of its clause, in the state
 * that `control` decided for that label when the block was entered. A legacy catch body is its own landing; a hidden
 * operand below the body's holds the exception, for rethrow.
 */

import { IntOp, Width } from '../../arch/masm/masm.js';
import { EXN_VALUE_SIZE, EXN_VALUES } from '../../image/contract/exception-tables.js';
import { TRAP_NULL_REFERENCE, TRAP_UNREACHABLE } from '../../image/contract/traps.js';
import { type FuncType, ValType } from '../../wasm/module.js';
import { CatchKind } from '../../wasm/validate-exceptions.js';
import { isFloat, widthOf } from '../convention/call-layout.js';
import type { Builtin } from '../convention/environment.js';
import { copyField } from '../convention/slot-copies.js';
import { end, leaveFor } from './branches.js';
import { prepare, restoreInstance } from './calls.js';
import type { FunctionCompiler } from './compile-function.js';
import { Block } from './control.js';

/** Landings of the function's try_tables: clause, kind, tag, label's number, its frame's kind, height and pins. */
const PAD_WORDS = 7;

function payloadOf(c: FunctionCompiler, tag: number): Uint8Array {
  return c.module.types[c.module.tags[tag]].params;
}

// -- throwing

export function throwTag(c: FunctionCompiler, tag: number): void {
  const { masm, operands: o, frame } = c;
  const { argInts } = masm.plan;
  const count = payloadOf(c, tag).length;
  const first = prepare(c, count);
  for (let i = first; i < o.height; i++) o.storeAt(i, frame.operandSlot(i));
  o.popTo(first);
  masm.address(argInts[0], c.environment.tagRecord(tag));
  masm.move64Sp(argInts[1]);
  masm.binaryImm(IntOp.Add, 1, argInts[1], argInts[1], frame.operandSlot(first));
  masm.constant(argInts[2], 0, frame.operandSlot(1) - frame.operandSlot(0), 0);
  unwind(c, 'throw_tag');
}

export function throwRef(c: FunctionCompiler): void {
  const { masm, operands: o } = c;
  const { argInts } = masm.plan;
  const first = prepare(c, 1);
  c.argumentMove.run(first, 1, argInts);
  o.popTo(first);
  c.traps.ifZero(1, argInts[0], TRAP_NULL_REFERENCE);
  unwind(c, 'throw_ref');
}

export function rethrow(c: FunctionCompiler, depth: number): void {
  const { masm, operands: o, control } = c;
  prepare(c, 0);
  o.load(control.heights[control.depth - 1 - depth], masm.plan.argInts[0]);
  unwind(c, 'throw_ref');
}

/** Calls a builtin that does not return. The instruction after the call gives the backtrace its position. */
function unwind(c: FunctionCompiler, builtin: Builtin): void {
  const { masm } = c;
  masm.patchCall(masm.call(), c.environment.builtinOffset(builtin));
  c.noteHandler();
  masm.trap();
  c.traps.site(TRAP_UNREACHABLE);
  c.reachable = false;
}

// -- try_table

/** The clauses are read from the body, and their labels are those around the block. */
export function tryTable(c: FunctionCompiler, type: FuncType): void {
  const { operands: o, control } = c;
  const { handlers } = c.environment;
  const height = o.height - type.params.length;
  o.flush(o.height, height);
  const handler = handlers.open(control.handler());
  for (let count = c.readU32(); count > 0; count--) {
    const kind = c.bytes[c.position++];
    const tag = (kind & CatchKind.CatchAll) === 0 ? c.readU32() : -1;
    const at = control.depth - 1 - c.readU32();
    const clause = handlers.clause(handler, tag < 0 ? 0 : c.environment.tagRecord(tag));
    if (control.kinds[at] !== Block.Loop && control.decided[at] === 0) control.decide(at, c.pins.valid);
    const { words } = c.landings;
    words.push(clause);
    words.push(kind);
    words.push(tag >>> 0);
    words.push(control.labels[at]);
    words.push(control.kinds[at]);
    words.push(control.heights[at]);
    words.push(control.validAt[at] >>> 0);
  }
  control.handlers[control.push(Block.Block, type, height)] = handler;
}

/** After the function's code. */
export function emitLandings(c: FunctionCompiler): void {
  const { words, length } = c.landings.words;
  for (let i = 0; i < length; i += PAD_WORDS) {
    c.environment.handlers.land(words[i], c.masm.offset);
    restoreInstance(c);
    const tag = words[i + 2] | 0;
    const types = tag < 0 ? [] : [...payloadOf(c, tag)];
    if ((words[i + 1] & CatchKind.CatchRef) !== 0) types.push(ValType.ExnRef);
    const referenceAt = (words[i + 1] & CatchKind.CatchRef) !== 0 ? types.length - 1 : -1;
    if (words[i + 4] === Block.Function) returnPayload(c, types, referenceAt);
    else branchWithPayload(c, types, referenceAt, words[i + 3], words[i + 4], words[i + 5], words[i + 6] | 0);
  }
}

function returnPayload(c: FunctionCompiler, types: readonly ValType[], referenceAt: number): void {
  const { frame, ownLayout } = c;
  if (types.length === 1) resultFromPayload(c, types[0], referenceAt === 0);
  else {
    types.forEach((type, i) => {
      payloadToSlot(c, type, i === referenceAt ? -1 : i, frame.incomingSlot(ownLayout.resultSlots[i]));
    });
  }
  c.leaveFunction();
}

function branchWithPayload(
  c: FunctionCompiler,
  types: readonly ValType[],
  referenceAt: number,
  label: number,
  kind: Block,
  height: number,
  valid: number,
): void {
  const { masm, frame } = c;
  if (types.length === 1 && kind !== Block.Loop) resultFromPayload(c, types[0], referenceAt === 0);
  else {
    types.forEach((type, i) => {
      payloadToSlot(c, type, i === referenceAt ? -1 : i, frame.operandSlot(height + i));
    });
  }
  c.pins.valid = 0;
  c.pins.load(kind === Block.Loop ? -1 : valid);
  masm.jump(label);
}

/** Loads a single value into the result register of its class. The exception is in resultInt. */
function resultFromPayload(c: FunctionCompiler, type: ValType, isReference: boolean): void {
  const { masm } = c;
  if (isReference) return;
  const { resultInt, resultFloat } = masm.plan;
  masm.loadField(widthOf(type), isFloat(type) ? resultFloat : resultInt, resultInt, EXN_VALUES);
}

/** Value `index` of the exception in the result register, or the exception itself (-1), to a slot. */
function payloadToSlot(c: FunctionCompiler, type: ValType, index: number, slot: number): void {
  const { masm } = c;
  const { resultInt } = masm.plan;
  if (index < 0) masm.storeSlot(Width.Int64, resultInt, slot);
  else copyField(masm, type, resultInt, EXN_VALUES + index * EXN_VALUE_SIZE, slot);
}

// -- the legacy try

export function tryBlock(c: FunctionCompiler, type: FuncType): void {
  const { operands: o, control } = c;
  const height = o.height - type.params.length;
  o.flush(o.height, height);
  const handler = c.environment.handlers.open(control.handler());
  const at = control.push(Block.Try, type, height);
  control.handlers[at] = handler;
  control.tries[at] = handler;
}

/** @param tag -1 for catch_all */
export function catchArm(c: FunctionCompiler, tag: number): void {
  const { masm, operands: o, control, frame } = c;
  const { handlers } = c.environment;
  const at = control.depth - 1;
  if (c.reachable) leaveFor(c, at);
  control.kinds[at] = Block.Catch;
  control.handlers[at] = handlers.parent(control.tries[at]);
  o.popTo(control.heights[at]);
  c.pins.valid = 0;
  c.pins.clean = frame.allPins;
  c.reachable = true;
  handlers.clause(control.tries[at], tag < 0 ? 0 : c.environment.tagRecord(tag), masm.offset);
  restoreInstance(c);
  payloadToSlot(c, ValType.ExnRef, -1, frame.operandSlot(o.height));
  o.pushSlot(ValType.ExnRef);
  if (tag < 0) return;
  payloadOf(c, tag).forEach((type, i) => {
    payloadToSlot(c, type, i, frame.operandSlot(o.height));
    o.pushSlot(type);
  });
}

/** Ends a try that delegates: its exceptions are caught as if they were thrown at the label, which is outside of it. */
export function delegate(c: FunctionCompiler, depth: number): void {
  const { control } = c;
  const at = control.depth - 1;
  c.environment.handlers.delegate(control.tries[at], control.handlers[at - 1 - depth]);
  end(c);
}
