/**
 * Loads and stores of v128 and of single lanes. Where they go, and their bounds: memory-access.ts.
 */

import { NO_REG } from '../../arch/masm/masm.js';
import type { Lanes, VectorLoad } from '../../arch/masm/masm-vector.js';
import { TRAP_MEMORY } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';
import { index } from './memory-access.js';

/** Widths in memory, by VectorLoad and Lanes. */
const LOAD_BYTES = [16, 8, 8, 8, 8, 8, 8, 1, 2, 4, 8, 4, 8];
const LANE_BYTES = [1, 2, 4, 8, 4, 8];

export function load(c: FunctionCompiler, op: VectorLoad): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const reg = index(c, o.height - 1, LOAD_BYTES[op]);
  const dst = c.destination(ValType.V128, NO_REG, 1);
  masm.vectorLoad(op, dst, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  c.finish(ValType.V128, dst);
}

export function store(c: FunctionCompiler): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const src = o.acquire(o.height - 1);
  const reg = index(c, o.height - 2, 16);
  masm.vectorStore(src, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  o.pop();
  o.pop();
  c.registers.unlock();
}

export function loadLane(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const lane = c.bytes[c.position++];
  const vector = o.acquire(o.height - 1);
  const reg = index(c, o.height - 2, LANE_BYTES[lanes]);
  const dst = c.destination(ValType.V128, vector, 2);
  masm.loadLane(lanes, dst, vector, lane, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY, c.resultPin);
  c.finish(ValType.V128, dst);
}

export function storeLane(c: FunctionCompiler, lanes: Lanes): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const lane = c.bytes[c.position++];
  const src = o.acquire(o.height - 1);
  const reg = index(c, o.height - 2, LANE_BYTES[lanes]);
  masm.storeLane(lanes, src, lane, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  o.pop();
  o.pop();
  c.registers.unlock();
}
