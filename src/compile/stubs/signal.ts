/**
 * The signal handler's two ends. The kernel calls the entry on the signal stack, with any code interrupted at any
 * instruction; it saves and restores all registers, so the entry need not. The host layer (on_signal) blocks other
 * signals, decides what to do, and edits the saved context to say where to continue.
 */

import { frameSizeFor } from '../../arch/masm/masm.js';
import { callTo, type StubContext, setHostInstance } from './context.js';

/** @param onSignal text offset of the host layer's on_signal(number i32, siginfo i64, ucontext i64) */
export function emitSignalEntry(context: StubContext, onSignal: number): void {
  const { masm } = context;
  const frame = frameSizeFor(masm.plan, 0);
  masm.enter(frame);
  masm.signalArguments();
  setHostInstance(context);
  callTo(masm, onSignal);
  masm.leave(frame);
  masm.ret(); // to the restorer
}

/** The restorer: the kernel takes all registers from the frame on the stack. */
export function emitSignalReturn({ masm }: StubContext, rtSigreturn: number): void {
  masm.constant(masm.syscallRegisters[0], 1, rtSigreturn, 0);
  masm.syscall();
  masm.trap();
}
