/**
 * The parked process: waits at a safepoint, in the handler of its trap, until the process that stopped it lets it go or
 * dies.
 *
 * AssemblyScript, on the signal stack, STOP_SIGNAL blocked but inside ppoll. The tool reads the process, writes
 * RT_COMMAND and sends STOP_SIGNAL again; a signal without a command changes nothing. A pidfd of the sender tells when
 * it dies; then the process continues by itself. A sender of another pid namespace has no pid here: a lifeline tells
 * instead (lifeline.ts). Without a sender (parked at start) only a command ends the wait. A sender that does not say
 * COMMAND_HOLD is no tool but a stray `kill` in somebody's shell, which may live for days: it is given
 * CLAIM_NANOSECONDS. After COMMAND_KEEP the process waits for a command from any tool, for as long as that takes: it
 * cannot know whether another process continues this computation.
 *
 * All state here belongs to the signal handlers; nothing else reads or writes it. The guest is at a safepoint, so no
 * host call is running, and the table of descriptors can be made ready to be read.
 */

import {
  COMMAND_EXIT,
  COMMAND_HOLD,
  COMMAND_KEEP,
  COMMAND_NONE,
  COMMAND_RESUME,
  EXIT_CAPTURED,
  FLAG_KEPT,
  RT_COMMAND,
  RT_FLAGS,
  RT_STOP_SENDER,
  RT_STOP_WANTED,
  RT_SUCCESSOR,
  RT_SUCCESSOR_LENGTH,
  STATE_PARKED,
  STATE_RUNNING,
  STOP_SIGNAL,
  SUCCESSOR_MAX,
} from '../../image/contract/runtime-block';
import { TH_PARK_CONTEXT, TH_STATE } from '../../image/contract/thread';
import { TRACK_SIGNAL } from '../../image/contract/tracking';
import { memoryBase, runtime, syscall } from '../native/native';
import { SYS_close, SYS_kill, SYS_pidfd_open, SYS_ppoll, SYS_prctl, SYS_rt_sigprocmask } from '../native/target';
import { settleAll } from '../descriptors/unsettled';
import { leaveEmbedder } from './embedder-stream';
import { closeLifeline, hasLifeline, lifelineOfCapturer, openLifeline } from './lifeline';
import { flush, put, putForeign } from './message';
import { ESRCH, EINTR, exit, half, setHalf } from './runtime-block';
import { setThreadHalf, setThreadWord } from './thread';
import { mapPlainText } from './trap-text';

const PR_SET_PTRACER: i64 = 0x59616d61;
const POLLIN: i32 = 1;
const POLLERR: i32 = 8;
const POLLHUP: i32 = 16;
const SECOND: i64 = 1000000000;
const POLL_NANOSECONDS: i64 = 50000000;
const CLAIM_NANOSECONDS: i64 = 2 * SECOND;
const pollDescriptor: usize = memory.data(16, 8);
const pollTimeout: usize = memory.data(16, 8);
const signalMask: usize = memory.data(8, 8);

/** A descriptor of RT_STOP_SENDER, or -errno: opened at the signal, before its pid can be another process's. */
let senderPidfd: i64 = -1;

/**
 * Remembers who wants the stop. The tool may then read this process's memory, also where Yama restricts ptrace.
 * @param pid as the signal says it: 0 for a sender of another pid namespace
 * @returns false when its death could not be noticed: it must not stop this process
 */
export function setSender(pid: i32): bool {
  forgetSender();
  if (pid === 0) return openLifeline();
  senderPidfd = syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
  setHalf(RT_STOP_SENDER, pid);
  letRead(pid);
  return true;
}

/** Another process may read and write this one's memory, also where Yama restricts ptrace. */
function letRead(pid: i32): void {
  syscall(SYS_prctl, PR_SET_PTRACER, pid, 0, 0, 0, 0);
}

/** STOP_SIGNAL while the process is kept: any tool of the same user may decide. @returns false when it is not kept */
export function onStopKept(sender: i32): bool {
  if ((half(RT_FLAGS) & FLAG_KEPT) === 0) return false;
  if (sender !== 0) letRead(sender);
  return true;
}

export function forgetSender(): void {
  if (senderPidfd >= 0) syscall(SYS_close, senderPidfd, 0, 0, 0, 0, 0);
  senderPidfd = -1;
  closeLifeline();
  setHalf(RT_STOP_SENDER, 0);
}

export function senderIsDead(): bool {
  const pid = half(RT_STOP_SENDER);
  if (pid === 0) return lifelineOfCapturer() >= 0 && lookAtSender();
  if (senderPidfd === ESRCH) return true;
  if (senderPidfd < 0) return syscall(SYS_kill, pid, 0, 0, 0, 0, 0) === ESRCH;
  return lookAtSender();
}

/**
 * Whether the sender has died, without waiting. The blocked signals stay blocked: one that were handled here would wake
 * up nobody, and the command that it announces would never be seen.
 */
function lookAtSender(): bool {
  setPollTimeout(0);
  const count = watch(-1);
  return syscall(SYS_ppoll, memoryBase() + pollDescriptor, count, memoryBase() + pollTimeout, 0, 0, 0) > 0;
}

