/**
 * Calls of the embedder's import functions, one at a time, by thunks of the image (compile/stubs/embedder-call.ts).
 *
 *     process                                   embedder
 *     MSG_CALL number, import, arguments  -->
 *                                         <--   MSG_READ, MSG_WRITE, MSG_SIZE, any number of them
 *     MSG_BYTES, MSG_WRITTEN, MSG_SIZE_IS -->
 *                                         <--   MSG_REPLY number, results; or MSG_TRAP number, why
 *
 * AssemblyScript. A stop may interrupt any wait. Then the thunk goes back to its entry, where the process parks, and
 * later calls again. In the same process the call continues where it was. In a restored one it is sent again, with the
 * number that it had (HS_CALL, TH_SUSPENDED_CALL): a number names one call of the program, and grows by one with each.
 */

import {
  CALL_AGAIN,
  MSG_BODY,
  MSG_CALL,
  MSG_KIND,
  MSG_LENGTH,
  MSG_READ,
  MSG_REPLY,
  MSG_SIZE,
  MSG_TRAP,
  MSG_WRITE,
} from '../../image/contract/embedder';
import { HS_CALL } from '../../image/contract/host-state';
import { PHASE_HOOK, TH_GUEST_SP, TH_PHASE, TH_SUSPENDED_CALL } from '../../image/contract/thread';
import { TRAP_EMBEDDER } from '../../image/contract/traps';
import { load32_u, load64, load8_u, store64 } from '../native/native';
import { native } from '../descriptors/linux';
import { STATE } from '../descriptors/table';
import {
  CALL_PENDING,
  GONE,
  OUT,
  STOPPED,
  arrived,
  awaitBytes,
  consume,
  embedderDescriptor,
  queueMessage,
  send,
} from '../process/embedder-stream';
import { setThreadWord, threadHalf, threadWord } from '../process/thread';
import { raise } from '../process/traps';
import { add, addBytes, addDecimal, beginFailure, endFailure } from './failure';
import { REQUEST_SIZE, answerRead, answerSize, beginWrite, continueWrite, isWriting } from './guest-memory';
import { TYPE_F32, TYPE_I32, TYPE_V128, cellsOf, isReference, paramCount, resultCount, typesOf } from './table';

/** What call_embedder returns. */
const DONE: i32 = 0;
const FAILED: i32 = 1;
/** Not an end: the next message. */
const MORE: i32 = 2;
const CALL_HEAD: i64 = 16;
const NUMBER_SIZE: i32 = 8;
/** Longest text of a MSG_TRAP, in bytes. */
const TEXT_MAX: i32 = 4096;

/** Whether the call has begun in this process and has no answer. */
let isRunning: bool = false;
/** Its number. After wag_snap_restored, which may make calls, the one that the snapshot was taken in is not the last. */
let number: u64 = 0;

/**
 * @param ordinal of the import; its arguments are the cells at TH_GUEST_SP, where its results go
 * @returns 0, also when the call is to be made again (TH_REISSUE); 1 for a trap, which embedder_trap reports
 */
export function call_embedder(ordinal: i32): i32 {
  const cells = threadWord(TH_GUEST_SP);
  if (!isRunning && begin(ordinal, cells) === FAILED) return FAILED;
  while (true) {
    let status = send();
    if (status === 0) status = awaitBytes(isWriting() ? 1 : MSG_BODY);
    if (status === STOPPED) return DONE;
    if (status === GONE) return fail(ordinal, 'the embedder is gone');
    const result = isWriting() ? goOnWriting() : take(ordinal, cells);
    if (result !== MORE) return result;
  }
}

/** Traps for the call that has failed. Does not return. */
export function embedder_trap(): void {
  raise(TRAP_EMBEDDER);
}

function begin(ordinal: i32, cells: i64): i32 {
  if (embedderDescriptor() === 0) return fail(ordinal, 'there is no embedder');
  const count = paramCount(ordinal);
  const types = typesOf(ordinal);
  let from = cells;
  let to = OUT + MSG_BODY + <usize>CALL_HEAD;
  for (let i = 0; i < count; i++) {
    const type = load8_u(types + i);
    if (isReference(type) && load64(from) !== 0) {
      beginFailure(ordinal);
      add('argument ');
      addDecimal(i + 1);
      return failed(' is a reference that is not null, which cannot leave the process');
    }
    const halves = type === TYPE_V128 ? 2 : 1;
    for (let half = 0; half < halves; half++, from += 8, to += 8) {
      if (type === TYPE_I32 || type === TYPE_F32) store<u64>(to, <u64>(<u32>load32_u(from)));
      else store<i64>(to, load64(from));
    }
  }
  const before = load<u64>(STATE, HS_CALL);
  const last = before & ~CALL_PENDING;
  const suspended = threadHalf(TH_PHASE) === PHASE_HOOK ? 0 : <u64>threadWord(TH_SUSPENDED_CALL);
  const again = (before & CALL_PENDING) !== 0 || suspended !== 0;
  number = suspended !== 0 ? suspended : last + (again ? 0 : 1);
  store<u64>(STATE, max(number, last) | CALL_PENDING, HS_CALL);
  store<u64>(OUT, number, MSG_BODY);
  store<u32>(OUT, ordinal, MSG_BODY + 8);
  store<u32>(OUT, again ? CALL_AGAIN : 0, MSG_BODY + 12);
  queueMessage(MSG_CALL, CALL_HEAD + 8 * <i64>cellsOf(types, count), 0, 0);
  isRunning = true;
  return DONE;
}

