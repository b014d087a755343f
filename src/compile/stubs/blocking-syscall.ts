/**
 * A system call that may block, and its window.
 *
 *     start:  is a stop wanted? then go to exit
 *             syscall
 *     end:    continue
 *     exit:   result = -EINTR, continue
 *
 * A stop signal that comes in [start, end) finds its pc there and is returned to `exit`: the call has not entered
 * the kernel, or the kernel wants to restart it. One that comes later finds the call done or interrupted with
 * EINTR. So none is lost (as thread cancellation in musl does it).
 *
 * The sequence is emitted inline at each use, so an image has several windows. As a function, it would cost a
 * misprediction: a kernel may empty the CPU's return stack (x86's return stack buffer), and then every return after a
 * system call is mispredicted.
 */

import { Cond } from '../../arch/masm/masm.js';
import { RT_STOP_WANTED } from '../../image/contract/runtime-block.js';
import type { StubContext } from './context.js';

/** Text offsets. */
export interface BlockingWindow {
  readonly start: number;
  readonly end: number;
  readonly exit: number;
}

const EINTR = 4;

/** Number and arguments are in masm.syscallRegisters. */
export function emitBlockingSyscall({ masm, runtimeBlock }: StubContext): BlockingWindow {
  const stopped = masm.newLabel();
  const done = masm.newLabel();
  const start = masm.offset;
  masm.compareGlobalImm(runtimeBlock + RT_STOP_WANTED, 0);
  masm.branch(Cond.Ne, stopped);
  masm.syscall();
  const end = masm.offset;
  masm.jump(done);
  masm.bind(stopped);
  const exit = masm.offset;
  masm.constant(masm.plan.resultInt, 1, -EINTR, -1);
  masm.bind(done);
  return { start, end, exit };
}
