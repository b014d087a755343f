/**
 * Which pages were written: the process's side of image/contract/tracking.ts. The tool cannot make the system calls that
 * this takes, so the process makes them itself, in the handler of TRACK_SIGNAL.
 *
 * AssemblyScript, on the signal stack, STOP_SIGNAL and TRACK_SIGNAL blocked. It may interrupt anything, the host layer
 * too, and shares nothing with it but the runtime block and what userfault.ts and protect.ts keep. How long it takes is up to the tool,
 * which asks for a range at a time.
 */

import {
  CHECK_FACTOR,
  REQUEST_SIZE,
  RQ_CHECK,
  RQ_COMMAND,
  RQ_END,
  RQ_ID,
  RQ_KEEP_CHECK,
  RQ_NUMBER,
  RQ_SESSION,
  RQ_START,
  RQ_WAY,
  RT_TRACKING,
  TK_ANSWER,
  TK_BEFORE,
  TK_REACHED,
  TK_REGIONS,
  TK_REQUEST,
  TK_RESULT,
  TK_SESSION,
  TK_SINCE,
  TK_TOOK,
  TK_WAYS,
  TRACK_BEGIN,
  TRACK_BOUNDED,
  TRACK_END,
  TRACK_ID_SIZE,
  TRACK_KEEP,
  TRACK_PAGES,
  TRACK_PROTECT,
  TRACK_SCAN,
  TRACK_STALE,
  TRACK_USERFAULT,
} from '../../image/contract/tracking';
import { STATE_PARKED } from '../../image/contract/runtime-block';
import { TH_STATE } from '../../image/contract/thread';
import { load32_u, load64, memoryBase, runtime, store32, store64, syscall } from '../native/native';
import { SYS_clock_gettime } from '../native/target';
import { isLazy, openArrived } from './lazy-pages';
import { beginProtect, endProtect, keepProtect, liftTargets, mustWait, protectReached, scanProtect } from './protect';
import { openUserfault, REGIONS, registerMemories, scan, scanReached, unregisterMemories } from './userfault';
import { failed } from './runtime-block';
import { threadHalf } from './thread';

const EINVAL: i64 = -22;
const PAGE: i64 = 4096;

/** Number of the last request that the session has performed. */
let performed: u32 = 0;
/** What the session tracks with; 0 before the first. */
let way: i32 = 0;

function record(): i64 {
  return runtime() + <i64>RT_TRACKING;
}

/** Finds out what this process can do; opens what that takes, as it cannot be opened in the sandbox. */
export function prepareTracking(): void {
  let ways: i32 = TRACK_PROTECT | TRACK_BOUNDED;
  if (openUserfault()) ways |= TRACK_USERFAULT;
  store64(record() + TK_REGIONS, memoryBase() + <i64>REGIONS);
  store32(record() + TK_WAYS, ways);
}

/**
 * TRACK_SIGNAL: answers the request, once; one that comes without a request changes nothing. Either way, lazy pages that
 * are there become accessible.
 * @param sender pid of the tool, 0 when it has none here
 */
export function onTrack(sender: i32): void {
  openArrived();
  const answer = record() + TK_ANSWER;
  const request = memoryBase() + copied;
  for (let at: i64 = 0; at < REQUEST_SIZE; at += 8) store64(request + at, load64(record() + TK_REQUEST + at));
  const number = load32_u(request + RQ_NUMBER);
  if (number === 0 || number === load32_u(answer + RQ_NUMBER)) return;
  // One that is not written yet, or of two tools' requests: each asks again.
  const check = load32_u(request + RQ_COMMAND) === TRACK_KEEP ? RQ_KEEP_CHECK : RQ_CHECK;
  if (load64(request + check) !== checkOf(request, check)) return;
  if (mustWait(load32_u(request + RQ_COMMAND) === TRACK_BEGIN)) return;
  store32(answer + RQ_NUMBER, 0); // until the rest of it is there
  const started = now();
  store64(record() + TK_RESULT, perform(request, sender));
  store64(record() + TK_TOOK, now() - started);
  store32(answer + RQ_COMMAND, load32_u(request + RQ_COMMAND));
  for (let at: i64 = 8; at < REQUEST_SIZE; at += 8) store64(answer + at, load64(request + at));
  store32(answer + RQ_NUMBER, number);
}

