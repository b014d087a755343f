/**
 * Takes a booted process to the guest: opens the image, sets signal handlers, runs the host layer's own start, then
 * does what the environment or the image asks for (ARCHITECTURE.md, "Start").
 *
 * AssemblyScript. STOP_SIGNAL stays blocked until all of it can be stopped: a signal that comes earlier waits.
 */

import {
  FLAG_PARK_AT_START,
  RT_EXE_FD,
  RT_FLAGS,
  RT_RESUME_PLAN,
  RT_SIGNAL_ENTRY,
  RT_SIGNAL_RETURN,
  STATE_RUNNING,
  STOP_SIGNAL,
} from '../image/contract/runtime-block';
import { TH_SIGNAL_STACK, TH_STATE } from '../image/contract/thread';
import { TRACK_SIGNAL } from '../image/contract/tracking';
import { moveHigh } from './native/high-descriptor';
import { memoryBase, syscall } from './native/native';
import { SYS_getpid, SYS_openat, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack } from './native/target';
import { greetEmbedder } from './embedder/hello';
import { becomeClone } from './wasi/clone';
import { wasi_resume } from './wasi/resume';
import { openSnapshots } from './wasi/snapshot';
import { wasi_start } from './wasi/start';
import { SIGNAL_STACK_SIZE } from './process/boot';
import { beginCall, callAfter, isCall, openCall } from './process/call';
import { checkCpu } from './process/cpu';
import { drive } from './process/driver';
import {
  environmentChoice,
  environmentIndex,
  environmentNumber,
  environmentSize,
  findArguments,
} from './process/environment';
import { mapGuestStack } from './process/guest-stack';
import { isGrowing, openGrowingText } from './process/growing-text';
import { waitToBegin } from './process/held';
import { runAfter } from './process/instantiate';
import { beginLazy } from './process/lazy-pages';
import { limitMemory } from './process/memory-limit';
import { nameProcess } from './process/name';
import { endWithParent } from './process/parent';
import { reserveExceptions } from './process/exceptions';
import { closeSource, continueGuest, restoreGuest, sourceFile } from './process/resume';
import { exit, failed, half, imageBase, setHalf, setWord, word } from './process/runtime-block';
import { enterSandbox } from './process/sandbox';
import {
  parkAtSafepoint,
  SIGBUS,
  SIGFPE,
  SIGHUP,
  SIGILL,
  SIGINT,
  SIGQUIT,
  SIGSEGV,
  SIGTERM,
  SIGTRAP,
} from './process/signals';
import { setThreadHalf, threadWord } from './process/thread';
import { prepareTracking } from './process/tracking';
import { keepTrapped } from './process/trapped';
import { findVdso } from './process/vdso';

const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x04000000;
const SA_ONSTACK: u64 = 0x08000000;
const SIG_IGN: i64 = 1;
const SIG_BLOCK: i64 = 0;
const SIG_UNBLOCK: i64 = 1;

const O_CLOEXEC: i64 = 0x80000;
const AT_FDCWD: i64 = -100;

/** TH_PHASE of the host layer's start function: all guests come after it. */
const HOST_PHASE: i32 = 0;

// "/proc/self/exe"
const exePath: usize = memory.data<u8>([47, 112, 114, 111, 99, 47, 115, 101, 108, 102, 47, 101, 120, 101, 0]);
// struct sigaction as the kernel has it: handler, flags, restorer, mask
const action: usize = memory.data(32, 8);
// stack_t: address, i32 flags, size
const signalStack: usize = memory.data(24, 8);
const mask: usize = memory.data(8, 8);

