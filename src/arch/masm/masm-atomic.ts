/**
 * What the macro-assembler can do with memory that other threads may access at the same time: the instructions of the
 * threads proposal, all sequentially consistent.
 *
 * Part of masm.ts, whose contract holds but for two things. The address is [base + index + offset] with an offset below
 * 2^31, a multiple of the width: the code generator has checked it. And in the methods that read and write, dst is none
 * of the other registers, and where the CPU has a RegisterPlan.dividend, dst is that one. Narrow values are
 * zero-extended. Each method sets faultOffset to its first instruction that touches memory; the others touch the same
 * bytes.
 */

import type { Reg } from './operations.js';

/** How many bytes are accessed: log2 of the number. */
export const enum AtomicWidth {
  W8,
  W16,
  W32,
  W64,
}

export const enum AtomicOp {
  Add,
  Sub,
  And,
  Or,
  Xor,
  Exchange,
}

export interface AtomicAssembler {
  atomicLoad(width: AtomicWidth, dst: Reg, base: Reg, index: Reg, offset: number): void;
  atomicStore(width: AtomicWidth, src: Reg, base: Reg, index: Reg, offset: number): void;
  /**
   * dst = what was there; there is now the result of `op` with src. `temp` is overwritten; where the CPU has a dividend
   * it may be NO_REG.
   */
  atomicRmw(
    op: AtomicOp,
    width: AtomicWidth,
    dst: Reg,
    src: Reg,
    base: Reg,
    index: Reg,
    offset: number,
    temp: Reg,
  ): void;
  /** dst = what was there; if that equals expected's low part, replacement is there now. */
  compareExchange(
    width: AtomicWidth,
    dst: Reg,
    expected: Reg,
    replacement: Reg,
    base: Reg,
    index: Reg,
    offset: number,
  ): void;
  fence(): void;
}
