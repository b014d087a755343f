/**
 * poll_oneoff: waits for clocks and descriptors, any number of them at once.
 *
 * AssemblyScript. One ppoll: each descriptor has one pollfd however many subscriptions name it, and the earliest clock
 * is the timeout. A subscription that cannot be waited for (no such descriptor, right or clock) is an event with that
 * error at once.
 *
 * A wait that a stop ends is undone. What relative timeouts count from must survive that: HS_PENDING_TIMEOUT keeps the
 * deadline of the shortest one on the guest's monotonic clock, and since the call comes again with the same arguments,
 * that gives back the time it was first made at.
 */

import { FDK_LISTENER, HS_FD_CAPACITY, HS_PENDING_TIMEOUT } from '../../image/contract/host-state';
import { fill, load16_u, load32_u, load64, load8_u, store16, store32, store64, store8 } from '../native/native';
import { SYS_ioctl, SYS_ppoll } from '../native/target';
import {
  CLOCK_MONOTONIC,
  CLOCK_THREAD_CPUTIME,
  EBADF,
  EFAULT,
  EINVAL,
  EIO,
  ENOTSUP,
  ESUCCESS,
  EVENTRW_HANGUP,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  EVENTTYPE_FD_WRITE,
  EVENT_ERROR,
  EVENT_FLAGS,
  EVENT_NBYTES,
  EVENT_SIZE,
  EVENT_TYPE,
  EVENT_USERDATA,
  RIGHT_FD_READ,
  RIGHT_FD_WRITE,
  RIGHT_POLL_FD_READWRITE,
  RIGHT_SOCK_ACCEPT,
  SUBCLOCK_ABSTIME,
  SUB_CLOCK_FLAGS,
  SUB_CLOCK_ID,
  SUB_CLOCK_TIMEOUT,
  SUB_FD,
  SUB_SIZE,
  SUB_TAG,
  SUB_USERDATA,
} from '../descriptors/abi';
import { now } from './clocks';
import { lookupError, lookupFile } from '../descriptors/lookup';
import { STATE, indexOf, kindOf, nativeOf } from '../descriptors/table';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import {
  FIONREAD,
  LINUX_EINTR,
  POLLERR,
  POLLFD_EVENTS,
  POLLFD_FD,
  POLLFD_REVENTS,
  POLLFD_SIZE,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  blockingCall,
  call,
  native,
} from '../descriptors/linux';

const POLLFDS: usize = memory.data(8192, 8); // POLLFD_SIZE * HS_FD_CAPACITY
/** Of each descriptor: 1 + the number of its pollfd, or 0. A u16 each. */
const POLLFD_OF: usize = memory.data(2048, 8);
const TIMEOUT: usize = memory.data(16, 8);
const READY: usize = memory.data(8, 8);
/** Later than any clock gets: about 146 years. */
const FOREVER: i64 = 1 << 62;
const NANOSECONDS: i64 = 1000000000;

let pollfdCount: i64 = 0;
/** The shortest relative timeout in nanoseconds, -1 when there is none. */
let shortestRelative: i64 = -1;
/** Whether a subscription has an error to report: no wait then. */
let hasError: bool = false;
/** When the call was first made, on the guest's monotonic clock. */
let started: i64 = 0;

function isAbsolute(subscription: i64): bool {
  return (load16_u(subscription + SUB_CLOCK_FLAGS) & SUBCLOCK_ABSTIME) != 0;
}

function timeoutOf(subscription: i64): i64 {
  return <i64>min(<u64>load64(subscription + SUB_CLOCK_TIMEOUT), <u64>FOREVER);
}

function clockError(clock: u32): i32 {
  if (clock <= <u32>CLOCK_MONOTONIC) return ESUCCESS;
  return clock <= <u32>CLOCK_THREAD_CPUTIME ? ENOTSUP : EINVAL;
}

/** The table entry that a subscription waits for, or 0 and lookupError. */
function subscribed(subscription: i64, type: i32): usize {
  const fd: u32 = load32_u(subscription + SUB_FD);
  let right = type == EVENTTYPE_FD_READ ? RIGHT_FD_READ : RIGHT_FD_WRITE;
  const any = lookupFile(fd, 0);
  if (any != 0 && kindOf(any) == FDK_LISTENER && type == EVENTTYPE_FD_READ) right = RIGHT_SOCK_ACCEPT; // a connection waits
  return lookupFile(fd, right | RIGHT_POLL_FD_READWRITE);
}

/** First pass: makes the pollfds. Returns 0 or EINVAL. */
function gather(subscriptions: i64, end: i64): i32 {
  fill(native(POLLFD_OF), 0, 2 * HS_FD_CAPACITY);
  pollfdCount = 0;
  shortestRelative = -1;
  hasError = false;
  for (let at = subscriptions; at < end; at += SUB_SIZE) {
    const type = load8_u(at + SUB_TAG);
    if (type == EVENTTYPE_CLOCK) {
      if (clockError(load32_u(at + SUB_CLOCK_ID)) != 0) hasError = true;
      else if (!isAbsolute(at) && (shortestRelative < 0 || timeoutOf(at) < shortestRelative)) {
        shortestRelative = timeoutOf(at);
      }
    } else if (type == EVENTTYPE_FD_READ || type == EVENTTYPE_FD_WRITE) {
      const entry = subscribed(at, type);
      if (entry == 0) {
        hasError = true;
        continue;
      }
      const number = POLLFD_OF + 2 * <usize>indexOf(entry);
      if (load<u16>(number) == 0) {
        const fresh = POLLFDS + <usize>pollfdCount * POLLFD_SIZE;
        store<i32>(fresh, <i32>nativeOf(entry), POLLFD_FD);
        store<u32>(fresh, 0, POLLFD_EVENTS);
        pollfdCount++;
        store<u16>(number, <u16>pollfdCount);
      }
      const pollfd = pollfdOf(entry);
      const wanted = type == EVENTTYPE_FD_READ ? POLLIN : POLLOUT;
      store<u16>(pollfd, load<u16>(pollfd, POLLFD_EVENTS) | <u16>wanted, POLLFD_EVENTS);
    } else {
      return EINVAL;
    }
  }
  return ESUCCESS;
}

