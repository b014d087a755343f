/**
 * One read or write between this process and the one that has started it, which may block.
 *
 * AssemblyScript. A stop may interrupt it (TH_REISSUE), as it may any call of a guest that blocks.
 */

import { SYS_ppoll } from '../native/target';
import { LINUX_EAGAIN, POLLFD_EVENTS, POLLFD_FD, blockingCall, native } from './linux';

const POLLFD: usize = memory.data(8, 8);

/**
 * Waits also for a descriptor that does not block.
 *
 * @param nr SYS_read or SYS_write. @param event POLLIN or POLLOUT
 * @returns how many bytes, or -errno; -LINUX_EINTR: a stop is wanted, and the call is to be made again
 */
export function transfer(nr: i64, descriptor: i64, at: i64, count: i64, event: i32): i64 {
  while (true) {
    const result = blockingCall(nr, descriptor, at, count, 0, 0);
    if (result !== -LINUX_EAGAIN) return result;
    store<i32>(POLLFD, <i32>descriptor, POLLFD_FD);
    store<u32>(POLLFD, event, POLLFD_EVENTS);
    const ready = blockingCall(SYS_ppoll, native(POLLFD), 1, 0, 0, 0);
    if (ready < 0) return ready;
  }
}
