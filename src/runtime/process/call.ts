/**
 * A call of one exported function instead of the program's entry (`run --invoke`): all instances are made and
 * initialized, the function is called, and its results are written to a descriptor, for the starter of the process to
 * print. The process can be captured at any point, as a program can.
 *
 *     WAGSNAP_INVOKE=n    the call (image/contract/call.ts) is read from n, the reply is written to n + 1:
 *                         u8 trap kind, and when it is 0: u64 result [cells]
 *     a restored process  has its call in the resume plan, and reads none
 *
 * If it traps on the way, the trap is the reply. AssemblyScript.
 */

import {
  CALL_ARGUMENT_CELLS,
  CALL_HEADER,
  CALL_INITIALIZE,
  CALL_RECORD,
  CALL_RESULT_CELLS,
  CALL_RESULTS,
  CALL_WORDS_MAX,
} from '../../image/contract/call';
import { FLAG_DRIVER, RT_CALL, RT_FLAGS } from '../../image/contract/runtime-block';
import { PHASE_CALL, TH_INVOKE_VALUES, TH_PHASE, TH_TRAP_KIND } from '../../image/contract/thread';
import { copy, invoke, load64, memoryBase, syscall } from '../native/native';
import { SYS_close, SYS_read, SYS_write } from '../native/target';
import { entryOf, instanceAt, instanceCount } from './init-plan';
import { callFunction, entryPhase, instantiate } from './instantiate';
import { EINTR, exit, failed, half, imageBase, setHalf, setWord, word } from './runtime-block';
import { setThreadHalf, setThreadWord, threadHalf } from './thread';

const EXIT_USAGE: i32 = 2;
const WORD: i64 = 8;

// the call, when it has been read: its header and CALL_WORDS_MAX words
const block: usize = memory.data(65576, 8);
/** Arguments, then results. */
const values: usize = memory.data(65536, 8);
const kindByte: usize = memory.data(1);
/** Where the reply goes; 0 for nowhere. */
let replyFd: i64 = 0;

/** Whether a function is called instead of the program's entry. */
export function isCall(): bool {
  return word(RT_CALL) !== 0;
}

/** @param first descriptor of the call. @param resumes whether it is in the resume plan already */
export function openCall(first: i64, resumes: bool): void {
  replyFd = first + 1;
  if (!resumes) readCall(first);
  syscall(SYS_close, first, 0, 0, 0, 0, 0);
}

function readCall(fd: i64): void {
  readWords(fd, block, CALL_HEADER);
  const cells = bounded(CALL_ARGUMENT_CELLS);
  const results = bounded(CALL_RESULTS);
  bounded(CALL_RESULT_CELLS);
  if (cells + results > CALL_WORDS_MAX) exit(EXIT_USAGE);
  readWords(fd, block + CALL_HEADER, <i64>(cells + results) * WORD);
  store<i64>(block + CALL_RECORD, load<i64>(block + CALL_RECORD) + imageBase());
  setWord(RT_CALL, memoryBase() + block);
}

/** A number of the header, of words. */
function bounded(offset: i32): i32 {
  const count = load<i64>(block + offset);
  if (count < 0 || count > CALL_WORDS_MAX) exit(EXIT_USAGE);
  return <i32>count;
}

function readWords(fd: i64, to: usize, size: i64): void {
  let at: i64 = 0;
  while (at < size) {
    const count = syscall(SYS_read, fd, memoryBase() + to + at, size - at, 0, 0, 0);
    if (count === EINTR) continue;
    if (failed(count) || count === 0) exit(EXIT_USAGE);
    at += count;
  }
}

/** Before guest code runs, also in a restored process: from now on a trap is a reply. */
export function beginCall(): void {
  setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_DRIVER);
  setThreadHalf(TH_TRAP_KIND, 0);
  setThreadWord(TH_INVOKE_VALUES, memoryBase() + values);
}

/**
 * Runs everything after a phase, to the end of the process. The results of the phase are in `values`, unless it was a
 * trap.
 */
export function callAfter(phase: i32): void {
  replyIfTrapped();
  if (phase === PHASE_CALL) reply();
  const count = instanceCount();
  let index = (phase >> 1) + 1;
  if ((phase & 1) === 0) {
    for (; index < count; index++) replyTrap(instantiate(index));
    index = 0;
  }
  const initialized = load64(word(RT_CALL) + CALL_INITIALIZE) !== 0 ? count : count - 1;
  for (; index < initialized; index++) {
    const entry = entryOf(instanceAt(index));
    if (entry === 0) continue;
    setThreadHalf(TH_PHASE, entryPhase(index));
    replyTrap(callFunction(entry));
  }
  const call = word(RT_CALL);
  const first = call + CALL_HEADER + load64(call + CALL_RESULTS) * WORD;
  copy(memoryBase() + values, first, load64(call + CALL_ARGUMENT_CELLS) * WORD);
  setThreadHalf(TH_PHASE, PHASE_CALL);
  invoke(load64(call + CALL_RECORD), memoryBase() + values);
  replyIfTrapped();
  reply();
}

/** Ends the process when what has just run has trapped. */
export function replyIfTrapped(): void {
  replyTrap(threadHalf(TH_TRAP_KIND));
}

/** Ends the process when there was a trap. */
function replyTrap(kind: i32): void {
  if (kind === 0) return;
  store<u8>(kindByte, <u8>kind);
  write(kindByte, 1);
  exit(0);
}

function reply(): void {
  store<u8>(kindByte, 0);
  write(kindByte, 1);
  write(values, load64(word(RT_CALL) + CALL_RESULT_CELLS) * WORD);
  exit(0);
}

function write(from: usize, size: i64): void {
  let at: i64 = 0;
  while (replyFd !== 0 && at < size) {
    const count = syscall(SYS_write, replyFd, memoryBase() + from + at, size - at, 0, 0, 0);
    if (count === EINTR) continue;
    if (failed(count)) exit(EXIT_USAGE);
    at += count;
  }
}
