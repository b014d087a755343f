/**
 * Where the kernel's signal frame keeps the registers, from the ucontext_t that a handler gets as its third argument.
 *
 * Linux arch/x86/include/uapi/asm/sigcontext.h, struct sigcontext_64, which starts 40 bytes into the ucontext_t. The
 * xmm registers are in an FXSAVE area (Intel SDM volume 1, 10.5.1) whose address the frame holds.
 */

import type { SignalFrame } from '../masm/target.js';
import * as R from './registers.js';

const general = new Int32Array(32).fill(-1);
[R.R8, R.R9, R.R10, R.R11, R.R12, R.R13, R.R14, R.R15, R.RDI, R.RSI, R.RBP, R.RBX, R.RDX, R.RAX, R.RCX, R.RSP].forEach(
  (reg, index) => {
    general[reg] = 40 + 8 * index;
  },
);

export const signalFrame: SignalFrame = {
  general,
  pc: 168,
  sp: 160,
  floatPointer: 224,
  floatBase: 160,
  floatStride: 16,
  floatCount: 16,
};
