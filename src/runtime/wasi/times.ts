/**
 * Changing the times of files: fd_filestat_set_times and path_filestat_set_times.
 *
 * AssemblyScript. A path is opened first, as O_PATH and below its directory, and the times are set by that descriptor:
 * utimensat itself would follow a link after a trailing slash to wherever it leads.
 */

import { syscall } from '../native/native';
import { O_NOFOLLOW, SYS_utimensat } from '../native/target';
import {
  EINVAL,
  EROFS,
  ESUCCESS,
  FSTFLAG_ATIM,
  FSTFLAG_ATIM_NOW,
  FSTFLAG_MTIM,
  FSTFLAG_MTIM_NOW,
  LOOKUP_SYMLINK_FOLLOW,
  RIGHT_FD_FILESTAT_SET_TIMES,
  RIGHT_PATH_FILESTAT_SET_TIMES,
} from '../descriptors/abi';
import { openBeneath } from '../descriptors/beneath';
import { lookup, lookupError, lookupWritable } from '../descriptors/lookup';
import { isDirectory, isReadOnly, nativeOf } from '../descriptors/table';
import { errnoOf } from './errno';
import { PATH, readPath } from './guest';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  LINUX_EINVAL,
  O_PATH,
  UTIME_NOW,
  UTIME_OMIT,
  call,
  closeNative,
  native,
} from '../descriptors/linux';

/** Two struct timespec: access, modification. */
const TIMES: usize = memory.data(32, 8);
const EMPTY: usize = memory.data<u8>([0]);
/** "/proc/self/fd/" and the digits of a descriptor. */
const SELF: usize = memory.data<u8>([
  0x2f, 0x70, 0x72, 0x6f, 0x63, 0x2f, 0x73, 0x65, 0x6c, 0x66, 0x2f, 0x66, 0x64, 0x2f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);
const SELF_LENGTH: usize = 14;
const NANOSECONDS: u64 = 1000000000;

function setTime(to: usize, time: u64, set: bool, now: bool): void {
  store<u64>(to, set ? time / NANOSECONDS : 0);
  store<i64>(to, set ? <i64>(time % NANOSECONDS) : now ? UTIME_NOW : UTIME_OMIT, 8);
}

/** Fills TIMES. Returns 0, or EINVAL for flags that contradict each other or are unknown. */
function readTimes(atime: u64, mtime: u64, flags: i32): i32 {
  const access = (flags & FSTFLAG_ATIM) != 0;
  const accessNow = (flags & FSTFLAG_ATIM_NOW) != 0;
  const change = (flags & FSTFLAG_MTIM) != 0;
  const changeNow = (flags & FSTFLAG_MTIM_NOW) != 0;
  const known = FSTFLAG_ATIM | FSTFLAG_ATIM_NOW | FSTFLAG_MTIM | FSTFLAG_MTIM_NOW;
  if ((access && accessNow) || (change && changeNow) || (flags & ~known) != 0) return EINVAL;
  setTime(TIMES, atime, access, accessNow);
  setTime(TIMES + 16, mtime, change, changeNow);
  return ESUCCESS;
}

export function fd_filestat_set_times(fd: u32, atime: u64, mtime: u64, flags: i32): i32 {
  const entry = lookup(fd, 0);
  if (entry == 0) return lookupError;
  if (isDirectory(entry) && isReadOnly(entry)) return EROFS;
  if (lookup(fd, RIGHT_FD_FILESTAT_SET_TIMES) == 0) return lookupError;
  const error = readTimes(atime, mtime, flags);
  if (error != 0) return error;
  return errnoOf(call(SYS_utimensat, nativeOf(entry), 0, native(TIMES), 0));
}

/** Kernels before 5.8 have no AT_EMPTY_PATH here: the descriptor is named by its link in /proc. */
function setByProc(descriptor: i64): i64 {
  let digits: usize = 1;
  for (let rest = descriptor / 10; rest > 0; rest /= 10) digits++;
  store<u8>(SELF + SELF_LENGTH + digits, 0);
  for (let rest = descriptor; digits > 0; rest /= 10) {
    digits--;
    store<u8>(SELF + SELF_LENGTH + digits, <u8>(0x30 + (rest % 10)));
  }
  return call(SYS_utimensat, AT_FDCWD, native(SELF), native(TIMES), 0);
}

export function path_filestat_set_times(
  fd: u32,
  lookupFlags: i32,
  path: u32,
  pathSize: u32,
  atime: u64,
  mtime: u64,
  flags: i32,
): i32 {
  const directory = lookupWritable(fd, RIGHT_PATH_FILESTAT_SET_TIMES);
  if (directory == 0) return lookupError;
  let error = readPath(PATH, path, pathSize);
  if (error == 0) error = readTimes(atime, mtime, flags);
  if (error != 0) return error;
  const follow = (lookupFlags & LOOKUP_SYMLINK_FOLLOW) != 0;
  const descriptor = openBeneath(nativeOf(directory), PATH, follow ? O_PATH : O_PATH | O_NOFOLLOW);
  if (descriptor < 0) return errnoOf(descriptor);
  let result = syscall(SYS_utimensat, descriptor, native(EMPTY), native(TIMES), AT_EMPTY_PATH, 0, 0);
  if (result == -LINUX_EINVAL) result = setByProc(descriptor);
  closeNative(descriptor);
  return errnoOf(result);
}
