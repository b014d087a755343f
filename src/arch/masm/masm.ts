/**
 * The macro-assembler: the operations of a CPU that the code generator and the stubs (compile/stubs) use.
 *
 * CPU-neutral. Implemented once per CPU in arch/<cpu>/masm.ts; knows no WebAssembly module, only registers, slots,
 * labels and memory operands.
 *
 * Contract that every method inherits:
 *  - Registers are numbers: 0..31 general, 32..63 floating point (32 + n). dst, lhs and rhs may be the same register.
 *  - A method writes dst and its own scratch registers (which no RegisterPlan pool contains) and nothing else. It may
 *    change the flags.
 *  - A 32-bit integer in a register has its upper 32 bits zero, before and after. An f32 in a register is its low word,
 *    the rest is undefined.
 *  - A v128 is a whole floating point register: moveVector, exchange and selectVector take all of it, see masm-vector.ts.
 *  - `wide` is 0 for i32/f32 and 1 for i64/f64.
 *  - `slot` is a byte offset from the stack pointer, a multiple of 8, any size up to 2^23.
 *  - 64-bit constants come as (lo, hi), both int32.
 *  - Nothing allocates. Text offsets are bytes from the start of the code buffer.
 * Exceptions stand at the method.
 */

import type { CodeReferences, References } from './code-references.js';
import type { AtomicAssembler } from './masm-atomic.js';
import type { StubAssembler } from './masm-stubs.js';
import type { VectorAssembler } from './masm-vector.js';
import {
  type Cond,
  type Conversion,
  type DivOp,
  type FloatOp,
  type FloatUnary,
  type IntOp,
  type IntUnary,
  type Label,
  type LoadOp,
  NO_REG,
  type Reg,
  type ShiftOp,
  type StoreOp,
  type Truncation,
  type Width,
} from './operations.js';

export * from './operations.js';

/**
 * Which register is for what. Pools are in order of preference and disjoint; none contains the stack pointer, the two
 * pinned registers or the macro-assembler's scratch registers.
 */
export interface RegisterPlan {
  readonly instance: Reg; // address of the running instance's block
  readonly memoryBase: Reg; // native address of its memory 0
  readonly operandInts: readonly Reg[]; // for the operand stack
  readonly pinnedInts: readonly Reg[]; // for locals
  readonly operandFloats: readonly Reg[];
  readonly pinnedFloats: readonly Reg[];
  /** Arguments by class, in order; each is also an operand register. What does not fit goes to the outgoing area. */
  readonly argInts: readonly Reg[];
  readonly argFloats: readonly Reg[];
  /** A single result. Several results all travel in the outgoing area, before the stack arguments. */
  readonly resultInt: Reg;
  readonly resultFloat: Reg;
  /** A pinned-pool register that carries the table index of an indirect call (locals are in their slots by then). */
  readonly callTemp: Reg;
  /**
   * divide() needs lhs and dst in `dividend` and overwrites `divideClobber`, where multiplyWide() has the upper half of
   * its result; NO_REG when the CPU has no such constraint.
   */
  readonly dividend: Reg;
  readonly divideClobber: Reg;
  /** What the stack pointer is a multiple of, always. */
  readonly stackAlign: number;
  /**
   * Where the return address is at a function's entry; NO_REG: at the stack pointer. After the prologue it is right
   * above the frame.
   */
  readonly linkRegister: Reg;
}

/** The least size of a frame, of at least `bytes`, that enter() can make: it and the return address keep sp aligned. */
export function frameSizeFor(plan: RegisterPlan, bytes: number): number {
  return Math.ceil((bytes + 8) / plan.stackAlign) * plan.stackAlign - 8;
}

/** Slots between the stack pointer and the incoming area at a function's entry, before its prologue. */
export function entrySlots(plan: RegisterPlan): number {
  return plan.linkRegister === NO_REG ? 1 : 0;
}

export interface MacroAssembler extends VectorAssembler, AtomicAssembler, StubAssembler {
  readonly plan: RegisterPlan;
  /** Bytes of code so far. */
  readonly offset: number;
  /** Text offset of the instruction that faults, of the last load, store, trap or divide. */
  readonly faultOffset: number;
  /** The code so far, a view that the next emission may invalidate. */
  code(): Uint8Array;
  align(bytes: number): void; // with instructions that trap when run

