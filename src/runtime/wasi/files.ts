/**
 * Reading, writing and positions of open files: fd_read, fd_write, fd_pread, fd_pwrite, fd_seek, fd_tell, fd_sync,
 * fd_datasync, fd_filestat_set_size, fd_allocate, fd_advise.
 *
 * AssemblyScript. The kernel reads and writes the guest's memory itself; nothing is copied here. When a stop is wanted,
 * a waiting read or write is undone (linux.ts blockingCall), unless bytes have moved: then it returns a short count.
 *
 * A single buffer, the usual case, goes to the kernel by itself: it takes a third less of a small write's time than a
 * vector does. `single` has all checks in a line for that, and leaves everything else to `transfer`.
 */

import { FDK_STDIO, HS_FD_CAPACITY } from '../../image/contract/host-state';
import { INST_WASI_MEMORY, MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import { TH_GUEST_INSTANCE } from '../../image/contract/thread';
import { blocking_syscall, load32_u, load64, thread, store32, store64 } from '../native/native';
import {
  SYS_fallocate,
  SYS_fdatasync,
  SYS_fsync,
  SYS_ftruncate,
  SYS_lseek,
  SYS_preadv,
  SYS_pwritev,
  SYS_read,
  SYS_readv,
  SYS_write,
  SYS_writev,
} from '../native/target';
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
} from '../descriptors/abi';
import { lookup, lookupError, lookupFile } from '../descriptors/lookup';
import { entryAt, kindOf, nativeOf, rightsOf } from '../descriptors/table';
import { touch } from '../process/lazy-pages';
import { aimAt, aimless } from '../process/protect';
import { errnoOf } from './errno';
import { IOVECS, gatherIovecs, guestRange, iovecCount } from './guest';
import { LINUX_EINTR, LINUX_EISDIR, blockingCall, call, native } from '../descriptors/linux';

/** One of the four vector calls; `offset` is -1 for those at the file's own position. */
function transfer(nr: i64, entry: usize, iovecs: u32, count: u32, offset: i64, bytesOut: u32): i32 {
  const to = guestRange(bytesOut, 4);
  if (to == 0) return EFAULT;
  const error = gatherIovecs(iovecs, count, nr == SYS_readv || nr == SYS_preadv);
  if (error != 0) return error;
  const bytes = blockingCall(nr, nativeOf(entry), native(IOVECS), iovecCount, offset, 0);
  aimless();
  if (bytes < 0) return errnoOf(bytes);
  store32(to, <i32>bytes);
  return ESUCCESS;
}

/** What `single` returns when it has done nothing. */
const NOT_SINGLE: i32 = -1;

/**
 * Reads or writes one buffer that is not empty, at the file's own position. Returns WASI's errno, or NOT_SINGLE: not
 * one such buffer, not all in the guest's memory, no descriptor with that right; or the kernel was interrupted or wants
 * it known that it is a directory's. A descriptor with the right to read or write is none of a directory's, but for one
 * that has just been opened (descriptors/unsettled.ts).
 */
function single(nr: i64, right: u64, fd: u32, iovecs: u32, count: u32, bytesOut: u32): i32 {
  if (count != 1 || fd >= <u32>HS_FD_CAPACITY) return NOT_SINGLE;
  const entry = entryAt(fd);
  if ((rightsOf(entry) & right) == 0) return NOT_SINGLE;
  const record = load64(load64(thread() + <i64>TH_GUEST_INSTANCE) + <i64>INST_WASI_MEMORY);
  if (record == 0) return NOT_SINGLE;
  const size = load64(record + <i64>MEM_SIZE);
  const base = load64(record + <i64>MEM_BASE);
  if (<i64>iovecs + 8 > size || <i64>bytesOut + 4 > size) return NOT_SINGLE;
  const buffer = <i64>(<u32>load32_u(base + <i64>iovecs));
  const length = <i64>(<u32>load32_u(base + <i64>iovecs + 4));
  if (length == 0 || buffer + length > size) return NOT_SINGLE;
  touch(base + buffer, length);
  if (nr == SYS_read) aimAt(base + buffer, length);
  const bytes = blocking_syscall(nr, nativeOf(entry), base + buffer, length, 0, 0, 0);
  aimless();
  if (bytes < 0) return bytes == -LINUX_EINTR || bytes == -LINUX_EISDIR ? NOT_SINGLE : errnoOf(bytes);
  store32(base + <i64>bytesOut, <i32>bytes);
  return ESUCCESS;
}

export function fd_read(fd: u32, iovecs: u32, count: u32, bytesOut: u32): i32 {
  const error = single(SYS_read, RIGHT_FD_READ, fd, iovecs, count, bytesOut);
  if (error != NOT_SINGLE) return error;
  const entry = lookupFile(fd, RIGHT_FD_READ);
  return entry == 0 ? lookupError : transfer(SYS_readv, entry, iovecs, count, -1, bytesOut);
}

export function fd_write(fd: u32, iovecs: u32, count: u32, bytesOut: u32): i32 {
  const error = single(SYS_write, RIGHT_FD_WRITE, fd, iovecs, count, bytesOut);
  if (error != NOT_SINGLE) return error;
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
