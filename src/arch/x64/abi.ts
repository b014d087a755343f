/**
 * What each register is for in compiled code. See RegisterPlan for the meaning of the fields.
 *
 *     r14 instance, r15 memory base
 *     rcx, xmm6, xmm7 scratch of the macro-assembler: rcx because shifts count in cl
 *     rax, rdx operands first: divide wants them, and short encodings like rax
 */

import { NO_REG, type Reg, type RegisterPlan } from '../masm/masm.js';
import * as R from './registers.js';

/** The macro-assembler's own; in no pool. */
export const SCRATCH: Reg = R.RCX;
export const FLOAT_SCRATCH: Reg = R.XMM7;
export const FLOAT_SCRATCH_2: Reg = R.XMM6;

const OPERAND_INTS = [R.RAX, R.RDX, R.RSI, R.RDI, R.R11];
const OPERAND_FLOATS = [R.XMM0, R.XMM1, R.XMM2, R.XMM3, R.XMM4, R.XMM5];

export const plan: RegisterPlan = {
  instance: R.R14,
  memoryBase: R.R15,
  operandInts: OPERAND_INTS,
  pinnedInts: [R.RBX, R.RBP, R.R8, R.R9, R.R10, R.R12, R.R13],
  operandFloats: OPERAND_FLOATS,
  pinnedFloats: [40, 41, 42, 43, 44, 45, 46, 47], // xmm8 to xmm15
  argInts: OPERAND_INTS,
  argFloats: OPERAND_FLOATS,
  resultInt: R.RAX,
  resultFloat: R.XMM0,
  callTemp: R.R13,
  dividend: R.RAX,
  divideClobber: R.RDX,
  stackAlign: 8,
  linkRegister: NO_REG,
};

/** System calls of Linux: number, then arguments; the result is in rax. The kernel overwrites rcx and r11. */
export const syscallRegisters: readonly Reg[] = [R.RAX, R.RDI, R.RSI, R.RDX, R.R10, R.R8, R.R9];
