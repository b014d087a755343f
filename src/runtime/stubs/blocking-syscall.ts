/**
 * The system call that may block, and its window.
 *
 *     start:  is a stop wanted? then go to exit
 *             syscall
 *     end:    return
 *     exit:   result = -EINTR, return
 *
 * A stop signal that comes in [start, end) finds its pc there and is returned to `exit`: the call has not entered
 * the kernel, or the kernel wants to restart it. One that comes later finds the call done or interrupted with
 * EINTR. So none is lost (as thread cancellation in musl does it).
 */

import { Cond } from '../../arch/masm.js';
import { RT_STOP_WANTED } from '../layout.js';
import type { StubContext } from './context.js';

/** Text offsets, for RT_BLOCKING_START, _END and _EXIT. */
export interface BlockingWindow {
  readonly start: number;
  readonly end: number;
  readonly exit: number;
}

const EINTR = 4;

/** Called by host code with number and arguments in masm.syscallRegisters. */
export function emitBlockingSyscall({ masm, runtimeBlock }: StubContext): BlockingWindow {
  masm.resetLabels();
  const stopped = masm.newLabel();
  const start = masm.offset;
  masm.compareGlobalImm(runtimeBlock + RT_STOP_WANTED, 0);
  masm.branch(Cond.Ne, stopped);
  masm.syscall();
  const end = masm.offset;
  masm.ret();
  masm.bind(stopped);
  const exit = masm.offset;
  masm.constant(masm.plan.resultInt, 1, -EINTR, -1);
  masm.ret();
  return { start, end, exit };
}
