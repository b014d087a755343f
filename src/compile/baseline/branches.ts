/** Control instructions: blocks, branches and returns. Core spec 4.4.8; states at labels: control.ts. */

import type { Label } from '../../arch/masm/masm.js';
import { NO_REG } from '../../arch/masm/masm.js';
import { TRAP_UNREACHABLE } from '../../image/contract/traps.js';
import { type FuncType, ValType } from '../../wasm/module.js';
import { isFloat } from '../convention/call-layout.js';
import { branchOnFlags, conditionOperands, emitFlags, takeCondition } from './comparisons.js';
import type { FunctionCompiler } from './compile-function.js';
import { Block } from './control.js';

export function block(c: FunctionCompiler, type: FuncType): void {
  const { operands: o } = c;
  const height = o.height - type.params.length;
  o.flush(o.height, height);
  c.control.push(Block.Block, type, height);
}

export function loop(c: FunctionCompiler, type: FuncType): void {
  const { operands: o, masm, control } = c;
  const height = o.height - type.params.length;
  o.flush(o.height, height);
  const at = control.push(Block.Loop, type, height);
  c.pins.load(-1);
  c.pins.clean = 0;
  c.safepoints.separate();
  masm.bind(control.labels[at]);
  c.safepoints.loop();
}

export function ifBlock(c: FunctionCompiler, type: FuncType): void {
  const { operands: o, masm, control } = c;
  const top = o.height - conditionOperands(c);
  const height = top - type.params.length;
  o.flush(top, height);
  takeCondition(c);
  const at = control.push(Block.If, type, height);
  control.elseLabels[at] = masm.newLabel();
  control.elseValid[at] = c.pins.valid;
  control.elseClean[at] = c.pins.clean;
  emitFlags(c);
  c.registers.unlock();
  branchOnFlags(c, control.elseLabels[at], true);
}

export function elseArm(c: FunctionCompiler): void {
  const { operands: o, control } = c;
  const at = control.depth - 1;
  if (c.reachable) leaveFor(c, at);
  beginElse(c, at);
  control.kinds[at] = Block.Else;
  for (const type of control.types[at].params) o.pushSlot(type);
}

/** Jumps to the label of frame `at`, carrying its results. */
export function leaveFor(c: FunctionCompiler, at: number): void {
  placeResults(c, at);
  c.control.conform(at);
  c.masm.jump(c.control.leave(at));
}

/** Binds the else label: the state is the one at the `if`, the block's parameters are popped. */
function beginElse(c: FunctionCompiler, at: number): void {
  const { operands: o, masm, control } = c;
  c.safepoints.separate();
  masm.bind(control.elseLabels[at]);
  o.popTo(control.heights[at]);
  c.pins.valid = control.elseValid[at];
  c.pins.clean = control.elseClean[at];
  c.reachable = true;
}

export function end(c: FunctionCompiler): void {
  const { operands: o, masm, control } = c;
  const at = control.depth - 1;
  const kind = control.kinds[at];
  if (kind === Block.Function) {
    if (c.reachable) functionReturn(c, o.height);
    control.depth--;
    return;
  }
  if (kind === Block.If) endWithoutElse(c, at);
  else if (kind === Block.Loop || (control.decided[at] === 0 && !(kind === Block.Catch && c.reachable))) {
    // Nobody branches here: the results stay where they are, unless a caught exception lies below them.
    control.depth--;
    if (kind !== Block.Loop) masm.bind(control.labels[at]);
    return;
  } else if (c.reachable) {
    placeResults(c, at);
    control.conform(at);
    control.leave(at);
  }
  control.depth--;
  c.safepoints.separate();
  control.arrive(at);
  c.reachable = true;
  const { results } = control.types[at];
  o.popTo(control.heights[at]);
  if (results.length === 1) o.pushReg(results[0], resultRegister(c, at));
  else for (const type of results) o.pushSlot(type);
}

/** A missing else arm returns the block's parameters, which are in their slots. */
function endWithoutElse(c: FunctionCompiler, at: number): void {
  const { operands: o, masm, control } = c;
  const { params } = control.types[at];
  const elseValid = control.elseValid[at];
  if (control.decided[at] === 0) control.decide(at, elseValid);
  let skip: Label = -1;
  if (c.reachable) {
    placeResults(c, at);
    control.conform(at);
    control.leave(at);
    const agrees = control.validAt[at] === elseValid && params.length === 0;
    if (!agrees) {
      skip = control.labels[at];
      masm.jump(skip);
    }
  }
  beginElse(c, at);
  for (const type of params) o.pushSlot(type);
  placeResults(c, at);
  control.conform(at);
  control.leave(at);
}

