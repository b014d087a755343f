/**
 * The registers of AArch64 in the project's numbering: the hardware number for the general ones, 32 + n for v
 * registers.
 *
 * Numbers and names only; what each register is for stands in abi.ts. Number 31 is the stack pointer or the zero
 * register, as the instruction says (Arm Architecture Reference Manual, C1.2.5); as an operand of the macro-assembler
 * it is the stack pointer.
 */

import type { Reg } from '../masm/masm.js';

export const X0 = 0;
export const X1 = 1;
export const X2 = 2;
export const X8 = 8;
export const X16 = 16;
export const X17 = 17;
export const X26 = 26;
export const X27 = 27;
export const X28 = 28;
export const X30 = 30;
export const SP = 31;
export const ZR = 31;

export const V0 = 32;
export const V30 = 62;
export const V31 = 63;

/** The register's name in assembler syntax: x or w, d or s by a width of 64 or 32 bits; 31 is the stack pointer. */
export function registerName(reg: Reg, bits = 64): string {
  if (reg >= 32) return `${bits === 64 ? 'd' : 's'}${reg - 32}`;
  if (reg === SP) return bits === 64 ? 'sp' : 'wsp';
  return `${bits === 64 ? 'x' : 'w'}${reg}`;
}