  // -- labels: numbered from 0 after each resetLabels; all must be bound before
  resetLabels(): void;
  newLabel(): Label;
  bind(label: Label): void;
  jump(label: Label): void;
  /** After compare*, test* or compareFloat: jump when the condition holds / does not hold. */
  branch(cond: Cond, label: Label): void;
  branchUnless(cond: Cond, label: Label): void;
  /** Jumps to labels[index] for index < count - 1, else to the last. `index` may be overwritten. */
  jumpTable(index: Reg, labels: Int32Array, count: number): void;

  // -- moves
  move(dst: Reg, src: Reg): void; // all 64 bits; both general
  moveInt(wide: number, dst: Reg, src: Reg): void; // of an i32 or i64; both general
  moveFloat(dst: Reg, src: Reg, wide: number): void;
  exchange(a: Reg, b: Reg): void; // both general or both float
  constant(dst: Reg, wide: number, lo: number, hi: number): void;
  floatConstant(dst: Reg, wide: number, lo: number, hi: number): void;
  /** Right after a storeSlot of the same slot and width, and no label between: a move of the register, or nothing. */
  loadSlot(width: Width, dst: Reg, slot: number): void;
  storeSlot(width: Width, src: Reg, slot: number): void; // Int32 stores may write 4 or 8 bytes, F32 4 or 8
  storeSlotConstant(wide: number, slot: number, lo: number, hi: number): void; // wide 1: all 8 bytes