function resultRegister(c: FunctionCompiler, at: number): number {
  const { plan } = c.masm;
  return isFloat(c.control.types[at].results[0]) ? plan.resultFloat : plan.resultInt;
}

/**
 * Moves the values that a branch to frame `at` carries, the operands right below `top`, to where the label expects
 * them. The operands below those are not needed any more.
 */
export function placeResults(c: FunctionCompiler, at: number, top = c.operands.height): void {
  const { operands: o, control } = c;
  const count = control.arity(at);
  if (count === 0) return;
  const first = top - count;
  if (control.inRegister(at)) {
    o.load(first, resultRegister(c, at));
    return;
  }
  const height = control.heights[at];
  for (let i = 0; i < count; i++) o.storeAt(first + i, c.frame.operandSlot(height + i));
}

export function br(c: FunctionCompiler, depth: number): void {
  const { operands: o, control } = c;
  const at = control.depth - 1 - depth;
  if (control.kinds[at] === Block.Function) functionReturn(c, o.height);
  else leaveFor(c, at);
  c.reachable = false;
}

export function brIf(c: FunctionCompiler, depth: number): void {
  const { operands: o, masm, control } = c;
  const at = control.depth - 1 - depth;
  const count = control.arity(at);
  const carried = o.height - conditionOperands(c); // height above what the branch carries
  const toFunction = control.kinds[at] === Block.Function;
  if (toFunction || (count > 0 && !control.inRegister(at))) {
    if (!toFunction) control.conform(at);
    takeCondition(c);
    const over = masm.newLabel();
    emitFlags(c);
    c.registers.unlock();
    branchOnFlags(c, over, true);
    if (toFunction) functionReturn(c, carried);
    else {
      placeResults(c, at);
      masm.jump(control.leave(at));
    }
    masm.bind(over);
    return;
  }
  if (count === 1) {
    o.moveTo(carried - 1, resultRegister(c, at));
    c.registers.lock(resultRegister(c, at));
  }
  control.conform(at);
  takeCondition(c);
  emitFlags(c);
  c.registers.unlock();
  branchOnFlags(c, control.leave(at), false);
}

/** Reads the labels. Those that carry values get a stub each that puts them in place; others are jumped to directly. */
export function brTable(c: FunctionCompiler): void {
  const { operands: o, masm, control } = c;
  const count = c.readU32() + 1;
  const targets = control.targets(count); // frames, then the labels to jump to
  for (let i = 0; i < count; i++) {
    const at = control.depth - 1 - c.readU32();
    if (control.kinds[at] !== Block.Function) control.conform(at);
    targets[i] = at;
  }
  const index = o.acquire(o.height - 1);
  let reg = index;
  if (!c.registers.isWritable(index)) {
    reg = o.allocate(ValType.I32);
    masm.move(reg, index);
  }
  o.pop();
  c.registers.unlock();
  const { stubs } = control;
  stubs.fill(-1, 0, control.depth);
  for (let i = 0; i < count; i++) {
    const at = targets[i];
    if (control.kinds[at] !== Block.Function && control.arity(at) === 0) targets[i] = control.leave(at);
    else targets[i] = stubs[at] < 0 ? (stubs[at] = masm.newLabel()) : stubs[at];
  }
  masm.jumpTable(reg, targets, count);
  for (let at = 0; at < control.depth; at++) {
    if (stubs[at] < 0) continue;
    masm.bind(stubs[at]);
    if (control.kinds[at] === Block.Function) functionReturn(c, o.height);
    else {
      placeResults(c, at);
      masm.jump(control.leave(at));
    }
  }
  c.reachable = false;
}

export function returnInstruction(c: FunctionCompiler): void {
  functionReturn(c, c.operands.height);
  c.reachable = false;
}

export function unreachable(c: FunctionCompiler): void {
  c.masm.trap();
  c.traps.site(TRAP_UNREACHABLE);
  c.reachable = false;
}

/**
 * Moves the results to where the caller expects them (call-layout.ts), then the epilogue. `height`: above the results.
 */
export function functionReturn(c: FunctionCompiler, height: number): void {
  const { operands: o, frame } = c;
  const layout = c.ownLayout;
  const count = layout.type.results.length;
  const first = height - count;
  if (layout.resultReg !== NO_REG) o.load(first, layout.resultReg);
  else for (let i = 0; i < count; i++) o.storeAt(first + i, frame.incomingSlot(layout.resultSlots[i]));
  c.leaveFunction();
}
