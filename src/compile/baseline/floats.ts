/** Float arithmetic and conversions. Semantics: core spec 4.3.3 and 4.3.4. */

import { Conversion, FloatOp, FloatUnary, NO_REG, type Truncation } from '../../arch/masm/masm.js';
import { TRAP_INVALID_CONVERSION, TRAP_OVERFLOW } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import { isFloat } from '../convention/call-layout.js';
import type { FunctionCompiler } from './compile-function.js';
import { Kind } from './operands.js';

function floatType(wide: number): ValType {
  return wide ? ValType.F64 : ValType.F32;
}

export function floatBinary(c: FunctionCompiler, op: FloatOp, wide: number): void {
  const { operands: o, masm } = c;
  const type = floatType(wide);
  let rhs = o.height - 1;
  let lhs = rhs - 1;
  const commutes = op === FloatOp.Add || op === FloatOp.Mul;
  if (commutes && o.kinds[rhs] === Kind.Reg && o.kinds[lhs] !== Kind.Reg) {
    rhs = lhs;
    lhs = o.height - 1;
  }
  const a = o.acquire(lhs);
  if (op <= FloatOp.Div && o.inMemory(rhs)) {
    const slot = o.memorySlot(rhs);
    const dst = c.destination(type, a, 2);
    masm.floatBinarySlot(op, wide, dst, a, slot);
    if (c.deterministic) masm.canonicalizeNaN(wide, dst);
    c.finish(type, dst);
    return;
  }
  const b = o.acquire(rhs);
  const dst = c.destination(type, a, 2);
  masm.floatBinary(op, wide, dst, a, b);
  if (c.deterministic && op !== FloatOp.Copysign) masm.canonicalizeNaN(wide, dst);
  c.finish(type, dst);
}

export function floatUnary(c: FunctionCompiler, op: FloatUnary, wide: number): void {
  const { operands: o, masm } = c;
  const type = floatType(wide);
  const a = o.acquire(o.height - 1);
  const dst = c.destination(type, a, 1);
  masm.floatUnary(op, wide, dst, a);
  if (c.deterministic && op !== FloatUnary.Abs && op !== FloatUnary.Neg) masm.canonicalizeNaN(wide, dst);
  c.finish(type, dst);
}

export function convert(c: FunctionCompiler, op: Conversion, result: ValType): void {
  const { operands: o, masm } = c;
  const source = o.types[o.height - 1];
  const a = o.acquire(o.height - 1);
  const dst = c.destination(result, isFloat(source) === isFloat(result) ? a : NO_REG, 1);
  masm.convert(op, dst, a);
  if (c.deterministic && (op === Conversion.F32Demote || op === Conversion.F64Promote)) {
    masm.canonicalizeNaN(op === Conversion.F64Promote ? 1 : 0, dst);
  }
  c.finish(result, dst);
}

/** A trap may come after the result was written: a pinned local that takes the result counts as overwritten there. */
export function truncate(c: FunctionCompiler, op: Truncation, saturating: boolean): void {
  const { operands: o, masm } = c;
  const result = op & 2 ? ValType.I64 : ValType.I32;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(result, NO_REG, 1);
  if (saturating) masm.truncateSaturating(op, dst, a);
  else {
    const { resultPin, traps } = c;
    const invalid = traps.label(TRAP_INVALID_CONVERSION, resultPin);
    masm.truncate(op, dst, a, invalid, traps.label(TRAP_OVERFLOW, resultPin));
  }
  c.finish(result, dst);
}