  // -- integers
  binary(op: IntOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void;
  binaryImm(op: IntOp, wide: number, dst: Reg, lhs: Reg, imm: number): void; // imm is an int32, sign-extended
  binarySlot(op: IntOp, wide: number, dst: Reg, lhs: Reg, slot: number): void;
  /** dst = lhs + (rhs << scale), scale 0..3, modulo the width. */
  addScaled(wide: number, dst: Reg, lhs: Reg, rhs: Reg, scale: number): void;
  shift(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void;
  shiftImm(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, imm: number): void; // imm already modulo the width
  unary(op: IntUnary, wide: number, dst: Reg, src: Reg): void;
  /**
   * Numbers of 128 bits, in two registers each: (lo, hi) += or -= (rhsLo, rhsHi), modulo 2^128; rhsHi NO_REG for 0. lo
   * and hi are different, and no other operand.
   */
  binary128(op: IntOp.Add | IntOp.Sub, lo: Reg, hi: Reg, rhsLo: Reg, rhsHi: Reg): void;
  /**
   * (lo, hi) = lhs * rhs, all 128 bits of it; hi is neither lhs nor rhs. See RegisterPlan.dividend: lhs = lo = dividend
   * and hi = divideClobber there, which rhs may be.
   */
  multiplyWide(isSigned: boolean, lo: Reg, hi: Reg, lhs: Reg, rhs: Reg): void;
  /**
   * rhs is not zero (the caller has branched to a trap). DivS of the least integer by -1 faults at faultOffset; RemS
   * gives 0 for it. See RegisterPlan.dividend: lhs = dst = dividend there, rhs is neither dividend nor divideClobber.
   */
  divide(op: DivOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void;

  // -- comparisons: set the flags for the very next branch, branchUnless, setCondition, select or selectVector
  compare(wide: number, lhs: Reg, rhs: Reg): void;
  compareImm(wide: number, lhs: Reg, imm: number): void;
  compareSlot(wide: number, lhs: Reg, slot: number): void;
  testZero(wide: number, reg: Reg): void; // then Eq: is zero, Ne: is not
  compareFloat(cond: Cond, wide: number, lhs: Reg, rhs: Reg): void; // cond: the one that will be asked for
  setCondition(cond: Cond, dst: Reg): void;
  /**
   * dst = cond ? a : b, of integers of the width or of floats of any; dst, a and b of one class. Keeps nothing of the
   * flags.
   */
  select(cond: Cond, wide: number, dst: Reg, a: Reg, b: Reg): void;

  // -- floats
  floatBinary(op: FloatOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void;
  floatBinarySlot(op: FloatOp, wide: number, dst: Reg, lhs: Reg, slot: number): void; // not Min, Max, Copysign
  floatUnary(op: FloatUnary, wide: number, dst: Reg, src: Reg): void;
  canonicalizeNaN(wide: number, reg: Reg): void; // any NaN becomes 0x7fc00000 / 0x7ff8000000000000
  convert(op: Conversion, dst: Reg, src: Reg): void;
  /** Jumps to `invalid` for NaN, to `overflow` when the result does not fit. */
  truncate(op: Truncation, dst: Reg, src: Reg, invalid: Label, overflow: Label): void;
  truncateSaturating(op: Truncation, dst: Reg, src: Reg): void;

  // -- guest memory: [base + index + offset]; index NO_REG for none; offset a uint32, of any size up to 2^32 - 1
  load(op: LoadOp, dst: Reg, base: Reg, index: Reg, offset: number): void;
  store(op: StoreOp, src: Reg, base: Reg, index: Reg, offset: number): void;
  storeImm(op: StoreOp, imm: number, base: Reg, index: Reg, offset: number): void; // imm an int32, sign-extended for Int64

  // -- fields: [base + offset], an int32 offset; base any register, the instance's for globals and records
  loadField(width: Width, dst: Reg, base: Reg, offset: number): void;
  storeField(width: Width, src: Reg, base: Reg, offset: number): void;
  compareField(wide: number, lhs: Reg, base: Reg, offset: number): void;
  compareFieldImm(wide: number, base: Reg, offset: number, imm: number): void;
  /**
   * dst = the address of element `index` of the table whose record (TAB_*) is at [table + offset]; jumps to outOfBounds
   * when there is no such element. A CPU that runs on speculatively where it should have jumped gets the address of
   * element 0 (Spectre variant 1). dst is neither table nor index; `index` is 64 bits wide.
   */
  elementAddress(dst: Reg, table: Reg, offset: number, index: Reg, outOfBounds: Label): void;

  // -- addresses: `imageOffset` counts from the image's load address (see imageStart)
  /** Bytes of code that there may be; default: any number. More is a LimitError, thrown when the buffer grows. */
  codeLimit: number;
  /** Where offset 0 of this code buffer will lie in the image; must be set before address() and *Global(). */
  imageStart: number;
  /**
   * Set when the code is a piece that is made apart, from offset 0, to be appended to other code later: collects what
   * appendCode must move. Calls that are not patched yet are not among it. Everything is as far away then as settledFrom
   * says.
   */
  references: CodeReferences | undefined;
  /** The text offset from which on no instruction is shorter for being near to DATA. */
  readonly settledFrom: number;
  /**
   * Appends such a piece. `offset` must be a multiple of 16. Only from settledFrom on, the bytes are those that would
   * have been emitted here.
   *
   * @param imageStart with which the piece was made; it differs from this one by whole pages
   * @throws LimitError 'text-size' when a call cannot reach
   */
  appendCode(piece: Uint8Array, references: References, imageStart: number): void;
  address(dst: Reg, imageOffset: number): void;
  loadGlobal(width: Width, dst: Reg, imageOffset: number): void;
  storeGlobal(width: Width, src: Reg, imageOffset: number): void;

  // -- functions
  /**
   * Prologue: reserves frameSize bytes (see frameSizeFor) below the return address, touching each 64 KiB of a frame
   * larger than that, from the top down, so that the guard below the stack is found.
   */
  enter(frameSize: number): void;
  leave(frameSize: number): void; // releases the frame, does not return
  ret(): void;
  /** Calls a text offset not yet known; returns a handle for patchCall. */
  call(): number;
  patchCall(handle: number, target: number): void; // target: text offset
  /**
   * The same for a callee that returns with leaveThunk: after a system call a kernel may have emptied the return stack
   * of the processor, where that is so both do without it.
   */
  callThunk(): number;
  /** Epilogue and return. */
  leaveThunk(frameSize: number): void;
  /** Jumps likewise, for tail positions of stubs. */
  jumpTo(): number;
  patchJump(handle: number, target: number): void;
  callReg(target: Reg): void;
  /** Calls the function of a record (image/contract/instance.ts FN_*): switches instance and memoryBase, then calls. */
  callRecord(record: Reg): void;
  /**
   * The table part of call_indirect. Loads the record of elements[index] into `record`, jumping to outOfBounds (index
   * >= length), uninitialized (null), mismatch (another type id). `table` holds the address of a table's record
   * (TAB_*). record may be the same as table or index. When typeId is -1 no type is compared. The
   * element is found as by elementAddress.
   */
  loadTableRecord(
    record: Reg,
    table: Reg,
    index: Reg,
    typeId: number,
    outOfBounds: Label,
    uninitialized: Label,
    mismatch: Label,
  ): void;
  trap(): void; // an instruction that faults; sets faultOffset
  nop(): void; // the shortest
  move64Sp(dst: Reg): void; // dst = stack pointer
}