/** Runs the process to its end. @param sp the kernel's initial stack pointer */
export function start(sp: i64): void {
  checkCpu();
  findArguments(sp);
  findVdso();
  nameProcess();
  endWithParent();
  openImage();
  changeMask(SIG_BLOCK, signalBit(STOP_SIGNAL) | signalBit(TRACK_SIGNAL));
  ignore(environmentNumber('WAGSNAP_IGNORE='));
  installHandlers();
  const driver = environmentNumber('WAGSNAP_DRIVER=');
  const called = environmentNumber('WAGSNAP_INVOKE=');
  const park = environmentNumber('WAGSNAP_PARK=');
  const hold = environmentNumber('WAGSNAP_HOLD=');
  const limit = environmentSize('WAGSNAP_MAX_MEMORY=');
  mapGuestStack(environmentSize('WAGSNAP_MAX_STACK='));
  const listener = environmentNumber('WAGSNAP_TRAP_FD=');
  if (environmentChoice('WAGSNAP_ON_TRAP=', 'exit', 'park')) keepTrapped(listener);
  const embedder = environmentNumber('WAGSNAP_EMBEDDER=');
  openSnapshots(environmentNumber('WAGSNAP_SNAPSHOTS='));
  const cloned = environmentIndex('WAGSNAP_CLONE=');
  const lazy = environmentNumber('WAGSNAP_LAZY=');
  const resumes = word(RT_RESUME_PLAN) !== 0;
  if (resumes) {
    if (lazy !== 0) beginLazy(lazy);
    restoreGuest();
    wasi_resume(sourceFile()); // from here on RT_ENVP is the guest's of the snapshot
    closeSource();
    if (cloned >= 0) becomeClone(cloned);
  } else {
    wasi_start();
  }
  if (called !== 0) openCall(called, resumes);
  limitMemory(limit);
  reserveExceptions();
  prepareTracking();
  greetEmbedder(embedder, resumes);
  enterSandbox();
  if (hold !== 0) waitToBegin(hold);
  setThreadHalf(TH_STATE, STATE_RUNNING);
  if (park !== 0) {
    setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_PARK_AT_START);
    parkAtSafepoint(park);
  }
  const faults = signalBit(SIGSEGV) | signalBit(SIGBUS) | signalBit(SIGFPE) | signalBit(SIGILL) | signalBit(SIGTRAP);
  changeMask(SIG_UNBLOCK, faults | signalBit(STOP_SIGNAL) | signalBit(TRACK_SIGNAL));
  if (driver !== 0) drive(driver === 1 ? 0 : driver);
  else if (resumes) continueGuest();
  else if (isCall()) {
    beginCall();
    callAfter(HOST_PHASE);
  } else runAfter(HOST_PHASE);
  exit(0);
}

/** The image's own file, for trap text and site tables; without /proc the process runs but cannot be stopped. */
function openImage(): void {
  if (isGrowing()) return openGrowingText();
  const fd = syscall(SYS_openat, AT_FDCWD, memoryBase() + exePath, O_CLOEXEC, 0, 0, 0);
  if (failed(fd)) return setWord(RT_EXE_FD, -1);
  setWord(RT_EXE_FD, moveHigh(fd));
}

/**
 * Ignores signals that whoever has started the process acts on for it: a terminal, kill(1) or systemd may send them to
 * both.
 *
 * @param signals bit n - 1 for signal n
 */
function ignore(signals: i64): void {
  store<i64>(action, SIG_IGN);
  store<u64>(action, 0, 8);
  for (let signo: i64 = 1; signo < 32; signo++) {
    if ((signals & ((<i64>1) << (signo - 1))) !== 0)
      syscall(SYS_rt_sigaction, signo, memoryBase() + action, 0, 8, 0, 0);
  }
}

function installHandlers(): void {
  store<i64>(signalStack, threadWord(TH_SIGNAL_STACK));
  store<i64>(signalStack, SIGNAL_STACK_SIZE, 16);
  syscall(SYS_sigaltstack, memoryBase() + signalStack, 0, 0, 0, 0, 0);
  // a stop waits while another signal is handled: the handler of a safepoint lets it in when it is parked
  const asked = signalBit(STOP_SIGNAL) | signalBit(TRACK_SIGNAL);
  handle(SIGSEGV, asked);
  handle(SIGBUS, asked);
  handle(SIGFPE, asked);
  handle(SIGILL, asked);
  handle(SIGTRAP, asked);
  handle(STOP_SIGNAL, asked);
  handle(TRACK_SIGNAL, asked);
  if (syscall(SYS_getpid, 0, 0, 0, 0, 0, 0) !== 1) return;
  endBy(SIGHUP);
  endBy(SIGINT);
  endBy(SIGQUIT);
  endBy(SIGTERM);
}

/**
 * Process 1 of a pid namespace, a container's entry point, ends only by signals that it handles. Ignored ones stay so.
 */
function endBy(signo: i32): void {
  syscall(SYS_rt_sigaction, signo, 0, memoryBase() + action, 8, 0, 0);
  if (load<i64>(action) !== SIG_IGN) handle(signo, 0);
}

/** No SA_RESTART: a stop interrupts a blocking call. */
function handle(signo: i32, blocked: u64): void {
  store<i64>(action, imageBase() + word(RT_SIGNAL_ENTRY));
  store<u64>(action, SA_SIGINFO | SA_ONSTACK | SA_RESTORER, 8);
  store<i64>(action, imageBase() + word(RT_SIGNAL_RETURN), 16);
  store<u64>(action, blocked, 24);
  syscall(SYS_rt_sigaction, signo, memoryBase() + action, 0, 8, 0, 0);
}

function changeMask(how: i64, signals: u64): void {
  store<u64>(mask, signals);
  syscall(SYS_rt_sigprocmask, how, memoryBase() + mask, 0, 8, 0, 0);
}

function signalBit(signo: i32): u64 {
  return (<u64>1) << (signo - 1);
}
