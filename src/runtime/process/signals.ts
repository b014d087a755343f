/**
 * The signal handler: stop requests, safepoints hit in trap text, and the faults that are wasm traps.
 *
 * AssemblyScript, called by the handler stub on the signal stack. It may interrupt anything, the host layer too, and
 * shares with the rest only the runtime block, the final message (message.ts) and the state in park.ts.
 *
 *     STOP_SIGNAL   RUNNING -> STOPPING: a stop is wanted, trap text over text
 *     TRACK_SIGNAL  a tool asks which pages were written (tracking.ts); the state stays what it is
 *     SIGTRAP       STOPPING -> PARKED -> RUNNING, at a safepoint
 *                   parked at a trap: TRAPPED (trapped.ts)
 *     endings       as process 1 alone, which the kernel does not end by a default action: exit with 128 + number
 *     faults        a function that is not compiled yet (growing-text.ts), memory that is not there yet (lazy-pages.ts)
 *                   and a write to a tracked block (protect.ts) continue; a trap site -> its trap; the guard below the
 *                   guest's stack -> call stack exhausted; else fatal
 */

import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import {
  COMMAND_NONE,
  COMMAND_RESUME,
  RT_BLOCKING_COUNT,
  RT_BLOCKING_WINDOWS,
  RT_COMMAND,
  RT_STOP_SENDER,
  RT_STOP_WANTED,
  RT_TEXT_SIZE,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_STOPPING,
  STATE_TRAPPED,
  STOP_SIGNAL,
  WINDOW_END,
  WINDOW_EXIT,
  WINDOW_SIZE,
  WINDOW_START,
} from '../../image/contract/runtime-block';
import { FR_KIND, FUNC_GUEST, FUNC_IMPORT, FUNC_STUB } from '../../image/contract/site-tables';
import { STACK_GUARD } from '../../image/contract/sizes';
import { TH_STACK_LOW, TH_STATE } from '../../image/contract/thread';
import { TRACK_SIGNAL } from '../../image/contract/tracking';
import { TRAP_FATAL, TRAP_MEMORY, TRAP_PAGES_LOST, TRAP_STACK } from '../../image/contract/traps';
import { load32_u, load64, store64 } from '../native/native';
import { SAFEPOINT_PC_BIAS, UCONTEXT_PC } from '../native/target';
import { backtraceFrom, textOffsetOf } from './backtrace';
import { reservation } from './boot';
import { askForAll, fetchFunction, isComplete } from './growing-text';
import { firstInstance, instanceCount, memoriesOf, nextInstance } from './init-plan';
import { LAZY_LOST, LAZY_NOT_OURS, openAt } from './lazy-pages';
import { flush, put, putDecimal, putHex } from './message';
import { forgetSender, goOn, onStopKept, park, senderIsDead, setSender } from './park';
import { liftAt } from './protect';
import { exit, half, setHalf, word } from './runtime-block';
import { beginStep, endStep, passSafepoints } from './single-steps';
import { functionAt, trapSiteAt } from './site-sections';
import { setThreadHalf, threadHalf, threadWord } from './thread';
import { onTrack } from './tracking';
import { mapTrapText } from './trap-text';
import { onStopTrapped } from './trapped';
import { inDriver, raiseInHost, trapInContext } from './traps';

export const SIGHUP: i32 = 1;
export const SIGINT: i32 = 2;
export const SIGQUIT: i32 = 3;
export const SIGILL: i32 = 4;
export const SIGTRAP: i32 = 5;
export const SIGBUS: i32 = 7;
export const SIGFPE: i32 = 8;
export const SIGSEGV: i32 = 11;
export const SIGTERM: i32 = 15;

// siginfo_t, the same on all 64-bit CPUs
const SI_PID: i64 = 16; // i32, of signals sent by a process
const SI_ADDR: i64 = 16; // u64, of faults

const EXIT_BUG: i32 = 70;

/** @param info siginfo_t, @param context ucontext_t */
export function on_signal(signo: i32, info: i64, context: i64): void {
  if (signo === STOP_SIGNAL) return onStop(load32_u(info + SI_PID), context);
  if (signo === TRACK_SIGNAL) {
    askForAll(); // whoever tracks will want to stop the process
    return onTrack(load32_u(info + SI_PID));
  }
  if (isEnding(signo)) exit(128 + signo);
  if (signo === SIGTRAP && onSafepoint(context)) return;
  onFault(signo, load64(info + SI_ADDR), context);
}

/** Signals that ask a program to end; start.ts has them handled in process 1. */
function isEnding(signo: i32): bool {
  return signo === SIGHUP || signo === SIGINT || signo === SIGQUIT || signo === SIGTERM;
}

/** Debugging: parks at the n-th safepoint from now on, without a sender. The guest must not run yet. */
export function parkAtSafepoint(n: i64): void {
  if (!mapTrapText()) return;
  passSafepoints(n - 1);
  setThreadHalf(TH_STATE, STATE_STOPPING);
}

