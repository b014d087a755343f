/**
 * What each register is for in compiled code. See RegisterPlan for the meaning of the fields.
 *
 *     x27 instance, x28 memory base
 *     x16, x17, v30, v31 scratch of the macro-assembler: x16 for values (and the code generator's own), x17 for addresses
 *     x18 is the platform's, x30 holds the return address at a function's entry
 *     x0 to x7, v0 to v7 arguments and operands; the system call's number is in x8, a pinned one
 *
 * Pins are counted in a 32-bit mask (compile/baseline/frame.ts): 17 general and 14 floating point ones.
 */

import { NO_REG, type Reg, type RegisterPlan } from '../masm/masm.js';
import * as R from './registers.js';

/** The macro-assembler's own; in no pool. */
export const SCRATCH: Reg = R.X16;
export const ADDRESS_SCRATCH: Reg = R.X17;
export const FLOAT_SCRATCH: Reg = R.V31;
export const FLOAT_SCRATCH_2: Reg = R.V30;

const range = (first: Reg, last: Reg): Reg[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

const ARG_INTS = range(R.X0, 7);
const ARG_FLOATS = range(R.V0, 39);

export const plan: RegisterPlan = {
  instance: R.X27,
  memoryBase: R.X28,
  operandInts: ARG_INTS,
  pinnedInts: [...range(19, R.X26), ...range(9, 15), R.X8, 29],
  operandFloats: [...ARG_FLOATS, ...range(54, 61)], // v22 to v29
  pinnedFloats: range(40, 53), // v8 to v21
  argInts: ARG_INTS,
  argFloats: ARG_FLOATS,
  resultInt: R.X0,
  resultFloat: R.V0,
  callTemp: R.X26,
  dividend: NO_REG,
  divideClobber: NO_REG,
  stackAlign: 16,
  linkRegister: R.X30,
};

/** System calls of Linux: number, then arguments; the result is in x0. The kernel keeps all other registers. */
export const syscallRegisters: readonly Reg[] = [R.X8, ...range(R.X0, 5)];
