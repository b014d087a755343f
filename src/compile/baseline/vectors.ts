/**
 * v128 constants, arithmetic, shuffles and shifts: instructions whose operands and result are vectors.
 *
 * Semantics: core spec 4.4.4. In deterministic mode every NaN that arithmetic makes is canonical, as for scalars; sign
 * operations, comparisons and the pseudo-minimum and maximum only pass bits on. Lanes and memory are in vector-lanes.ts
 * and vector-memory.ts.
 */

import { NO_REG } from '../../arch/masm/masm.js';
import type { Lanes, VectorBinary, VectorShift, VectorUnary } from '../../arch/masm/masm-vector.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';

/** v128.const: in a register at once, as no instruction takes an immediate of 16 bytes. */
export function constant(c: FunctionCompiler): void {
  const w0 = c.readWord();
  const w1 = c.readWord();
  const w2 = c.readWord();
  const w3 = c.readWord();
  const dst = c.destination(ValType.V128, NO_REG);
  c.masm.vectorConstant(dst, w0, w1, w2, w3);
  c.finish(ValType.V128, dst);
}

export function unary(c: FunctionCompiler, op: VectorUnary): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 1);
  masm.vectorUnary(op, dst, a);
  c.finish(ValType.V128, dst);
}

export function floatUnary(c: FunctionCompiler, op: VectorUnary, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 1);
  masm.vectorUnary(op, dst, a);
  if (c.deterministic) masm.canonicalizeVector(lanes, dst);
  c.finish(ValType.V128, dst);
}

export function binary(c: FunctionCompiler, op: VectorBinary): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 2);
  const b = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 2);
  masm.vectorBinary(op, dst, a, b);
  c.finish(ValType.V128, dst);
}

export function floatBinary(c: FunctionCompiler, op: VectorBinary, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 2);
  const b = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 2);
  masm.vectorBinary(op, dst, a, b);
  if (c.deterministic) masm.canonicalizeVector(lanes, dst);
  c.finish(ValType.V128, dst);
}

/** v128.bitselect, and the relaxed lane selects, whose masks may be taken bit by bit. */
export function bitselect(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 3);
  const b = o.acquire(o.height - 2);
  const mask = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 3);
  masm.bitselect(dst, a, b, mask);
  c.finish(ValType.V128, dst);
}

export function shuffle(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const at = c.position;
  c.position += 16;
  const a = o.acquire(o.height - 2);
  const b = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, a, 2);
  masm.shuffle(dst, a, b, c.bytes, at);
  c.finish(ValType.V128, dst);
}

/** The count is taken modulo the width of the lanes, which is 8 << lanes bits. */
export function shift(c: FunctionCompiler, op: VectorShift, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const at = o.height - 1;
  const a = o.acquire(at - 1);
  if (o.isConst(at)) {
    const count = o.lo[at] & ((8 << lanes) - 1);
    const dst = c.destination(ValType.V128, a, 2);
    masm.vectorShiftImm(op, lanes, dst, a, count);
    c.finish(ValType.V128, dst);
    return;
  }
  const count = o.acquire(at);
  const dst = c.destination(ValType.V128, a, 2);
  masm.vectorShift(op, lanes, dst, a, count);
  c.finish(ValType.V128, dst);
}
