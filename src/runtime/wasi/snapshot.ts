/**
 * wag_snap.snapshot: the program asks for a snapshot of itself.
 *
 *     process                                who has started it
 *     SNAPSHOT_WANTED                   -->
 *     parks at the import's entry            captures it, as at any other time
 *                                       <--  0 or an errno
 *
 * AssemblyScript. A capture interrupts the wait for the answer, and the thunk makes the call again. The process that
 * continues still waits then: what it has sent and received is kept here. A restored one knows by its resume plan that
 * its snapshot was taken in this call, whoever has taken it, and has its answer at once.
 */

import { ERRNO_NOTSUP, SNAPSHOT_ANSWER_SIZE, SNAPSHOT_WANTED } from '../../image/contract/snapshot-request';
import { LINUX_EINTR, POLLIN, POLLOUT, closeNative, native } from '../descriptors/linux';
import { transfer } from '../descriptors/transfer';
import { SYS_read, SYS_write } from '../native/target';
import { isCaptured, leaveCaptured } from '../process/resume';
import { generation } from './generation';

const request: usize = memory.data(1);
const answer: usize = memory.data(4, 8);

/** Of who takes snapshots; 0: nobody. */
let descriptor: i64 = 0;
/** Whether the request was sent and has no answer. */
let isAsked: bool = false;
let arrived: i64 = 0;

export function openSnapshots(fd: i64): void {
  descriptor = fd;
}

/**
 * @returns 0 when there is a snapshot, and this is the process that continues; in a process that was restored from it,
 *   its generation; or an errno with its sign changed: there is no snapshot
 */
export function snapshot(): i32 {
  if (isCaptured()) {
    leaveCaptured();
    return generation();
  }
  if (descriptor === 0) return -ERRNO_NOTSUP;
  if (!isAsked) {
    store<u8>(request, SNAPSHOT_WANTED);
    const sent = transfer(SYS_write, descriptor, native(request), 1, POLLOUT);
    if (sent === -LINUX_EINTR) return 0; // the call is made again
    if (sent !== 1) return gone();
    isAsked = true;
    arrived = 0;
  }
  while (arrived < SNAPSHOT_ANSWER_SIZE) {
    const got = transfer(SYS_read, descriptor, native(answer) + arrived, SNAPSHOT_ANSWER_SIZE - arrived, POLLIN);
    if (got === -LINUX_EINTR) return 0; // likewise
    if (got <= 0) return gone();
    arrived += got;
  }
  isAsked = false;
  const errno = load<i32>(answer);
  return errno > 0 ? -errno : 0;
}

/** Nobody is at the other end any more. Whether there is a snapshot, nobody can tell. */
function gone(): i32 {
  closeNative(descriptor);
  descriptor = 0;
  isAsked = false;
  return -ERRNO_NOTSUP;
}
