/**
 * Reading, writing and positions of open files: fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell, fd_sync, fd_datasync,
 * fd_filestat_set_size, fd_allocate, fd_advise.
 *
 * AssemblyScript. The kernel reads and writes the guest's memory itself; nothing is copied here. A read or write that waits
 * is undone when a stop is wanted (linux.ts blockingCall) unless bytes have moved: then it is a short count.
 */

import { FDK_STDIO } from '../layout';
import {
  SYS_fallocate,
  SYS_fdatasync,
  SYS_fsync,
  SYS_ftruncate,
  SYS_lseek,
  SYS_preadv,
  SYS_pwritev,
  SYS_readv,
  SYS_writev,
  store32,
  store64,
} from '../native';
import {
  EFAULT,
  EINVAL,
  ENOTCAPABLE,
  ESPIPE,
  ESUCCESS,
  RIGHT_FD_ADVISE,
  RIGHT_FD_ALLOCATE,
  RIGHT_FD_DATASYNC,
  RIGHT_FD_FILESTAT_SET_SIZE,
  RIGHT_FD_READ,
  RIGHT_FD_SEEK,
  RIGHT_FD_SYNC,
  RIGHT_FD_TELL,
  RIGHT_FD_WRITE,
} from './abi';
import { kindOf, lookup, lookupError, lookupFile, nativeOf } from './descriptors';
import { errnoOf } from './errno';
import { IOVECS, gatherIovecs, guestRange, iovecCount } from './guest';
import { blockingCall, call, native } from './linux';

/** One of the four vector calls; `offset` is -1 for those at the file's own position. */
function transfer(nr: i64, entry: usize, iovecs: u32, count: u32, offset: i64, bytesOut: u32): i32 {
  const to = guestRange(bytesOut, 4);
  if (to == 0) return EFAULT;
  const error = gatherIovecs(iovecs, count);
  if (error != 0) return error;
  const bytes = blockingCall(nr, nativeOf(entry), native(IOVECS), iovecCount, offset, 0);
  if (bytes < 0) return errnoOf(bytes);
  store32(to, <i32>bytes);
  return ESUCCESS;
}

export function fd_read(fd: u32, iovecs: u32, count: u32, bytesOut: u32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_READ);
  return entry == 0 ? lookupError : transfer(SYS_readv, entry, iovecs, count, -1, bytesOut);
}

export function fd_write(fd: u32, iovecs: u32, count: u32, bytesOut: u32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_WRITE);
  return entry == 0 ? lookupError : transfer(SYS_writev, entry, iovecs, count, -1, bytesOut);
}

export function fd_pread(fd: u32, iovecs: u32, count: u32, offset: i64, bytesOut: u32): i32 {
  const entry = lookupPositioned(fd, RIGHT_FD_READ | RIGHT_FD_SEEK);
  if (entry == 0) return positionError;
  return offset < 0 ? EINVAL : transfer(SYS_preadv, entry, iovecs, count, offset, bytesOut);
}

export function fd_pwrite(fd: u32, iovecs: u32, count: u32, offset: i64, bytesOut: u32): i32 {
  const entry = lookupPositioned(fd, RIGHT_FD_WRITE | RIGHT_FD_SEEK);
  if (entry == 0) return positionError;
  return offset < 0 ? EINVAL : transfer(SYS_pwritev, entry, iovecs, count, offset, bytesOut);
}

let positionError: i32 = 0;

/** lookupFile, but a terminal, whose rights leave out seeking so that it is known as one, is ESPIPE. */
function lookupPositioned(fd: u32, rights: u64): usize {
  const entry = lookupFile(fd, rights);
  positionError = lookupError;
  if (entry == 0 && positionError == ENOTCAPABLE) {
    const any = lookup(fd, 0);
    if (any != 0 && kindOf(any) == FDK_STDIO) positionError = ESPIPE;
  }
  return entry;
}

function seek(entry: usize, offset: i64, whence: i32, positionOut: u32): i32 {
  if (entry == 0) return positionError;
  if (<u32>whence > 2) return EINVAL; // set, cur and end: Linux's numbers
  const to = guestRange(positionOut, 8);
  if (to == 0) return EFAULT;
  const position = call(SYS_lseek, nativeOf(entry), offset, whence);
  if (position < 0) return errnoOf(position);
  store64(to, position);
  return ESUCCESS;
}

export function fd_seek(fd: u32, offset: i64, whence: i32, positionOut: u32): i32 {
  return seek(lookupPositioned(fd, RIGHT_FD_SEEK), offset, whence, positionOut);
}

export function fd_tell(fd: u32, positionOut: u32): i32 {
  return seek(lookupPositioned(fd, RIGHT_FD_TELL), 0, 1, positionOut);
}

export function fd_sync(fd: u32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_SYNC);
  return entry == 0 ? lookupError : errnoOf(call(SYS_fsync, nativeOf(entry)));
}

export function fd_datasync(fd: u32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_DATASYNC);
  return entry == 0 ? lookupError : errnoOf(call(SYS_fdatasync, nativeOf(entry)));
}

export function fd_filestat_set_size(fd: u32, size: i64): i32 {
  const entry = lookupFile(fd, RIGHT_FD_FILESTAT_SET_SIZE);
  return entry == 0 ? lookupError : errnoOf(call(SYS_ftruncate, nativeOf(entry), size));
}

/** Makes room for a range and the file at least as long as its end; never shorter. */
export function fd_allocate(fd: u32, offset: i64, length: i64): i32 {
  const entry = lookupFile(fd, RIGHT_FD_ALLOCATE);
  return entry == 0 ? lookupError : errnoOf(call(SYS_fallocate, nativeOf(entry), 0, offset, length));
}

/** Advice changes nothing that a program sees; six kinds are known. */
export function fd_advise(fd: u32, offset: i64, length: i64, advice: i32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_ADVISE);
  if (entry == 0) return lookupError;
  return <u32>advice > 5 || offset < 0 || length < 0 ? EINVAL : ESUCCESS;
}
