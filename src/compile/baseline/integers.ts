/** Integer arithmetic. Types and semantics: core spec 4.3.2. */

import { DivOp, IntOp, IntUnary, NO_REG, ShiftOp, Width } from '../../arch/masm.js';
import { TRAP_DIVIDE_BY_ZERO, TRAP_OVERFLOW } from '../../runtime/layout.js';
import { ValType } from '../wasm/module.js';
import { Op } from '../wasm/opcodes.js';
import type { FunctionCompiler } from './compile-function.js';
import { Kind } from './operands.js';

function intType(wide: number): ValType {
  return wide ? ValType.I64 : ValType.I32;
}

/** Whether a constant operand fits a sign-extended 32-bit immediate. */
export function fitsImmediate(c: FunctionCompiler, at: number, wide: number): boolean {
  const o = c.operands;
  return o.isConst(at) && (wide === 0 || o.hi[at] === o.lo[at] >> 31);
}

export function binary(c: FunctionCompiler, op: IntOp, wide: number): void {
  const { operands: o, masm } = c;
  const type = intType(wide);
  let rhs = o.height - 1;
  let lhs = rhs - 1;
  if (
    op !== IntOp.Sub &&
    !o.isConst(rhs) &&
    (o.isConst(lhs) || (o.kinds[rhs] === Kind.Reg && o.kinds[lhs] !== Kind.Reg))
  ) {
    rhs = lhs;
    lhs = o.height - 1;
  }
  if (fitsImmediate(c, rhs, wide)) {
    const imm = o.lo[rhs];
    const a = o.acquire(lhs);
    o.pop();
    o.pop();
    const dst = c.destination(type, a);
    masm.binaryImm(op, wide, dst, a, imm);
    c.finish(type, dst);
    return;
  }
  const a = o.acquire(lhs);
  if (o.inMemory(rhs)) {
    const slot = o.memorySlot(rhs);
    o.pop();
    o.pop();
    const dst = c.destination(type, a);
    masm.binarySlot(op, wide, dst, a, slot);
    c.finish(type, dst);
    return;
  }
  const b = o.acquire(rhs);
  o.pop();
  o.pop();
  const dst = c.destination(type, a);
  masm.binary(op, wide, dst, a, b);
  c.finish(type, dst);
}

export function shift(c: FunctionCompiler, op: ShiftOp, wide: number): void {
  const { operands: o, masm } = c;
  const type = intType(wide);
  const rhs = o.height - 1;
  const lhs = rhs - 1;
  if (o.isConst(rhs)) {
    const count = o.lo[rhs] & (wide ? 63 : 31);
    const next = wide ? Op.I64Add : Op.I32Add;
    if (op === ShiftOp.Shl && count <= 3 && c.bytes[c.position] === next && lhs > c.blockHeight()) {
      c.position++;
      addScaled(c, wide, count);
      return;
    }
    const a = o.acquire(lhs);
    o.pop();
    o.pop();
    const dst = c.destination(type, a);
    masm.shiftImm(op, wide, dst, a, count);
    c.finish(type, dst);
    return;
  }
  const a = o.acquire(lhs);
  const b = o.acquire(rhs);
  o.pop();
  o.pop();
  const dst = c.destination(type, a);
  masm.shift(op, wide, dst, a, b);
  c.finish(type, dst);
}

/** x + (y << scale), with x, y and the constant on the stack: an element's address. */
function addScaled(c: FunctionCompiler, wide: number, scale: number): void {
  const { operands: o, masm } = c;
  const type = intType(wide);
  o.pop();
  const b = o.acquire(o.height - 1);
  const a = o.acquire(o.height - 2);
  o.pop();
  o.pop();
  const dst = c.destination(type, b);
  masm.addScaled(wide, dst, a, b, scale);
  c.finish(type, dst);
}

export function unary(c: FunctionCompiler, op: IntUnary, wide: number, result: ValType): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  o.pop();
  const dst = c.destination(result, a);
  masm.unary(op, wide, dst, a);
  c.finish(result, dst);
}

export function wrap(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const top = o.height - 1;
  if (o.isConst(top)) {
    const { lo } = o;
    o.pop();
    o.pushConst(ValType.I32, lo[top], 0);
  } else if (o.inMemory(top)) {
    const slot = o.memorySlot(top);
    o.pop();
    const dst = c.destination(ValType.I32, NO_REG);
    masm.loadSlot(Width.Int32, dst, slot);
    c.finish(ValType.I32, dst);
  } else unary(c, IntUnary.WrapOrZeroExtend, 0, ValType.I32);
}

/** An i32 in a register already has its upper half zero: only an alias needs a copy. */
export function extendUnsigned(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const top = o.height - 1;
  const kind = o.kinds[top];
  if (kind === Kind.Const || kind === Kind.Reg) {
    o.types[top] = ValType.I64;
    o.hi[top] = 0;
  } else if (o.inMemory(top)) {
    const slot = o.memorySlot(top);
    o.pop();
    const dst = c.destination(ValType.I64, NO_REG);
    masm.loadSlot(Width.Int32, dst, slot);
    c.finish(ValType.I64, dst);
  } else unary(c, IntUnary.WrapOrZeroExtend, 0, ValType.I64);
}

export function divide(c: FunctionCompiler, op: DivOp, wide: number): void {
  const { operands: o, masm } = c;
  const { dividend, divideClobber } = masm.plan;
  const type = intType(wide);
  const rhs = o.height - 1;
  const lhs = rhs - 1;
  const divisor = o.isConst(rhs) && (wide === 0 || o.hi[rhs] === 0) ? o.lo[rhs] : 0;
  if (divisor > 0 && (divisor & (divisor - 1)) === 0 && (op === DivOp.DivU || op === DivOp.RemU)) {
    const a = o.acquire(lhs);
    o.pop();
    o.pop();
    const dst = c.destination(type, a);
    if (op === DivOp.DivU) masm.shiftImm(ShiftOp.ShrU, wide, dst, a, 31 - Math.clz32(divisor));
    else masm.binaryImm(IntOp.And, wide, dst, a, divisor - 1);
    c.finish(type, dst);
    return;
  }
  const checked = o.isConst(rhs) && (o.lo[rhs] | (wide ? o.hi[rhs] : 0)) !== 0;
  if (dividend === NO_REG) {
    const a = o.acquire(lhs);
    const b = o.acquire(rhs);
    if (!checked) c.trapIfZero(wide, b, TRAP_DIVIDE_BY_ZERO);
    o.pop();
    o.pop();
    const dst = c.destination(type, a);
    masm.divide(op, wide, dst, a, b);
    if (op === DivOp.DivS) c.trapSite(TRAP_OVERFLOW);
    c.finish(type, dst);
    return;
  }
  o.lock(dividend);
  o.lock(divideClobber);
  if (o.kinds[rhs] === Kind.Reg && (o.lo[rhs] === dividend || o.lo[rhs] === divideClobber)) o.evict(o.lo[rhs]);
  const b = o.acquire(rhs);
  o.moveTo(lhs, dividend);
  o.evict(divideClobber);
  if (!checked) c.trapIfZero(wide, b, TRAP_DIVIDE_BY_ZERO);
  o.pop();
  o.pop();
  masm.divide(op, wide, dividend, dividend, b);
  if (op === DivOp.DivS) c.trapSite(TRAP_OVERFLOW);
  o.unlock();
  o.pushReg(type, dividend);
}