/** The request that is handled, as a tool may write another one meanwhile. */
const copied: usize = memory.data(64, 8);

/** @param except where the check itself is */
function checkOf(request: i64, except: i64): i64 {
  let check: i64 = 0;
  for (let at: i64 = 0; at < REQUEST_SIZE; at += 8) {
    if (at === except) continue;
    check = (check ^ load64(request + at)) * CHECK_FACTOR;
    check ^= <i64>(<u64>check >> 32);
  }
  return check;
}

const CLOCK_MONOTONIC: i64 = 1;
const clock: usize = memory.data(16, 8);

/** Nanoseconds. */
function now(): i64 {
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, memoryBase() + clock, 0, 0, 0, 0);
  return load<i64>(clock) * 1000000000 + load<i64>(clock, 8);
}

/** @returns what goes into TK_RESULT */
function perform(request: i64, sender: i32): i64 {
  const command = load32_u(request + RQ_COMMAND);
  if (command === TRACK_BEGIN) return begin(load32_u(request + RQ_WAY), sender);
  if (load32_u(request + RQ_SESSION) !== load32_u(record() + TK_SESSION)) return TRACK_STALE;
  // Asked again: the answer was overwritten by one to another tool, and what a scan had found is lost with it.
  const number = load32_u(request + RQ_NUMBER);
  if (number === performed) return TRACK_STALE;
  performed = number;
  if (command === TRACK_SCAN) {
    // What was written is about to be forgotten here: only a whole snapshot may be what is differed from.
    copyId(0, record() + TK_SINCE);
    return way === TRACK_PROTECT ? byProtection(request) : byUserfault(request);
  }
  if (command === TRACK_KEEP) {
    copyId(request + RQ_ID, record() + TK_SINCE);
    keepProtect();
    return 0;
  }
  if (command !== TRACK_END) return EINVAL;
  copyId(0, record() + TK_SINCE);
  if (way !== TRACK_PROTECT) return unregisterMemories();
  endProtect();
  return 0;
}

/** How many pages a scan may find before it stops; 0: as many as there are. The guest must not wait for long. */
function pagesAtOnce(): i64 {
  return threadHalf(TH_STATE) === STATE_PARKED ? 0 : TRACK_PAGES;
}

function byUserfault(request: i64): i64 {
  const count = scan(load64(request + RQ_START), load64(request + RQ_END), pagesAtOnce());
  store64(record() + TK_REACHED, scanReached(count));
  return count;
}

function byProtection(request: i64): i64 {
  const count = scanProtect(load64(request + RQ_START), load64(request + RQ_END), pagesAtOnce() * PAGE);
  store64(record() + TK_REACHED, protectReached());
  liftTargets();
  return count;
}

function begin(wanted: i32, sender: i32): i64 {
  if ((wanted & load32_u(record() + TK_WAYS)) === 0 || isLazy()) return EINVAL;
  const session = load32_u(record() + TK_SESSION) + 1;
  store32(record() + TK_SESSION, session);
  const since = record() + TK_SINCE;
  copyId(since, record() + TK_BEFORE);
  copyId(0, since);
  if (wanted !== way) {
    copyId(0, record() + TK_BEFORE); // the other way has seen nothing
    endProtect();
  }
  const result = wanted === TRACK_PROTECT ? beginProtect(sender) : registerMemories();
  if (failed(result)) return result;
  if (wanted === TRACK_PROTECT && result === 0) copyId(0, record() + TK_BEFORE);
  way = wanted;
  return <i64>session;
}

/** @param from 0 for zeros */
function copyId(from: i64, to: i64): void {
  for (let at: i64 = 0; at < TRACK_ID_SIZE; at += 8) store64(to + at, from === 0 ? 0 : load64(from + at));
}
