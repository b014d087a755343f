/**
 * Sockets: sock_accept, sock_recv, sock_send, sock_shutdown.
 *
 * AssemblyScript. Preview 1 makes no sockets: listeners are given to the process (listeners.ts), connections come from
 * sock_accept, and a standard stream may be either. For a descriptor that is no socket, the kernel gives the error:
 * ENOTSOCK.
 */

import { FDK_LISTENER, FDK_NULL, FDK_SOCKET } from '../../image/contract/host-state';
import { fill, store16, store32 } from '../native/native';
import { SYS_accept4, SYS_recvmsg, SYS_sendmsg, SYS_shutdown, SYS_writev } from '../native/target';
import {
  EFAULT,
  EINVAL,
  EMFILE,
  ESUCCESS,
  FDFLAG_NONBLOCK,
  RECV_DATA_TRUNCATED,
  RECV_PEEK,
  RECV_WAITALL,
  RIGHT_FD_FDSTAT_SET_FLAGS,
  RIGHT_FD_FILESTAT_GET,
  RIGHT_FD_READ,
  RIGHT_FD_WRITE,
  RIGHT_POLL_FD_READWRITE,
  RIGHT_SOCK_ACCEPT,
  RIGHT_SOCK_SHUTDOWN,
  SHUT_RD,
  SHUT_WR,
} from '../descriptors/abi';
import { lookup, lookupError, lookupFile } from '../descriptors/lookup';
import { freeEntry, indexOf, kindOf, nativeOf, setAccess, setEntry, setFlags } from '../descriptors/table';
import { aimless } from '../process/protect';
import { errnoOf } from './errno';
import { IOVECS, gatherIovecs, guestRange, iovecCount } from './guest';
import {
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  blockingCall,
  call,
  native,
} from '../descriptors/linux';

const SOCKET_RIGHTS: u64 =
  RIGHT_FD_READ |
  RIGHT_FD_WRITE |
  RIGHT_FD_FDSTAT_SET_FLAGS |
  RIGHT_FD_FILESTAT_GET |
  RIGHT_POLL_FD_READWRITE |
  RIGHT_SOCK_SHUTDOWN;

/** struct msghdr: name, its length, iovecs, their number, control, its length, flags. */
const MESSAGE: usize = memory.data(56, 8);
const MESSAGE_IOVECS: usize = 16;
const MESSAGE_IOVEC_COUNT: usize = 24;
const MESSAGE_FLAGS: usize = 48;

/** Other kinds than ours have no rights of sockets to be asked for: the kernel knows what they are. */
function lookupSocket(fd: u32, right: u64): usize {
  const entry = lookupFile(fd, 0);
  if (entry == 0) return 0;
  const kind = kindOf(entry);
  return kind == FDK_LISTENER || kind == FDK_SOCKET ? lookup(fd, right) : entry;
}

/** Waits for a connection; of fdflags NONBLOCK is for the new descriptor. */
export function sock_accept(fd: u32, flags: i32, fdOut: u32): i32 {
  const listener = lookupSocket(fd, RIGHT_SOCK_ACCEPT);
  if (listener == 0) return lookupError;
  const to = guestRange(fdOut, 4);
  if (to == 0) return EFAULT;
  if ((flags & ~FDFLAG_NONBLOCK) != 0) return EINVAL;
  const entry = freeEntry();
  if (entry == 0) return EMFILE;
  const nonblock = flags & FDFLAG_NONBLOCK ? SOCK_NONBLOCK : 0;
  const descriptor = blockingCall(SYS_accept4, nativeOf(listener), 0, 0, SOCK_CLOEXEC | nonblock, 0);
  if (descriptor < 0) return errnoOf(descriptor);
  setEntry(entry, FDK_SOCKET, descriptor, SOCKET_RIGHTS, 0);
  setFlags(entry, flags);
  setAccess(entry, 3);
  store32(to, indexOf(entry));
  return ESUCCESS;
}

function prepareMessage(iovecs: u32, count: u32, written: bool): i32 {
  const error = gatherIovecs(iovecs, count, written);
  fill(native(MESSAGE), 0, 56);
  store<i64>(MESSAGE, native(IOVECS), MESSAGE_IOVECS);
  store<i64>(MESSAGE, iovecCount, MESSAGE_IOVEC_COUNT);
  return error;
}

export function sock_recv(fd: u32, iovecs: u32, count: u32, flags: i32, bytesOut: u32, flagsOut: u32): i32 {
  const entry = lookupSocket(fd, RIGHT_FD_READ);
  if (entry == 0) return lookupError;
  const bytesTo = guestRange(bytesOut, 4);
  const flagsTo = guestRange(flagsOut, 2);
  if (bytesTo == 0 || flagsTo == 0) return EFAULT;
  const error = prepareMessage(iovecs, count, true);
  if (error != 0) return error;
  if ((flags & ~(RECV_PEEK | RECV_WAITALL)) != 0) {
    aimless();
    return EINVAL;
  }
  let how: i64 = 0;
  if (flags & RECV_PEEK) how |= MSG_PEEK;
  if (flags & RECV_WAITALL) how |= MSG_WAITALL;
  const isNull = kindOf(entry) == FDK_NULL; // a connection that restore was told to ignore
  const bytes = isNull ? 0 : blockingCall(SYS_recvmsg, nativeOf(entry), native(MESSAGE), how, 0, 0);
  aimless();
  if (bytes < 0) return errnoOf(bytes);
  store32(bytesTo, <i32>bytes);
  store16(flagsTo, load<i32>(MESSAGE, MESSAGE_FLAGS) & MSG_TRUNC ? RECV_DATA_TRUNCATED : 0);
  return ESUCCESS;
}

/** There are no flags yet: another value than 0 is EINVAL. */
export function sock_send(fd: u32, iovecs: u32, count: u32, flags: i32, bytesOut: u32): i32 {
  const entry = lookupSocket(fd, RIGHT_FD_WRITE);
  if (entry == 0) return lookupError;
  const bytesTo = guestRange(bytesOut, 4);
  if (bytesTo == 0) return EFAULT;
  const error = prepareMessage(iovecs, count, false);
  if (error != 0) return error;
  if (flags != 0) return EINVAL;
  const bytes =
    kindOf(entry) == FDK_NULL
      ? call(SYS_writev, nativeOf(entry), native(IOVECS), iovecCount)
      : blockingCall(SYS_sendmsg, nativeOf(entry), native(MESSAGE), MSG_NOSIGNAL, 0, 0);
  if (bytes < 0) return errnoOf(bytes);
  store32(bytesTo, <i32>bytes);
  return ESUCCESS;
}

/** Linux counts from 0: reading, writing, both. */
export function sock_shutdown(fd: u32, how: i32): i32 {
  const entry = lookupSocket(fd, RIGHT_SOCK_SHUTDOWN);
  if (entry == 0) return lookupError;
  if (how == 0 || (how & ~(SHUT_RD | SHUT_WR)) != 0) return EINVAL;
  if (kindOf(entry) == FDK_NULL) return ESUCCESS;
  return errnoOf(call(SYS_shutdown, nativeOf(entry), how - 1));
}
