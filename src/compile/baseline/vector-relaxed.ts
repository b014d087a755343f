/**
 * Relaxed vector instructions that take more than one ordinary one (relaxed SIMD proposal).
 *
 * Of the results that the specification allows, both CPUs give the same one: multiply-add rounds twice, the dot product
 * saturates its pairs. Those that are one ordinary instruction stand in instruction-vector.ts.
 */

import { Lanes, VectorBinary, VectorUnary } from '../../arch/masm/masm-vector.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';

/** a * b + c */
export function multiplyAdd(c: FunctionCompiler, lanes: Lanes): void {
  combine(c, lanes, lanes === Lanes.F32x4 ? VectorBinary.F32x4Add : VectorBinary.F64x2Add);
}

/** c - a * b, which is -(a * b) + c but for the sign of a NaN. */
export function negativeMultiplyAdd(c: FunctionCompiler, lanes: Lanes): void {
  combine(c, lanes, lanes === Lanes.F32x4 ? VectorBinary.F32x4Sub : VectorBinary.F64x2Sub);
}

function combine(c: FunctionCompiler, lanes: Lanes, op: VectorBinary): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 3);
  const b = o.acquire(o.height - 2);
  const addend = o.acquire(o.height - 1);
  const product = o.allocate(ValType.V128);
  masm.vectorBinary(lanes === Lanes.F32x4 ? VectorBinary.F32x4Mul : VectorBinary.F64x2Mul, product, a, b);
  const dst = c.destination(ValType.V128, addend, 3);
  masm.vectorBinary(op, dst, addend, product);
  if (c.deterministic) masm.canonicalizeVector(lanes, dst);
  c.finish(ValType.V128, dst);
}

/** Products of bytes, summed by fours and added: the pairs are saturated to 16 bits in between. */
export function dotAdd(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 3);
  const b = o.acquire(o.height - 2);
  const addend = o.acquire(o.height - 1);
  const sum = o.allocate(ValType.V128);
  masm.vectorBinary(VectorBinary.I16x8DotI8x16S, sum, a, b);
  masm.vectorUnary(VectorUnary.I32x4ExtaddPairwiseI16x8S, sum, sum);
  const dst = c.destination(ValType.V128, addend, 3);
  masm.vectorBinary(VectorBinary.I32x4Add, dst, addend, sum);
  c.finish(ValType.V128, dst);
}