function pollfdOf(entry: usize): usize {
  return POLLFDS + (<usize>load<u16>(POLLFD_OF + 2 * <usize>indexOf(entry)) - 1) * POLLFD_SIZE;
}

/** Nanoseconds until a clock subscription is due; not above 0 when it is. */
function remaining(subscription: i64): i64 {
  if (isAbsolute(subscription)) return timeoutOf(subscription) - now(load32_u(subscription + SUB_CLOCK_ID));
  return started + timeoutOf(subscription) - now(CLOCK_MONOTONIC);
}

/** Native address of the timeout for ppoll, or 0 to wait without one. */
function timeout(subscriptions: i64, end: i64): i64 {
  let shortest = hasError ? 0 : FOREVER;
  for (let at = subscriptions; at < end; at += SUB_SIZE) {
    if (load8_u(at + SUB_TAG) != EVENTTYPE_CLOCK || clockError(load32_u(at + SUB_CLOCK_ID)) != 0) continue;
    shortest = max<i64>(min(shortest, remaining(at)), 0);
  }
  if (shortest == FOREVER) return 0;
  store<i64>(TIMEOUT, shortest / NANOSECONDS);
  store<i64>(TIMEOUT, shortest % NANOSECONDS, 8);
  return native(TIMEOUT);
}

/** Bytes that can be read now, for the event; 1 when the kernel does not say. */
function readable(entry: usize): i64 {
  store<i32>(READY, 0);
  return call(SYS_ioctl, nativeOf(entry), FIONREAD, native(READY)) < 0 ? 1 : <i64>load<u32>(READY);
}

function putEvent(to: i64, subscription: i64, type: i32, error: i32, bytes: i64, flags: i32): void {
  const userdata = load64(subscription + SUB_USERDATA);
  fill(to, 0, EVENT_SIZE);
  store64(to + EVENT_USERDATA, userdata);
  store16(to + EVENT_ERROR, error);
  store8(to + EVENT_TYPE, type);
  store64(to + EVENT_NBYTES, bytes);
  store16(to + EVENT_FLAGS, flags);
}

/** Last pass: writes the events in the order of subscriptions. Returns how many. */
function report(subscriptions: i64, end: i64, events: i64): i32 {
  let to = events;
  for (let at = subscriptions; at < end; at += SUB_SIZE) {
    const type = load8_u(at + SUB_TAG);
    let error = ESUCCESS;
    let bytes: i64 = 0;
    let flags = 0;
    if (type == EVENTTYPE_CLOCK) {
      error = clockError(load32_u(at + SUB_CLOCK_ID));
      if (error == 0 && remaining(at) > 0) continue;
    } else {
      const entry = subscribed(at, type);
      if (entry == 0) {
        error = lookupError;
      } else {
        const ready = <i32>load<u16>(pollfdOf(entry), POLLFD_REVENTS);
        const wanted = type == EVENTTYPE_FD_READ ? POLLIN : POLLOUT;
        if ((ready & (wanted | POLLERR | POLLHUP | POLLNVAL)) == 0) continue;
        if (ready & POLLNVAL) error = EBADF;
        else if (ready & POLLERR) error = EIO;
        else if (type == EVENTTYPE_FD_READ) bytes = readable(entry);
        if (ready & POLLHUP) flags = EVENTRW_HANGUP;
      }
    }
    putEvent(to, at, type, error, bytes, flags);
    to += EVENT_SIZE;
  }
  return <i32>((to - events) / EVENT_SIZE);
}

export function poll_oneoff(subscriptions: u32, events: u32, count: u32, countOut: u32): i32 {
  if (count == 0) return EINVAL;
  const first = guestRange(subscriptions, <u64>count * SUB_SIZE);
  const to = guestRange(events, <u64>count * EVENT_SIZE);
  const countTo = guestRange(countOut, 4);
  if (first == 0 || to == 0 || countTo == 0) return EFAULT;
  const end = first + <i64>count * SUB_SIZE;
  const error = gather(first, end);
  if (error != 0) return error;
  const pending = load<i64>(STATE, HS_PENDING_TIMEOUT);
  started = pending >= 0 && shortestRelative >= 0 ? pending - shortestRelative : now(CLOCK_MONOTONIC);
  store<i64>(STATE, -1, HS_PENDING_TIMEOUT);

  while (true) {
    const result = blockingCall(SYS_ppoll, native(POLLFDS), pollfdCount, timeout(first, end), 0, 0);
    if (result == -LINUX_EINTR && shortestRelative >= 0) {
      store<i64>(STATE, started + shortestRelative, HS_PENDING_TIMEOUT);
    }
    if (result < 0) return errnoOf(result);
    const happened = report(first, end, to);
    if (happened > 0) {
      store32(countTo, happened);
      return ESUCCESS;
    }
  }
}
