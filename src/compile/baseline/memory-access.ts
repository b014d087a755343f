/**
 * Where a load or store goes: [access.base + index + access.offset], for every kind of memory. All instructions that
 * access memory go through `index`, and the access that they emit is a trap site of TRAP_MEMORY.
 *
 * An address of 32 bits needs no check: image/contract/sizes.ts MEMORY_RESERVATION covers every one of them plus a
 * 32-bit offset, and what is not the memory's faults. A 64-bit address that is not below the memory's size is first
 * replaced by that size. This takes no branch, so that a speculated access stays inside too. After the memory's end,
 * for offsets below 4 GiB, there is nothing but MEMORY64_GUARD. The size is read for each access, as it may have grown.
 *
 * A memory with a page size of one byte may end anywhere, and is mapped up to a multiple of WASM_PAGE. There the full
 * address of the access is computed. Unless all of the access lies below the memory's size, that address is replaced by
 * one after the mapping, again without a branch.
 *
 * Memory 0's address is pinned; that of another is read from its record into a register of the access.
 */

import { Cond, IntOp, NO_REG, type Reg, Width } from '../../arch/masm/masm.js';
import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance.js';
import { MEMORY64_PAGES, WASM_PAGE } from '../../image/contract/sizes.js';
import { TRAP_MEMORY } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import type { FunctionCompiler } from './compile-function.js';

const FOUR_GIB = 0x100000000;
/** No valid address of a 64-bit memory is this high. */
const MEMORY64_END = MEMORY64_PAGES * WASM_PAGE;

/**
 * The access that readMemarg has read, with the address in operand `at`: gives the index register, or NO_REG when the
 * address is a constant, and sets `c.access.base` and `c.access.offset` (below 2^32). Registers are locked.
 *
 * @param width of the access in bytes
 */
export function index(c: FunctionCompiler, at: number, width: number): Reg {
  const { memory } = c.access;
  const isWide = c.isMemory64[memory] !== 0;
  const reg = c.hasBytePages[memory] !== 0 ? checkedIndex(c, at, width) : isWide ? index64(c, at) : index32(c, at);
  c.access.base = c.access.memory === 0 ? c.masm.plan.memoryBase : loadMemoryField(c, MEM_BASE);
  return reg;
}

function index32(c: FunctionCompiler, at: number): Reg {
  const { operands: o } = c;
  if (o.isConst(at)) {
    const sum = (o.lo[at] >>> 0) + c.access.offset;
    if (sum < FOUR_GIB) {
      c.access.offset = sum;
      return NO_REG;
    }
  }
  return o.acquire(at);
}

function index64(c: FunctionCompiler, at: number): Reg {
  const { operands: o, masm } = c;
  if (o.isConst(at)) {
    const sum = (o.hi[at] >>> 0) * FOUR_GIB + (o.lo[at] >>> 0) + c.access.offset;
    if (sum < FOUR_GIB) {
      c.access.offset = sum; // the reservation is longer than that
      return NO_REG;
    }
  }
  if (c.access.offset >= MEMORY64_END) {
    masm.jump(c.traps.label(TRAP_MEMORY));
    c.access.offset = 0;
    return NO_REG;
  }
  let address = o.acquire(at);
  if (c.access.offset >= FOUR_GIB) address = addOffset(c, address);
  const size = loadMemoryField(c, MEM_SIZE);
  masm.compare(1, address, size);
  masm.select(Cond.LtU, 1, size, address, size);
  c.registers.unlockOne(address);
  return size;
}

/** For a memory that may end anywhere: computes the full address, and leaves no offset. */
function checkedIndex(c: FunctionCompiler, at: number, width: number): Reg {
  const { operands: o, masm } = c;
  const { offset, memory } = c.access;
  c.access.offset = 0;
  if (offset >= MEMORY64_END) {
    masm.jump(c.traps.label(TRAP_MEMORY));
    return NO_REG;
  }
  const address = o.acquire(at);
  let sum: Reg;
  if (c.isMemory64[memory] === 0) {
    sum = o.allocate(ValType.I64);
    c.registers.lock(sum);
    masm.move(sum, address);
  } else {
    // A sum of the memory's size, or less, and the offset is far below 2^63.
    sum = loadMemoryField(c, MEM_SIZE);
    masm.compare(1, address, sum);
    masm.select(Cond.LtU, 1, sum, address, sum);
  }
  c.registers.unlockOne(address);
  if (offset <= 0x7fffffff) masm.binaryImm(IntOp.Add, 1, sum, sum, offset);
  else {
    masm.constant(masm.scratch, 1, offset | 0, Math.floor(offset / FOUR_GIB));
    masm.binary(IntOp.Add, 1, sum, sum, masm.scratch);
  }
  const limit = loadMemoryField(c, MEM_SIZE);
  masm.binaryImm(IntOp.Add, 1, masm.scratch, limit, WASM_PAGE); // is not mapped, whatever the size is
  masm.binaryImm(IntOp.Sub, 1, limit, limit, width); // less than zero in a memory that is smaller than the access
  masm.compare(1, sum, limit);
  masm.select(Cond.GtS, 1, sum, masm.scratch, sum);
  c.registers.unlockOne(limit);
  return sum;
}

/** address + offset in a register of its own; a sum beyond 2^64 traps. */
function addOffset(c: FunctionCompiler, address: Reg): Reg {
  const { operands: o, masm } = c;
  const sum = o.allocate(ValType.I64);
  c.registers.lock(sum);
  masm.constant(sum, 1, c.access.offset | 0, Math.floor(c.access.offset / FOUR_GIB));
  masm.binary(IntOp.Add, 1, sum, sum, address);
  masm.compare(1, sum, address);
  masm.branch(Cond.LtU, c.traps.label(TRAP_MEMORY));
  c.registers.unlockOne(address);
  c.access.offset = 0;
  return sum;
}

/** A word of the accessed memory's record in a register of its own, locked. */
function loadMemoryField(c: FunctionCompiler, field: number): Reg {
  const { operands: o, masm, layout } = c;
  const { memory } = c.access;
  const reg = o.allocate(ValType.I64);
  c.registers.lock(reg);
  const at = layout.memoryOffset(memory);
  if (layout.memoryIsImported(memory)) {
    masm.loadField(Width.Int64, reg, masm.plan.instance, at);
    masm.loadField(Width.Int64, reg, reg, field);
  } else masm.loadField(Width.Int64, reg, masm.plan.instance, at + field);
  return reg;
}
