/**
 * Host code's call of a C function in the process (the vDSO's): meets what the C ABIs of both CPUs require and our code
 * does not guarantee.
 *
 * The stack pointer is aligned to 16 bytes for the call. The two pinned registers are callee-saved in both ABIs, and so
 * is callTemp, which holds the old stack pointer. Everything else may be overwritten, as by any call.
 */

import { frameSizeFor, IntOp } from '../../arch/masm/masm.js';
import type { StubContext } from './context.js';

/** Called with the function's address and its arguments in masm.callCRegisters. */
export function emitCallC({ masm }: StubContext): void {
  const { callTemp } = masm.plan;
  const frame = frameSizeFor(masm.plan, 0);
  masm.enter(frame);
  masm.move64Sp(callTemp);
  masm.binaryImm(IntOp.And, 1, masm.scratch, callTemp, -16);
  masm.setSp(masm.scratch);
  masm.callReg(masm.callCRegisters[0]);
  masm.setSp(callTemp);
  masm.leave(frame);
  masm.ret();
}
