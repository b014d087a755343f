/**
 * A small program that sends signals for signaller.ts, as Node cannot make the system call pidfd_send_signal(2). The
 * build writes it for each CPU to dist/runtime/signal-helper-ARCH: a static ELF file of a few hundred bytes, made with
 * our own macro-assembler.
 *
 *     descriptor 0   requests: a siginfo_t each, 128 bytes
 *     descriptor 1   answers: the system call's results, 8 bytes each
 *     descriptor 3   the process: a pidfd, or its directory below /proc
 *
 * It ends at the end of its input, and thus with the tool, however that ends.
 */

import { Cond, IntOp, type MacroAssembler, Width } from '../arch/masm/masm.js';
import type { Target } from '../arch/masm/target.js';
import { smallProgram } from '../image/small-program.js';

/** Size of a request in bytes; its first word is the signal's number. */
export const SIGNAL_INFO_SIZE = 128;
/** Size of an answer in bytes: an int64, 0 or a negated errno. */
export const ANSWER_SIZE = 8;
export const PROCESS_DESCRIPTOR = 3;

const PIDFD_SEND_SIGNAL = 424; // the same on all CPUs
const BUFFER_SIZE = 256;

/** The whole file. */
export function signalHelper(target: Target): Uint8Array {
  const masm = target.createAssembler(4096);
  emit(masm, target.hostConstants);
  return smallProgram(target.elfMachine, masm.code());
}

function emit(masm: MacroAssembler, constants: Readonly<Record<string, number>>): void {
  const { callTemp: buffer, resultInt: result } = masm.plan; // the kernel keeps the buffer's register
  const [number, ...args] = masm.syscallRegisters;
  const call = (name: number) => {
    masm.constant(number, 1, name, 0);
    masm.syscall();
  };
  masm.resetLabels();
  const next = masm.newLabel();
  const end = masm.newLabel();
  masm.move64Sp(buffer);
  masm.binaryImm(IntOp.Sub, 1, buffer, buffer, BUFFER_SIZE);
  masm.setSp(buffer);

  masm.bind(next);
  masm.constant(args[0], 1, 0, 0);
  masm.move(args[1], buffer);
  masm.constant(args[2], 1, SIGNAL_INFO_SIZE, 0);
  call(constants['SYS_read']);
  masm.compareImm(1, result, SIGNAL_INFO_SIZE);
  masm.branch(Cond.Ne, end);

  masm.constant(args[0], 1, PROCESS_DESCRIPTOR, 0);
  masm.loadField(Width.Int32, args[1], buffer, 0);
  masm.move(args[2], buffer);
  masm.constant(args[3], 1, 0, 0);
  call(PIDFD_SEND_SIGNAL);

  masm.storeField(Width.Int64, result, buffer, SIGNAL_INFO_SIZE);
  masm.constant(args[0], 1, 1, 0);
  masm.binaryImm(IntOp.Add, 1, args[1], buffer, SIGNAL_INFO_SIZE);
  masm.constant(args[2], 1, ANSWER_SIZE, 0);
  call(constants['SYS_write']);
  masm.jump(next);

  masm.bind(end);
  masm.constant(args[0], 1, 0, 0);
  call(constants['SYS_exit_group']);
}
