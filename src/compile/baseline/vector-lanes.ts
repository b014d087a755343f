/** Instructions between v128 and scalars: splats, lanes, tests. Semantics: core spec 4.4.4. */

import { NO_REG } from '../../arch/masm/masm.js';
import { Lanes } from '../../arch/masm/masm-vector.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';

/** The type of a lane as an operand: 8 and 16 bits travel as i32. */
function laneType(lanes: Lanes): ValType {
  switch (lanes) {
    case Lanes.I64x2:
      return ValType.I64;
    case Lanes.F32x4:
      return ValType.F32;
    case Lanes.F64x2:
      return ValType.F64;
    default:
      return ValType.I32;
  }
}

export function splat(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const value = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, lanes >= Lanes.F32x4 ? value : NO_REG, 1);
  masm.splat(lanes, dst, value);
  c.finish(ValType.V128, dst);
}

export function extractLane(c: FunctionCompiler, lanes: Lanes, signed: boolean): void {
  const { operands: o, masm } = c;
  const lane = c.bytes[c.position++];
  const type = laneType(lanes);
  const a = o.acquire(o.height - 1);
  const dst = c.destination(type, lanes >= Lanes.F32x4 ? a : NO_REG, 1);
  masm.extractLane(lanes, dst, a, lane, signed);
  c.finish(type, dst);
}

export function replaceLane(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const lane = c.bytes[c.position++];
  const vector = o.acquire(o.height - 2);
  const value = o.acquire(o.height - 1);
  const dst = c.destination(ValType.V128, vector, 2);
  masm.replaceLane(lanes, dst, vector, lane, value);
  c.finish(ValType.V128, dst);
}

export function anyTrue(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(ValType.I32, NO_REG, 1);
  masm.anyTrue(dst, a);
  c.finish(ValType.I32, dst);
}

export function allTrue(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(ValType.I32, NO_REG, 1);
  masm.allTrue(lanes, dst, a);
  c.finish(ValType.I32, dst);
}

export function bitmask(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  const a = o.acquire(o.height - 1);
  const dst = c.destination(ValType.I32, NO_REG, 1);
  masm.bitmask(lanes, dst, a);
  c.finish(ValType.I32, dst);
}