/** Parks until told to continue. The context must be at the safepoint already. */
export function park(context: i64): void {
  settleAll();
  setHalf(RT_COMMAND, COMMAND_NONE);
  setThreadWord(TH_PARK_CONTEXT, context);
  setThreadHalf(TH_STATE, STATE_PARKED);
  let patience = CLAIM_NANOSECONDS;
  while (!senderIsDead()) {
    const command = half(RT_COMMAND);
    const held = (command === COMMAND_HOLD && isClaimed()) || (half(RT_STOP_SENDER) === 0 && !hasLifeline());
    // with a pidfd the wait ends by a signal or the sender's death; a kernel without pidfds must be asked now and then
    const polling = senderPidfd < 0 && half(RT_STOP_SENDER) !== 0;
    const pause: i64 = polling ? POLL_NANOSECONDS : held ? -1 : patience;
    const result = waitForSender(pause);
    if (result === EINTR && isFinal(half(RT_COMMAND))) break;
    if (result === EINTR && half(RT_COMMAND) === COMMAND_KEEP) keep();
    if (result === 0 && !held) {
      patience -= pause;
      if (patience <= 0 && giveUp()) break;
    }
  }
  if (half(RT_COMMAND) === COMMAND_EXIT) endCaptured();
  goOn();
}

/**
 * Called when the snapshot is durable: reports where the program continues, because a waiting parent would take the end
 * of this process for the end of the program.
 */
function endCaptured(): void {
  const length = half(RT_SUCCESSOR_LENGTH);
  put('wag-snap: ended by a capture');
  if (length > 0 && length <= SUCCESSOR_MAX) {
    put('; continues from ');
    putForeign(runtime() + RT_SUCCESSOR, length);
  }
  put('\n');
  flush();
  leaveEmbedder();
  exit(EXIT_CAPTURED);
}

/**
 * From here on, the process does not continue because a tool dies. The flag comes last: a tool that has seen it may
 * give the next command.
 */
function keep(): void {
  forgetSender();
  setHalf(RT_COMMAND, COMMAND_NONE);
  setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_KEPT);
}

function isFinal(command: i32): bool {
  return command === COMMAND_RESUME || command === COMMAND_EXIT;
}

/**
 * Whether there is a command from a tool whose death would be noticed. A tool in another pid namespace takes the byte
 * of its lifeline before it gives a command. Without that, the command is from another tool, which was late.
 */
function isClaimed(): bool {
  return half(RT_COMMAND) !== COMMAND_NONE && (!hasLifeline() || lifelineOfCapturer() >= 0);
}

/**
 * Nobody has claimed the parked process. The tool writes COMMAND_HOLD and then checks that the state is still PARKED;
 * this does the two in the opposite order, so that both sides always agree.
 */
function giveUp(): bool {
  if (isClaimed()) return false;
  setThreadHalf(TH_STATE, STATE_RUNNING);
  if (!isClaimed()) return true;
  setThreadHalf(TH_STATE, STATE_PARKED);
  return false;
}

/**
 * Back to plain text and STATE_RUNNING; also when a stop is given up before the guest has parked. The state comes
 * first: PARKED without a sender would be for anyone to take.
 */
export function goOn(): void {
  mapPlainText();
  setThreadHalf(TH_STATE, STATE_RUNNING);
  forgetSender();
  setHalf(RT_COMMAND, COMMAND_NONE);
  setHalf(RT_FLAGS, half(RT_FLAGS) & ~FLAG_KEPT);
  setHalf(RT_STOP_WANTED, 0);
  setThreadWord(TH_PARK_CONTEXT, 0);
}

/**
 * One ppoll with STOP_SIGNAL unblocked, and TRACK_SIGNAL, which is answered while the process is parked, too.
 * @param nanoseconds -1 to wait without end
 * @returns positive when the sender has died, 0 on timeout, EINTR after a signal
 */
function waitForSender(nanoseconds: i64): i64 {
  return poll(-1, nanoseconds);
}

/**
 * Waits for STOP_SIGNAL, or for the sender's death.
 * @param listener descriptor of a pipe that is written to, or -1
 * @returns false when nobody reads the listener's pipe any more
 */
export function waitForSignal(listener: i64): bool {
  const polling = senderPidfd < 0 && half(RT_STOP_SENDER) !== 0;
  const count = poll(listener, polling ? POLL_NANOSECONDS : -1);
  return count <= 0 || (load<u16>(pollDescriptor, 14) & (POLLERR | POLLHUP)) === 0;
}

/** @param writer a second descriptor, of which only the end is of interest, or -1 */
function poll(writer: i64, nanoseconds: i64): i64 {
  const count = watch(writer);
  setPollTimeout(nanoseconds);
  syscall(SYS_rt_sigprocmask, 0, 0, memoryBase() + signalMask, 8, 0, 0);
  const asked: u64 = ((<u64>1) << (STOP_SIGNAL - 1)) | ((<u64>1) << (TRACK_SIGNAL - 1));
  store<u64>(signalMask, load<u64>(signalMask) & ~asked);
  const timeout = nanoseconds < 0 ? 0 : memoryBase() + pollTimeout;
  return syscall(SYS_ppoll, memoryBase() + pollDescriptor, count, timeout, memoryBase() + signalMask, 8, 0);
}

/** Fills the pollfd records: the sender's, and the writer's. @returns how many of them are to be looked at */
function watch(writer: i64): i64 {
  const sender = senderPidfd >= 0 ? senderPidfd : lifelineOfCapturer();
  store<i32>(pollDescriptor, <i32>sender); // a negative one is ignored
  store<i32>(pollDescriptor, senderPidfd >= 0 ? POLLIN : 0, 4); // the end of a pipe is told always
  store<i32>(pollDescriptor, <i32>writer, 8);
  store<i32>(pollDescriptor, 0, 12);
  return writer >= 0 ? 2 : sender >= 0 ? 1 : 0;
}

function setPollTimeout(nanoseconds: i64): void {
  store<i64>(pollTimeout, nanoseconds / SECOND);
  store<i64>(pollTimeout, nanoseconds % SECOND, 8);
}
