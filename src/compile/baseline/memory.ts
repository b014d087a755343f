/**
 * Loads and stores, and the memory instructions that call the host layer. Where an access goes: memory-access.ts.
 */

import { type LoadOp, NO_REG, ShiftOp, StoreOp, Width } from '../../arch/masm/masm.js';
import { MEM_SIZE, SEG_LENGTH } from '../../image/contract/instance.js';
import { TRAP_MEMORY } from '../../image/contract/traps.js';
import type { ValType } from '../../wasm/module.js';
import { isFloat } from '../convention/call-layout.js';
import { builtin } from './calls.js';
import type { FunctionCompiler } from './compile-function.js';
import { fitsImmediate } from './integers.js';
import { index } from './memory-access.js';

/** Widths in memory, by LoadOp and StoreOp. */
const LOAD_BYTES = [4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4];
const STORE_BYTES = [1, 2, 4, 8, 4, 8];

export function load(c: FunctionCompiler, op: LoadOp, type: ValType): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const reg = index(c, o.height - 1, LOAD_BYTES[op]);
  const dst = c.destination(type, isFloat(type) ? NO_REG : reg, 1);
  masm.load(op, dst, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  c.finish(type, dst);
}

export function store(c: FunctionCompiler, op: StoreOp): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const value = o.height - 1;
  const wide = op === StoreOp.Int64 || op === StoreOp.F64 ? 1 : 0;
  if (fitsImmediate(c, value, wide)) {
    const imm = o.lo[value];
    const reg = index(c, value - 1, STORE_BYTES[op]);
    masm.storeImm(
      op === StoreOp.F32 ? StoreOp.Int32 : op === StoreOp.F64 ? StoreOp.Int64 : op,
      imm,
      c.access.base,
      reg,
      c.access.offset,
    );
  } else {
    const src = o.acquire(value);
    const reg = index(c, value - 1, STORE_BYTES[op]);
    masm.store(op, src, c.access.base, reg, c.access.offset);
  }
  c.traps.site(TRAP_MEMORY);
  o.pop();
  o.pop();
  c.registers.unlock();
}

export function size(c: FunctionCompiler, memory: number): void {
  const { masm } = c;
  const type = c.module.memories[memory].address;
  const dst = c.destination(type, NO_REG);
  if (c.layout.memoryIsImported(memory)) {
    masm.loadField(Width.Int64, dst, masm.plan.instance, c.layout.memoryOffset(memory));
    masm.loadField(Width.Int64, dst, dst, MEM_SIZE);
  } else masm.loadField(Width.Int64, dst, masm.plan.instance, c.layout.memoryOffset(memory) + MEM_SIZE);
  if (c.hasBytePages[memory] === 0) masm.shiftImm(ShiftOp.ShrU, 1, dst, dst, 16);
  c.finish(type, dst);
}

export function grow(c: FunctionCompiler, memory: number): void {
  builtin(c, 'memory_grow', 1, c.module.memories[memory].address, (k) =>
    c.recordAddress(k, c.layout.memoryIsImported(memory), c.layout.memoryOffset(memory)),
  );
}

export function fill(c: FunctionCompiler, memory: number): void {
  builtin(c, 'memory_fill', 3, 0, (k) =>
    c.recordAddress(k, c.layout.memoryIsImported(memory), c.layout.memoryOffset(memory)),
  );
}

export function copy(c: FunctionCompiler, destination: number, source: number): void {
  const { layout } = c;
  builtin(
    c,
    'memory_copy',
    3,
    0,
    (k) => c.recordAddress(k, layout.memoryIsImported(destination), layout.memoryOffset(destination)),
    (k) => c.recordAddress(k, layout.memoryIsImported(source), layout.memoryOffset(source)),
  );
}

export function init(c: FunctionCompiler, segment: number, memory: number): void {
  const { layout } = c;
  builtin(
    c,
    'memory_init',
    3,
    0,
    (k) => c.recordAddress(k, layout.memoryIsImported(memory), layout.memoryOffset(memory)),
    (k) => c.recordAddress(k, false, layout.dataSegmentOffset(segment)),
  );
}

/** data.drop and elem.drop: an empty segment is a dropped one. */
export function drop(c: FunctionCompiler, segmentOffset: number): void {
  const { masm } = c;
  masm.constant(masm.scratch, 1, 0, 0);
  masm.storeField(Width.Int64, masm.scratch, masm.plan.instance, segmentOffset + SEG_LENGTH);
}
