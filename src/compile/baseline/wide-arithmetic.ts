/**
 * Wide arithmetic: sums and products of 128 bits, in two i64 each, the low half below the high one (the proposal for
 * wide arithmetic).
 */

import { type IntOp, NO_REG, type Reg } from '../../arch/masm/masm.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';
import { Kind } from './operands.js';

/** The result takes the registers of the first number. A zero as the second one's high half needs none. */
export function binary128(c: FunctionCompiler, op: IntOp.Add | IntOp.Sub): void {
  const { operands: o, masm, registers } = c;
  const first = o.height - 4;
  const lo = o.acquireOwn(first);
  const hi = o.acquireOwn(first + 1);
  const rhsLo = o.acquire(first + 2);
  const isSmall = o.isConst(first + 3) && (o.lo[first + 3] | o.hi[first + 3]) === 0;
  const rhsHi = isSmall ? NO_REG : o.acquire(first + 3);
  o.popTo(first);
  masm.binary128(op, lo, hi, rhsLo, rhsHi);
  registers.unlock();
  pushBoth(c, lo, hi);
}

export function multiply(c: FunctionCompiler, isSigned: boolean): void {
  if (c.masm.plan.dividend === NO_REG) multiplyAnywhere(c, isSigned);
  else multiplyInPlace(c, isSigned);
}

/** On a CPU that multiplies from any register to any. */
function multiplyAnywhere(c: FunctionCompiler, isSigned: boolean): void {
  const { operands: o, masm, registers } = c;
  const a = o.acquire(o.height - 2);
  const b = o.acquire(o.height - 1);
  o.popTo(o.height - 2);
  const lo = o.allocatePreferring(ValType.I64, a);
  registers.lock(lo);
  const hi = o.allocate(ValType.I64);
  masm.multiplyWide(isSigned, lo, hi, a, b);
  registers.unlock();
  pushBoth(c, lo, hi);
}

/** On a CPU whose multiplication has fixed registers: the plan's dividend and divideClobber. */
function multiplyInPlace(c: FunctionCompiler, isSigned: boolean): void {
  const { operands: o, masm, registers } = c;
  const { dividend, divideClobber } = masm.plan;
  const isIn = (at: number, reg: Reg) => o.kinds[at] === Kind.Reg && o.lo[at] === reg;
  let a = o.height - 2;
  let b = o.height - 1;
  if (isIn(b, dividend)) [a, b] = [b, a];
  registers.lock(dividend);
  registers.lock(divideClobber);
  const rhs = o.acquire(b);
  o.moveTo(a, dividend);
  if (rhs !== divideClobber) o.evict(divideClobber);
  o.popTo(o.height - 2);
  masm.multiplyWide(isSigned, dividend, divideClobber, dividend, rhs);
  registers.unlock();
  pushBoth(c, dividend, divideClobber);
}

function pushBoth({ operands: o }: FunctionCompiler, lo: Reg, hi: Reg): void {
  o.pushReg(ValType.I64, lo);
  o.pushReg(ValType.I64, hi);
}
