/**
 * Atomic accesses, wait, notify and the fence (threads proposal).
 *
 * An address that is not a multiple of the width traps before its bounds are checked. The guard pages check those, as
 * for other accesses. Notifying wakes nobody, as there is one thread. Waiting is a loop:
 *
 *     again:  a safepoint of kind loop, at the instruction's own offset, with all its operands on the stack
 *             call atomic_wait32 or 64
 *             a stop is wanted: jump to again
 *
 * So a process that waits parks before the instruction. When it continues, it waits for the rest of its time.
 */

import { Cond, IntOp, NO_REG, type Reg } from '../../arch/masm/masm.js';
import { AtomicOp, AtomicWidth } from '../../arch/masm/masm-atomic.js';
import { BugError } from '../../base/errors.js';
import { TRAP_MEMORY, TRAP_UNALIGNED, TRAP_UNSHARED, WAIT_AGAIN } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import { Prefix } from '../../wasm/opcodes.js';
import { AtomicOpcode } from '../../wasm/opcodes-atomic.js';
import { prepare } from './calls.js';
import type { FunctionCompiler } from './compile-function.js';
import { index } from './memory-access.js';

/**
 * The types and widths that loads, stores and each kind of read-modify-write come in, in the order of their opcodes.
 */
const FORM_TYPES = [ValType.I32, ValType.I64, ValType.I32, ValType.I32, ValType.I64, ValType.I64, ValType.I64] as const;
const FORM_WIDTHS = [
  AtomicWidth.W32,
  AtomicWidth.W64,
  AtomicWidth.W8,
  AtomicWidth.W16,
  AtomicWidth.W8,
  AtomicWidth.W16,
  AtomicWidth.W32,
] as const;
const FORMS = 7;
/** The read-modify-writes, in the order of their opcodes; after them cmpxchg. */
const OPS = [AtomicOp.Add, AtomicOp.Sub, AtomicOp.And, AtomicOp.Or, AtomicOp.Xor, AtomicOp.Exchange] as const;

/** Compiles the instruction whose prefix byte has just been read. */
export function atomicInstruction(c: FunctionCompiler): void {
  const op = (Prefix.Atomic << 8) | c.readU32();
  if (op >= AtomicOpcode.I32AtomicLoad) {
    const kind = Math.floor((op - AtomicOpcode.I32AtomicLoad) / FORMS);
    const form = (op - AtomicOpcode.I32AtomicLoad) % FORMS;
    const type = FORM_TYPES[form];
    const width = FORM_WIDTHS[form];
    if (kind === 0) return load(c, type, width);
    if (kind === 1) return store(c, width);
    if (kind < 2 + OPS.length) return readModifyWrite(c, OPS[kind - 2], type, width);
    return compareExchange(c, type, width);
  }
  // biome-ignore format: one line per opcode
  switch (op) {
    case AtomicOpcode.MemoryAtomicNotify: return notify(c);
    case AtomicOpcode.MemoryAtomicWait32: return wait(c, 'atomic_wait32', AtomicWidth.W32);
    case AtomicOpcode.MemoryAtomicWait64: return wait(c, 'atomic_wait64', AtomicWidth.W64);
    case AtomicOpcode.AtomicFence: c.position++; return c.masm.fence();
    default: throw new BugError(`opcode 0x${op.toString(16)} passed validation but has no code`);
  }
}

/**
 * The access as memory-access.ts gives it, but `c.access.offset` is what the macro-assembler takes: a multiple of the
 * width below 2^31. Traps when the address is not aligned.
 */
function alignedIndex(c: FunctionCompiler, at: number, width: AtomicWidth): Reg {
  const { operands: o, masm } = c;
  const mask = (1 << width) - 1;
  if (mask !== 0) checkAlignment(c, at, mask);
  let reg = index(c, at, mask + 1);
  if ((c.access.offset & mask) === 0 && c.access.offset <= 0x7fffffff) return reg;
  if (reg === NO_REG || !c.registers.isWritable(reg)) {
    const sum = o.allocate(ValType.I64);
    c.registers.lock(sum);
    if (reg === NO_REG) masm.constant(sum, 1, 0, 0);
    else masm.move(sum, reg);
    reg = sum;
  }
  // This register is the instruction's own: what was the operand is not read again.
  masm.constant(masm.scratch, 0, c.access.offset | 0, 0);
  masm.binary(IntOp.Add, 1, reg, reg, masm.scratch);
  c.access.offset = 0;
  return reg;
}

