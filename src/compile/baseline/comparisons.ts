/**
 * Comparisons, and the conditions that branches, `if` and `select` consume.
 *
 * A comparison directly before such an instruction (with any i32.eqz between) emits nothing: it leaves its
 * operands on the value stack and a pending condition in the compiler; the consumer compares and uses the flags.
 *
 *     takeCondition (loads what is compared, pops it) … emitFlags … branch, select or set
 */

import { Cond, IntOp, type Label, NO_REG } from '../../arch/masm/masm.js';
import { ValType } from '../../wasm/module.js';
import { Op } from '../../wasm/opcodes.js';
import { isWide } from '../convention/call-layout.js';
import type { FunctionCompiler } from './compile-function.js';
import { Pending } from './condition.js';
import { fitsImmediate } from './integers.js';

/** The condition for swapped operands. */
const MIRRORED = [Cond.Eq, Cond.Ne, Cond.GtS, Cond.GtU, Cond.LtS, Cond.LtU, Cond.GeS, Cond.GeU, Cond.LeS, Cond.LeU];

/** How many operands the pending condition has on the value stack. */
export function conditionOperands(c: FunctionCompiler): number {
  const { pending } = c.condition;
  return pending === Pending.Int || pending === Pending.Float ? 2 : 1;
}

export function compare(c: FunctionCompiler, pending: Pending, cond: Cond, wide: number): void {
  const k = c.condition;
  k.pending = pending;
  k.cond = cond;
  k.wide = wide;
  k.negated = false;
  const { bytes } = c;
  while (bytes[c.position] === Op.I32Eqz) {
    c.position++;
    k.negated = !k.negated;
  }
  const next = c.isPlain ? Op.Nop : bytes[c.position];
  if (next === Op.BrIf || next === Op.If || next === Op.Select || next === Op.SelectT) return;
  takeCondition(c);
  const dst = c.destination(ValType.I32, NO_REG);
  emitFlags(c);
  c.masm.setCondition(k.cond, dst);
  if (k.negated) c.masm.binaryImm(IntOp.Xor, 0, dst, dst, 1);
  c.finish(ValType.I32, dst);
}

/** Loads the operands of the condition and pops them. They stay locked. May emit code, but no comparison. */
export function takeCondition(c: FunctionCompiler): void {
  const { operands: o, condition: k } = c;
  const top = o.height - 1;
  k.rhs = NO_REG;
  k.slot = -1;
  switch (k.pending) {
    case Pending.None:
      k.cond = Cond.Ne;
      k.wide = 0;
      k.negated = false;
      k.lhs = o.acquire(top);
      o.pop();
      return;
    case Pending.Zero:
      k.lhs = o.acquire(top);
      o.pop();
      return;
    case Pending.Float:
      k.lhs = o.acquire(top - 1);
      k.rhs = o.acquire(top);
      break;
    case Pending.Int: {
      let lhs = top - 1;
      let rhs = top;
      if (fitsImmediate(c, lhs, k.wide) && !o.isConst(rhs)) {
        lhs = top;
        rhs = top - 1;
        k.cond = MIRRORED[k.cond];
      }
      if (fitsImmediate(c, rhs, k.wide)) k.imm = o.lo[rhs];
      else if (o.inMemory(rhs)) k.slot = o.memorySlot(rhs);
      else k.rhs = o.acquire(rhs);
      k.lhs = o.acquire(lhs);
      break;
    }
  }
  o.pop();
  o.pop();
}

/** Compares. The next instruction must use the flags. */
export function emitFlags(c: FunctionCompiler): void {
  const { masm, condition: k } = c;
  const { pending } = k;
  k.pending = Pending.None;
  if (pending === Pending.None || pending === Pending.Zero) masm.testZero(k.wide, k.lhs);
  else if (pending === Pending.Float) masm.compareFloat(k.cond, k.wide, k.lhs, k.rhs);
  else if (k.rhs !== NO_REG) masm.compare(k.wide, k.lhs, k.rhs);
  else if (k.slot >= 0) masm.compareSlot(k.wide, k.lhs, k.slot);
  else masm.compareImm(k.wide, k.lhs, k.imm);
}

/** Branches when the condition holds (or, inverted, when it does not). */
export function branchOnFlags(c: FunctionCompiler, label: Label, inverted: boolean): void {
  const { condition: k } = c;
  if (k.negated !== inverted) c.masm.branchUnless(k.cond, label);
  else c.masm.branch(k.cond, label);
}

/** select with a type immediate, which is ignored: the operands have that type. */
export function selectTyped(c: FunctionCompiler): void {
  for (let count = c.readU32(); count > 0; count--) c.readValType();
  select(c);
}

export function select(c: FunctionCompiler): void {
  const { operands: o, masm, condition: k } = c;
  takeCondition(c);
  const type = o.types[o.height - 1];
  const b = o.acquire(o.height - 1);
  const a = o.acquire(o.height - 2);
  const dst = c.destination(type, a, 2);
  emitFlags(c);
  const first = k.negated ? b : a;
  const second = k.negated ? a : b;
  if (type === ValType.V128) masm.selectVector(k.cond, dst, first, second);
  else masm.select(k.cond, isWide(type), dst, first, second);
  c.finish(type, dst);
}
