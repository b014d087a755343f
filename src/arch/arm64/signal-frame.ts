/**
 * Where the kernel's signal frame keeps the registers, from the ucontext_t that a handler gets as its third argument.
 *
 * Linux arch/arm64/include/uapi/asm/{ucontext,sigcontext}.h: struct sigcontext starts 176 bytes into the ucontext_t,
 * its __reserved area at 464; the first record in that is the fpsimd_context, whose v registers follow 16 bytes of
 * header.
 */

import type { SignalFrame } from '../masm/target.js';
import { SP } from './registers.js';

const REGS = 184;
const SP_OFFSET = 432;

const general = Int32Array.from({ length: 32 }, (_, reg) => (reg === SP ? SP_OFFSET : REGS + 8 * reg));

export const signalFrame: SignalFrame = {
  general,
  pc: 440,
  sp: SP_OFFSET,
  floatPointer: -1,
  floatBase: 480,
  floatStride: 16,
  floatCount: 32,
};

export const PSTATE = 448;