/** Traps when address and offset together have one of the bits of `mask`. */
function checkAlignment(c: FunctionCompiler, at: number, mask: number): void {
  const { operands: o, masm } = c;
  const low = c.access.offset & mask;
  if (o.isConst(at)) {
    if (((o.lo[at] + low) & mask) !== 0) masm.jump(c.traps.label(TRAP_UNALIGNED));
    return;
  }
  const address = o.acquire(at);
  if (low !== 0) masm.binaryImm(IntOp.Add, 0, masm.scratch, address, low);
  masm.binaryImm(IntOp.And, 0, masm.scratch, low !== 0 ? masm.scratch : address, mask);
  masm.testZero(0, masm.scratch);
  masm.branch(Cond.Ne, c.traps.label(TRAP_UNALIGNED));
  c.registers.unlockOne(address);
}

function load(c: FunctionCompiler, type: ValType, width: AtomicWidth): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const reg = alignedIndex(c, o.height - 1, width);
  const dst = c.destination(type, reg, 1);
  masm.atomicLoad(width, dst, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  c.finish(type, dst);
}

function store(c: FunctionCompiler, width: AtomicWidth): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const src = o.acquire(o.height - 1);
  const reg = alignedIndex(c, o.height - 2, width);
  masm.atomicStore(width, src, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  o.pop();
  o.pop();
  c.registers.unlock();
}

/** The register for the old value, locked; no operand is in it, nor will be before the instruction has ended. */
function oldValue(c: FunctionCompiler, type: ValType): Reg {
  const { operands: o, masm } = c;
  let reg = masm.plan.dividend;
  if (reg === NO_REG) reg = o.allocate(type);
  c.registers.lock(reg);
  o.evict(reg);
  return reg;
}

function readModifyWrite(c: FunctionCompiler, op: AtomicOp, type: ValType, width: AtomicWidth): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const dst = oldValue(c, type);
  const src = o.acquire(o.height - 1);
  const reg = alignedIndex(c, o.height - 2, width);
  const temp = masm.plan.dividend === NO_REG ? o.allocate(ValType.I64) : NO_REG;
  masm.atomicRmw(op, width, dst, src, c.access.base, reg, c.access.offset, temp);
  c.traps.site(TRAP_MEMORY);
  o.pop();
  o.pop();
  c.registers.unlock();
  o.pushReg(type, dst);
}

function compareExchange(c: FunctionCompiler, type: ValType, width: AtomicWidth): void {
  const { operands: o, masm } = c;
  c.readMemarg();
  const dst = oldValue(c, type);
  const replacement = o.acquire(o.height - 1);
  const expected = o.acquire(o.height - 2);
  const reg = alignedIndex(c, o.height - 3, width);
  masm.compareExchange(width, dst, expected, replacement, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  for (let i = 0; i < 3; i++) o.pop();
  c.registers.unlock();
  o.pushReg(type, dst);
}

/** Alignment and bounds of an access whose value nobody wants. */
function check(c: FunctionCompiler, at: number, width: AtomicWidth): void {
  const { masm } = c;
  const reg = alignedIndex(c, at, width);
  masm.atomicLoad(width, masm.scratch, c.access.base, reg, c.access.offset);
  c.traps.site(TRAP_MEMORY);
  c.registers.unlock();
}

function notify(c: FunctionCompiler): void {
  const { operands: o } = c;
  c.readMemarg();
  check(c, o.height - 2, AtomicWidth.W32);
  o.pop();
  o.pop();
  o.pushConst(ValType.I32, 0, 0);
}

function wait(c: FunctionCompiler, name: 'atomic_wait32' | 'atomic_wait64', width: AtomicWidth): void {
  const { operands: o, masm, layout } = c;
  const { argInts, resultInt } = masm.plan;
  c.readMemarg();
  const memory = c.access.memory;
  if (!c.module.memories[memory].shared) {
    check(c, o.height - 3, width);
    masm.jump(c.traps.label(TRAP_UNSHARED));
    c.reachable = false;
    return;
  }
  o.flush(o.height);
  c.pins.load(-1);
  c.pins.clean = 0;
  c.safepoints.separate();
  const again = masm.newLabel();
  masm.bind(again);
  c.safepoints.loop();
  const first = prepare(c, 3);
  c.argumentMove.run(first, 3, argInts.slice(2));
  o.popTo(first);
  c.recordAddress(argInts[0], layout.memoryIsImported(memory), layout.memoryOffset(memory));
  masm.constant(argInts[1], 1, c.access.offset | 0, Math.floor(c.access.offset / 0x100000000) | 0);
  masm.patchCall(masm.call(), c.environment.builtinOffset(name));
  c.pins.valid = 0;
  masm.compareImm(0, resultInt, WAIT_AGAIN);
  const done = masm.newLabel();
  masm.branch(Cond.Ne, done);
  c.pins.load(-1);
  masm.jump(again);
  masm.bind(done);
  c.pins.valid = 0;
  o.pushReg(ValType.I32, resultInt);
}