function onStop(sender: i32, context: i64): void {
  const state = threadHalf(TH_STATE);
  if (state === STATE_STOPPING || state === STATE_PARKED) {
    if (onStopKept(sender)) return;
    // one of a burst, or the wake-up of a parked process; or another tool's, when the first is gone (one that has no
    // pid here asks again)
    if (sender !== half(RT_STOP_SENDER)) {
      if (sender === 0 || !senderIsDead()) return;
      setHalf(RT_COMMAND, COMMAND_NONE); // what the dead one was about to command is not the next one's
      setSender(sender);
    } else if (state === STATE_STOPPING && half(RT_COMMAND) === COMMAND_RESUME) {
      goOn(); // the tool has changed its mind
    }
    return;
  }
  if (state === STATE_TRAPPED) return onStopTrapped(sender);
  if (state !== STATE_RUNNING || !isComplete() || !setSender(sender)) return;
  if (!mapTrapText()) return forgetSender();
  setHalf(RT_STOP_WANTED, 1);
  setThreadHalf(TH_STATE, STATE_STOPPING);
  doNotBlock(context);
}

/** A system call that may block and has not begun is left out (compile/stubs/blocking-syscall.ts). */
function doNotBlock(context: i64): void {
  const pc = load64(context + UCONTEXT_PC);
  if (!inText(pc)) return;
  const offset = textOffsetOf(pc);
  const windows = word(RT_BLOCKING_WINDOWS);
  const end = windows + word(RT_BLOCKING_COUNT) * <i64>WINDOW_SIZE;
  for (let window = windows; window < end; window += <i64>WINDOW_SIZE) {
    if (offset < <i64>load32_u(window + <i64>WINDOW_START) || offset >= <i64>load32_u(window + <i64>WINDOW_END))
      continue;
    store64(context + UCONTEXT_PC, pc - offset + <i64>load32_u(window + <i64>WINDOW_EXIT));
    return;
  }
}

/** @returns false when the trap was no safepoint's */
function onSafepoint(context: i64): bool {
  if (endStep(context)) return true;
  const pc = load64(context + UCONTEXT_PC) - SAFEPOINT_PC_BIAS;
  if (threadHalf(TH_STATE) !== STATE_STOPPING || !inText(pc)) return false;
  store64(context + UCONTEXT_PC, pc);
  if (!beginStep(context)) park(context);
  return true;
}

function onFault(signo: i32, address: i64, context: i64): void {
  if (signo === SIGILL && fetchFunction(context)) return;
  const pc = load64(context + UCONTEXT_PC);
  if (signo === SIGSEGV) {
    const lazy = openAt(address);
    if (lazy === LAZY_LOST) return onLost(pc, context);
    if (lazy !== LAZY_NOT_OURS || liftAt(address)) return; // or the first write to a block that is tracked
  }
  const memoryFault = signo === SIGSEGV || signo === SIGBUS;
  const site = inText(pc) ? trapSiteAt(textOffsetOf(pc)) : 0;
  const bodyOffset: i64 = site === 0 ? -1 : <i64>(site & 0x7ffffff);
  if (memoryFault && inGuard(address) && inGuest(pc)) return trapInContext(TRAP_STACK, context, bodyOffset);
  const kind: i32 = site >>> 27;
  if (kind !== 0 && inGuest(pc) && (!memoryFault || (kind === TRAP_MEMORY && isBeyondMemory(address)))) {
    return trapInContext(kind, context, bodyOffset);
  }
  fatal(signo, address, context);
}

/** A page cannot be had: for the guest's own access, or for the host call or builtin that makes it. */
function onLost(pc: i64, context: i64): void {
  const site = inText(pc) ? trapSiteAt(textOffsetOf(pc)) : 0;
  if (site !== 0 && inGuest(pc)) return trapInContext(TRAP_PAGES_LOST, context, <i64>(site & 0x7ffffff));
  if (inDriver()) return trapInContext(TRAP_PAGES_LOST, context, -1);
  raiseInHost(TRAP_PAGES_LOST);
}

/** A fault with no meaning in wasm: a bug of ours, or a mapped file was truncated. */
function fatal(signo: i32, address: i64, context: i64): void {
  const pc = load64(context + UCONTEXT_PC);
  put('wag-snap: fatal signal ');
  putDecimal(signo);
  if (inText(pc)) {
    put(' at text+0x');
    putHex(textOffsetOf(pc));
  } else {
    put(' at 0x');
    putHex(pc);
  }
  put(', address 0x');
  putHex(address);
  put('\n');
  if (inDriver()) {
    flush();
    return trapInContext(TRAP_FATAL, context, -1);
  }
  if (inText(pc)) backtraceFrom(context, -1);
  flush();
  exit(EXIT_BUG);
}

function inText(pc: i64): bool {
  return <u64>textOffsetOf(pc) < <u64>word(RT_TEXT_SIZE);
}

/** Guest code, or a stub that runs on the guest's stack. */
function inGuest(pc: i64): bool {
  if (!inText(pc)) return false;
  const row = functionAt(textOffsetOf(pc));
  if (row === 0) return false;
  const kind = load32_u(row + FR_KIND);
  return kind === FUNC_GUEST || kind === FUNC_IMPORT || kind === FUNC_STUB;
}

function inGuard(address: i64): bool {
  const low = threadWord(TH_STACK_LOW);
  return address < low && address >= low - STACK_GUARD;
}

/** Whether the address is in a memory's reservation but not in the memory. */
function isBeyondMemory(address: i64): bool {
  let entry = firstInstance();
  for (let i = instanceCount(); i > 0; i--) {
    let row = memoriesOf(entry) + 8;
    for (let k = load64(row - 8); k > 0; k--) {
      const record = load64(row);
      const offset = address - load64(record + MEM_BASE);
      if (offset >= load64(record + MEM_SIZE) && offset < reservation(record)) return true;
      row += 16;
    }
    entry = nextInstance(entry);
  }
  return false;
}
