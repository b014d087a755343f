/** A CPU as the rest of the project sees it: one record per folder of src/arch. */

import type { ArchName } from './cpu-levels.js';
import type { MacroAssembler, RegisterPlan } from './masm.js';

export type { ArchName };

/** Where the kernel's signal frame keeps registers, as byte offsets from the ucontext_t (x64: asm/sigcontext.h). */
export interface SignalFrame {
  /** Byte offset of general register n (our numbering) for n in 0..31, -1 where there is none. */
  readonly general: Int32Array;
  readonly pc: number;
  readonly sp: number;
  /**
   * Floating point registers: at [ucontext + floatPointer] lies the address of the save area (x64), or -1 and they are
   * inline.
   */
  readonly floatPointer: number;
  readonly floatBase: number; // offset in that area (or the ucontext) of register 0
  readonly floatStride: number;
  readonly floatCount: number;
}

export interface Target {
  readonly name: ArchName;
  readonly elfMachine: number;
  readonly plan: RegisterPlan;
  readonly signalFrame: SignalFrame;
  /**
   * CPU features that its code needs beyond the baseline of the architecture: CPU_* (image/contract/runtime-block.ts).
   * An image checks it when it starts.
   */
  readonly cpuNeeds: number;
  /** The instruction that a safepoint becomes in trap text. */
  readonly safepointTrap: Uint8Array;
  /** How far past the trap's address the saved pc is when it was hit (x64: 1, arm64: 0). */
  readonly safepointPcBias: number;
  /** What the host layer imports from module "target", by name: system call numbers, flags, offsets. */
  readonly hostConstants: Readonly<Record<string, number>>;
  /** The most bytes of text in which calls need no more code than in less text. */
  readonly nearText: number;
  /**
   * @param plan another use of the same registers, for tests
   * @param textBytes how much text there may come to be in all; default: initialBytes
   */
  createAssembler(initialBytes?: number, plan?: RegisterPlan, textBytes?: number): MacroAssembler;
}
