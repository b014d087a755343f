/** Integer arithmetic. Types and semantics: core spec 4.3.2. */

import { DivOp, IntOp, IntUnary, NO_REG, type Reg, ShiftOp, Width } from '../../arch/masm/masm.js';
import { TRAP_DIVIDE_BY_ZERO, TRAP_OVERFLOW } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import { Op } from '../../wasm/opcodes.js';
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
  const a = o.acquire(lhs);
  let dst: Reg;
  if (fitsImmediate(c, rhs, wide)) {
    const imm = o.lo[rhs];
    dst = c.destination(type, a, 2);
    masm.binaryImm(op, wide, dst, a, imm);
  } else if (o.inMemory(rhs)) {
    const slot = o.memorySlot(rhs);
    dst = c.destination(type, a, 2);
    masm.binarySlot(op, wide, dst, a, slot);
  } else {
    const b = o.acquire(rhs);
    dst = c.destination(type, a, 2);
    masm.binary(op, wide, dst, a, b);
  }
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
    if (op === ShiftOp.Shl && count <= 3 && c.bytes[c.position] === next && lhs > c.control.height()) {
      c.position++;
      addScaled(c, wide, count);
      return;
    }
    const a = o.acquire(lhs);
    const dst = c.destination(type, a, 2);
    masm.shiftImm(op, wide, dst, a, count);
    c.finish(type, dst);
    return;
  }
  const a = o.acquire(lhs);
  const b = o.acquire(rhs);
  const dst = c.destination(type, a, 2);
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
  const dst = c.destination(type, b, 2);
  masm.addScaled(wide, dst, a, b, scale);
  c.finish(type, dst);
}

export function unary(c: FunctionCompiler, op: IntUnary, wide: number, result: ValType): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(result, a, 1);
  masm.unary(op, wide, dst, a);
  c.finish(result, dst);
}

export function wrap(c: FunctionCompiler): void {
  const { operands: o } = c;
  const top = o.height - 1;
  if (o.isConst(top)) {
    const { lo } = o;
    o.pop();
    o.pushConst(ValType.I32, lo[top], 0);
  } else lowHalf(c, ValType.I32);
}

/** An i32 in a register already has its upper half zero: only an alias needs a copy. */
export function extendUnsigned(c: FunctionCompiler): void {
  const { operands: o } = c;
  const top = o.height - 1;
  const kind = o.kinds[top];
  if (kind === Kind.Const || kind === Kind.Reg) {
    o.types[top] = ValType.I64;
    o.hi[top] = 0;
  } else lowHalf(c, ValType.I64);
}

/** Replaces the topmost operand by its lower half, zero-extended. */
function lowHalf(c: FunctionCompiler, result: ValType): void {
  const { operands: o, masm } = c;
  const top = o.height - 1;
  if (!o.inMemory(top)) {
    unary(c, IntUnary.WrapOrZeroExtend, 0, result);
    return;
  }
  const slot = o.memorySlot(top);
  const dst = c.destination(result, NO_REG, 1);
  masm.loadSlot(Width.Int32, dst, slot);
  c.finish(result, dst);
}

export function divide(c: FunctionCompiler, op: DivOp, wide: number): void {
  const { operands: o } = c;
  const rhs = o.height - 1;
  const divisor = o.isConst(rhs) && (wide === 0 || o.hi[rhs] === 0) ? o.lo[rhs] : 0;
  const isPowerOfTwo = divisor > 0 && (divisor & (divisor - 1)) === 0;
  if (isPowerOfTwo && (op === DivOp.DivU || op === DivOp.RemU)) divideByPower(c, op, wide, divisor);
  else if (c.masm.plan.dividend === NO_REG) divideAnywhere(c, op, wide);
  else divideInPlace(c, op, wide);
}

/** Unsigned, by a power of two. */
function divideByPower(c: FunctionCompiler, op: DivOp, wide: number, divisor: number): void {
  const { operands: o, masm } = c;
  const type = intType(wide);
  const a = o.acquire(o.height - 2);
  const dst = c.destination(type, a, 2);
  if (op === DivOp.DivU) masm.shiftImm(ShiftOp.ShrU, wide, dst, a, 31 - Math.clz32(divisor));
  else masm.binaryImm(IntOp.And, wide, dst, a, divisor - 1);
  c.finish(type, dst);
}

/** On a CPU that divides from any register to any. */
function divideAnywhere(c: FunctionCompiler, op: DivOp, wide: number): void {
  const { operands: o, masm } = c;
  const type = intType(wide);
  const rhs = o.height - 1;
  const checked = isNonZero(c, rhs, wide);
  const a = o.acquire(rhs - 1);
  const b = o.acquire(rhs);
  if (!checked) c.traps.ifZero(wide, b, TRAP_DIVIDE_BY_ZERO);
  const dst = c.destination(type, a, 2);
  masm.divide(op, wide, dst, a, b);
  if (op === DivOp.DivS) c.traps.site(TRAP_OVERFLOW);
  c.finish(type, dst);
}

/** On a CPU whose division has fixed registers: the plan's dividend, which takes the result too, and divideClobber. */
function divideInPlace(c: FunctionCompiler, op: DivOp, wide: number): void {
  const { operands: o, masm, registers } = c;
  const { dividend, divideClobber } = masm.plan;
  const rhs = o.height - 1;
  const checked = isNonZero(c, rhs, wide);
  registers.lock(dividend);
  registers.lock(divideClobber);
  if (o.kinds[rhs] === Kind.Reg && (o.lo[rhs] === dividend || o.lo[rhs] === divideClobber)) o.evict(o.lo[rhs]);
  const b = o.acquire(rhs);
  o.moveTo(rhs - 1, dividend);
  o.evict(divideClobber);
  if (!checked) c.traps.ifZero(wide, b, TRAP_DIVIDE_BY_ZERO);
  o.popTo(rhs - 1);
  masm.divide(op, wide, dividend, dividend, b);
  if (op === DivOp.DivS) c.traps.site(TRAP_OVERFLOW);
  registers.unlock();
  o.pushReg(intType(wide), dividend);
}

/** Whether operand `at` is a constant that is not zero. */
function isNonZero({ operands: o }: FunctionCompiler, at: number, wide: number): boolean {
  return o.isConst(at) && (o.lo[at] | (wide ? o.hi[at] : 0)) !== 0;
}
