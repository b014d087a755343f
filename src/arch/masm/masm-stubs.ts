/** The part of the macro-assembler that only stubs use: system calls, the C ABI, signal frames, copying. */

import type { Reg, Width } from './operations.js';

export interface StubAssembler {
  setSp(src: Reg): void;
  adjustSp(delta: number): void;
  /** The system call of the CPU's Linux ABI. Besides the result it overwrites what the kernel does (x64: rcx, r11). */
  syscall(): void;
  /** Where syscall() wants the number, then the arguments; the result is in resultInt. */
  readonly syscallRegisters: readonly Reg[];
  readonly scratch: Reg;
  /**
   * resultInt = CPU_* of this CPU (image/contract/runtime-block.ts). Overwrites all registers but the two pinned ones.
   */
  cpuFeatures(): void;
  /**
   * Where the stub call_c wants the function's address, then the C ABI's first two integer arguments; the result is in
   * resultInt.
   */
  readonly callCRegisters: readonly Reg[];
  /** At a signal handler's entry: moves the C ABI's first three arguments into argInts[0..2]. */
  signalArguments(): void;
  emitBytes(bytes: Uint8Array): void;
  jumpReg(target: Reg): void;
  jumpField(base: Reg, offset: number): void; // to the address that is there
  compareGlobalImm(imageOffset: number, imm: number): void; // of a u32, as compareImm
  storeGlobalConstant(width: Width, imageOffset: number, lo: number): void; // Int32, or Int64 sign-extended
  /** Copies ascending; all of copyRegisters (destination, source, count, 64 bits each) are overwritten. */
  copyBytes(): void;
  readonly copyRegisters: readonly Reg[];
  /** Fills with the low byte; all of fillRegisters (destination, value, count) may be overwritten. */
  fillBytes(): void;
  readonly fillRegisters: readonly Reg[];
  /**
   * Loads every register, the stack pointer and the pc from a block laid out as CTX_* in image/contract/resume-plan.ts
   * (the stack pointer is an address, at its place among the general ones on x64, at CTX_SP elsewhere) and continues
   * there. May write the word below the new stack pointer. `base` is any register but the stack pointer.
   */
  restoreContext(base: Reg): void;
}