/** A message whose head has arrived. It stays until all of it has, but for bytes to write. */
function take(ordinal: i32, cells: i64): i32 {
  const kind = load<u32>(arrived(), MSG_KIND);
  const length = load<i32>(arrived(), MSG_LENGTH);
  const body = bodyToAwait(ordinal, kind, length);
  if (body < 0) return fail(ordinal, 'the embedder has sent an invalid message');
  const status = awaitBytes(MSG_BODY + body);
  if (status === STOPPED) return DONE;
  if (status === GONE) return fail(ordinal, 'the embedder is gone');
  const at = arrived() + MSG_BODY;
  if (kind === MSG_REPLY || kind === MSG_TRAP) {
    if (number !== load<u64>(at)) {
      return fail(ordinal, 'the embedder has answered another call');
    }
    consume(MSG_BODY + body);
    if (kind === MSG_REPLY) return finish(ordinal, at + NUMBER_SIZE, cells);
    beginFailure(ordinal);
    addBytes(native(at + NUMBER_SIZE), length - NUMBER_SIZE);
    return failed('');
  }
  consume(MSG_BODY + body);
  if (kind === MSG_SIZE) answerSize(ordinal, at);
  else if (kind === MSG_READ ? !answerRead(ordinal, at) : !beginWrite(ordinal, at, length - REQUEST_SIZE)) {
    return fail(ordinal, 'the embedder wants too much memory at once');
  }
  return MORE;
}

/** How many bytes of a message's body must arrive before it is handled, or -1 for an invalid message. */
function bodyToAwait(ordinal: i32, kind: u32, length: i32): i32 {
  if (kind === MSG_REPLY) {
    const results = cellsOf(typesOf(ordinal) + paramCount(ordinal), resultCount(ordinal));
    return length === NUMBER_SIZE + 8 * results ? length : -1;
  }
  if (kind === MSG_TRAP) return length >= NUMBER_SIZE && length <= NUMBER_SIZE + TEXT_MAX ? length : -1;
  if (kind === MSG_READ) return length === REQUEST_SIZE ? length : -1;
  if (kind === MSG_WRITE) return length >= REQUEST_SIZE ? REQUEST_SIZE : -1;
  if (kind === MSG_SIZE) return length === 8 ? length : -1;
  return -1;
}

function goOnWriting(): i32 {
  continueWrite();
  return MORE;
}

/** The answer: its values become the results, and the call is over. */
function finish(ordinal: i32, values: usize, cells: i64): i32 {
  const count = resultCount(ordinal);
  const types = typesOf(ordinal) + paramCount(ordinal);
  let from = values;
  for (let i = 0; i < count; i++, from += 8) {
    const type = load8_u(types + i);
    if (type === TYPE_V128) from += 8;
    else if (isReference(type) && load<u64>(from) !== 0) {
      return fail(ordinal, 'the embedder has answered with a reference that is not null');
    }
  }
  from = values;
  let to = cells;
  for (let i = 0; i < count; i++) {
    const type = load8_u(types + i);
    const narrow = type === TYPE_I32 || type === TYPE_F32;
    const halves = type === TYPE_V128 ? 2 : 1;
    for (let half = 0; half < halves; half++, from += 8, to += 8) {
      store64(to, narrow ? <i64>load<u32>(from) : load<i64>(from));
    }
  }
  end();
  return DONE;
}

function end(): void {
  isRunning = false;
  store<u64>(STATE, load<u64>(STATE, HS_CALL) & ~CALL_PENDING, HS_CALL);
  if (number === <u64>threadWord(TH_SUSPENDED_CALL)) setThreadWord(TH_SUSPENDED_CALL, 0);
}

function fail(ordinal: i32, why: string): i32 {
  beginFailure(ordinal);
  return failed(why);
}

function failed(why: string): i32 {
  add(why);
  endFailure();
  end();
  return FAILED;
}
