/**
 * The registers of x86-64 in the project's numbering: the hardware number for the general ones, 32 + n for xmm.
 *
 * Numbers and names only; what each register is for stands in abi.ts.
 */

import type { Reg } from '../masm/masm.js';

export const RAX = 0;
export const RCX = 1;
export const RDX = 2;
export const RBX = 3;
export const RSP = 4;
export const RBP = 5;
export const RSI = 6;
export const RDI = 7;
export const R8 = 8;
export const R9 = 9;
export const R10 = 10;
export const R11 = 11;
export const R12 = 12;
export const R13 = 13;
export const R14 = 14;
export const R15 = 15;

export const XMM0 = 32;
export const XMM1 = 33;
export const XMM2 = 34;
export const XMM3 = 35;
export const XMM4 = 36;
export const XMM5 = 37;
export const XMM6 = 38;
export const XMM7 = 39;

const LEGACY = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];

/** The register's name in Intel syntax at a width of 8, 16, 32 or 64 bits; the width of an xmm register is ignored. */
export function registerName(reg: Reg, bits = 64): string {
  if (reg >= 32) return `xmm${reg - 32}`;
  if (reg >= 8) return `r${reg}${bits === 64 ? '' : bits === 32 ? 'd' : bits === 16 ? 'w' : 'b'}`;
  const name = LEGACY[reg];
  if (bits === 8) return reg < 4 ? `${name[0]}l` : `${name}l`;
  return bits === 64 ? `r${name}` : bits === 32 ? `e${name}` : name;
}
