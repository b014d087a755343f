/**
 * The descriptor to the embedder (WAGSNAP_EMBEDDER=n) as a stream of bytes that a stop may interrupt anywhere.
 *
 * AssemblyScript. What is to be sent is a message in OUT and, after it, a range of native memory. When a stop
 * interrupts, this file keeps how much was sent, and what has arrived of a message. So a process that continues after a
 * capture continues in the middle of a message; a restored process begins with a new stream.
 */

import { MSG_BODY, MSG_KIND, MSG_LENGTH, MSG_LEAVE, LEAVE_PENDING } from '../../image/contract/embedder';
import { CALL_PENDING_HIGH, HS_CALL } from '../../image/contract/host-state';
import { PHASE_HOOK, TH_PHASE, TH_SUSPENDED_CALL } from '../../image/contract/thread';
import { copy } from '../native/native';
import { SYS_read, SYS_write } from '../native/target';
import { LINUX_EINTR, POLLIN, POLLOUT, call, native } from '../descriptors/linux';
import { STATE } from '../descriptors/table';
import { transfer } from '../descriptors/transfer';
import { threadHalf, threadWord } from './thread';

export const SENT: i32 = 0;
export const ARRIVED: i32 = 0;
/** A stop is wanted: the call is to be made again (TH_REISSUE is set). */
export const STOPPED: i32 = 1;
/** There is nobody at the other end. */
export const GONE: i32 = 2;

/** In HS_CALL, besides the number of the last call: it has no answer yet. */
export const CALL_PENDING: u64 = (<u64>CALL_PENDING_HIGH) << 32;

/** A call with as many arguments as a function may have, of 16 bytes each. */
export const OUT: usize = memory.data(16384, 8);
const IN: usize = memory.data(65536, 8);
const IN_SIZE: i32 = 65536;

let descriptor: i64 = 0;
let outAt: i64 = 0;
let outLeft: i64 = 0;
let tailAt: i64 = 0;
let tailLeft: i64 = 0;
let inAt: i32 = 0;
let inEnd: i32 = 0;

export function openEmbedder(fd: i64): void {
  descriptor = fd;
}

/** 0 when there is none. */
export function embedderDescriptor(): i64 {
  return descriptor;
}

/**
 * Begins to send the message in OUT, whose body is there but for the last `tailLength` bytes, at `tail`. The one before
 * has been sent.
 */
export function queueMessage(kind: u32, bodyLength: i64, tail: i64, tailLength: i64): void {
  store<u32>(OUT, kind, MSG_KIND);
  store<u32>(OUT, <u32>(bodyLength + tailLength), MSG_LENGTH);
  outAt = native(OUT);
  outLeft = <i64>MSG_BODY + bodyLength;
  tailAt = tail;
  tailLeft = tailLength;
}

/** Sends what is left. @returns SENT, STOPPED or GONE */
export function send(): i32 {
  while (outLeft > 0 || tailLeft > 0) {
    const inTail = outLeft === 0;
    const count = transfer(SYS_write, descriptor, inTail ? tailAt : outAt, inTail ? tailLeft : outLeft, POLLOUT);
    if (count < 0) return count === -LINUX_EINTR ? STOPPED : GONE;
    if (inTail) {
      tailAt += count;
      tailLeft -= count;
    } else {
      outAt += count;
      outLeft -= count;
    }
  }
  return SENT;
}

/** Waits until `count` bytes have arrived, IN_SIZE at most. @returns ARRIVED, STOPPED or GONE */
export function awaitBytes(count: i32): i32 {
  while (inEnd - inAt < count) {
    if (inAt > 0) {
      copy(native(IN), native(IN) + inAt, inEnd - inAt);
      inEnd -= inAt;
      inAt = 0;
    }
    const got = transfer(SYS_read, descriptor, native(IN) + inEnd, IN_SIZE - inEnd, POLLIN);
    if (got === -LINUX_EINTR) return STOPPED;
    if (got <= 0) return GONE;
    inEnd += <i32>got;
  }
  return ARRIVED;
}

/** Where the bytes that have arrived begin, in the host layer's memory. */
export function arrived(): usize {
  return IN + inAt;
}

export function arrivedCount(): i32 {
  return inEnd - inAt;
}

export function consume(count: i32): void {
  inAt += count;
}

/**
 * Called when the process ends because its snapshot continues elsewhere: tells the embedder whether its last answer was
 * taken. Sends nothing in the middle of another message.
 */
export function leaveEmbedder(): void {
  if (descriptor === 0 || outLeft > 0 || tailLeft > 0) return;
  const last = load<u64>(STATE, HS_CALL);
  const isPending = (last & CALL_PENDING) !== 0;
  const repeated = threadHalf(TH_PHASE) === PHASE_HOOK ? 0 : <u64>threadWord(TH_SUSPENDED_CALL);
  store<u32>(OUT, MSG_LEAVE, MSG_KIND);
  store<u32>(OUT, 16, MSG_LENGTH);
  store<u64>(OUT, isPending && repeated !== 0 ? repeated : last & ~CALL_PENDING, MSG_BODY);
  store<u64>(OUT, isPending ? LEAVE_PENDING : 0, MSG_BODY + 8);
  call(SYS_write, descriptor, native(OUT), MSG_BODY + 16);
}
