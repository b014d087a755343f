/**
 * Where a load or store goes: [accessBase + index + accessOffset], for every kind of memory. All instructions that
 * access one go through `index`, and what they emit is a trap site of TRAP_MEMORY.
 *
 * An address of 32 bits needs no check: image/contract/sizes.ts MEMORY_RESERVATION covers every one of them plus a
 * 32-bit offset, and what is not the memory's faults. An address of 64 bits is first replaced by the memory's size when
 * it is not below it, without a branch (so a speculated access stays inside too): from there on, for offsets below 4
 * GiB, there is nothing but MEMORY64_GUARD. The size is read for each access, as it may have grown.
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
/** No address of a 64-bit memory is as high. */
const MEMORY64_END = MEMORY64_PAGES * WASM_PAGE;

/**
 * The access that readMemarg has read, with the address in operand `at`: gives the index register, or NO_REG when the
 * address is a constant, and sets `c.accessBase` and `c.accessOffset` (below 2^32). Registers are locked.
 */
export function index(c: FunctionCompiler, at: number): Reg {
  const reg = c.isMemory64[c.accessMemory] === 0 ? index32(c, at) : index64(c, at);
  c.accessBase = c.accessMemory === 0 ? c.masm.plan.memoryBase : loadMemoryField(c, MEM_BASE);
  return reg;
}

function index32(c: FunctionCompiler, at: number): Reg {
  const { operands: o } = c;
  if (o.isConst(at)) {
    const sum = (o.lo[at] >>> 0) + c.accessOffset;
    if (sum < FOUR_GIB) {
      c.accessOffset = sum;
      return NO_REG;
    }
  }
  return o.acquire(at);
}

function index64(c: FunctionCompiler, at: number): Reg {
  const { operands: o, masm } = c;
  if (o.isConst(at)) {
    const sum = (o.hi[at] >>> 0) * FOUR_GIB + (o.lo[at] >>> 0) + c.accessOffset;
    if (sum < FOUR_GIB) {
      c.accessOffset = sum; // the reservation is longer than that
      return NO_REG;
    }
  }
  if (c.accessOffset >= MEMORY64_END) {
    masm.jump(c.traps.label(TRAP_MEMORY));
    c.accessOffset = 0;
    return NO_REG;
  }
  let address = o.acquire(at);
  if (c.accessOffset >= FOUR_GIB) address = addOffset(c, address);
  const size = loadMemoryField(c, MEM_SIZE);
  masm.compare(1, address, size);
  masm.select(Cond.LtU, size, address, size);
  c.registers.unlockOne(address);
  return size;
}

/** address + offset in a register of its own; a sum beyond 2^64 traps. */
function addOffset(c: FunctionCompiler, address: Reg): Reg {
  const { operands: o, masm } = c;
  const sum = o.allocate(ValType.I64);
  c.registers.lock(sum);
  masm.constant(sum, 1, c.accessOffset | 0, Math.floor(c.accessOffset / FOUR_GIB));
  masm.binary(IntOp.Add, 1, sum, sum, address);
  masm.compare(1, sum, address);
  masm.branch(Cond.LtU, c.traps.label(TRAP_MEMORY));
  c.registers.unlockOne(address);
  c.accessOffset = 0;
  return sum;
}

/** A word of the accessed memory's record in a register of its own, locked. */
function loadMemoryField(c: FunctionCompiler, field: number): Reg {
  const { operands: o, masm, layout, accessMemory } = c;
  const reg = o.allocate(ValType.I64);
  c.registers.lock(reg);
  const at = layout.memoryOffset(accessMemory);
  if (layout.memoryIsImported(accessMemory)) {
    masm.loadField(Width.Int64, reg, masm.plan.instance, at);
    masm.loadField(Width.Int64, reg, reg, field);
  } else masm.loadField(Width.Int64, reg, masm.plan.instance, at + field);
  return reg;
}
