/**
 * Calls about a descriptor itself: fd_close, fd_renumber, fd_fdstat_get, fd_fdstat_set_flags, fd_fdstat_set_rights,
 * fd_filestat_get, fd_prestat_get, fd_prestat_dir_name.
 *
 * AssemblyScript. File types and sizes come from statx; a pipe's type is "unknown", as WASI has none for it.
 */

import { FDK_PREOPEN, FD_RIGHTS, FD_RIGHTS_INHERITING } from '../../image/contract/host-state';
import { copy, fill, store16, store32, store64, store8, syscall } from '../native/native';
import { SYS_fcntl, SYS_getsockopt } from '../native/target';
import {
  EBADF,
  EFAULT,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  ENOTCAPABLE,
  ESUCCESS,
  FDFLAG_APPEND,
  FDFLAG_NONBLOCK,
  FDSTAT_FILETYPE,
  FDSTAT_FLAGS,
  FDSTAT_RIGHTS,
  FDSTAT_RIGHTS_INHERITING,
  FDSTAT_SIZE,
  FILESTAT_ATIM,
  FILESTAT_CTIM,
  FILESTAT_DEV,
  FILESTAT_FILETYPE,
  FILESTAT_FILE_SIZE,
  FILESTAT_INO,
  FILESTAT_MTIM,
  FILESTAT_NLINK,
  FILESTAT_SIZE,
  FILETYPE_BLOCK_DEVICE,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SOCKET_DGRAM,
  FILETYPE_SOCKET_STREAM,
  FILETYPE_SYMBOLIC_LINK,
  FILETYPE_UNKNOWN,
  RIGHT_FD_FDSTAT_SET_FLAGS,
  RIGHT_FD_FILESTAT_GET,
} from '../descriptors/abi';
import { closeEntry } from '../descriptors/closing';
import { lookup, lookupError, lookupFile, lookupOpen } from '../descriptors/lookup';
import { RIGHT_KEPT } from '../descriptors/rights';
import {
  flagsOf,
  freeEntry,
  isDirectory,
  kindOf,
  moveEntry,
  nativeOf,
  pathLength,
  pathOf,
  rightsOf,
  setFlags,
} from '../descriptors/table';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import {
  F_SETFL,
  SOCK_DGRAM,
  SOL_SOCKET,
  SO_TYPE,
  STAT,
  STATX_ATIME,
  STATX_CTIME,
  STATX_DEV_MAJOR,
  STATX_DEV_MINOR,
  STATX_FILE_SIZE,
  STATX_INO,
  STATX_MTIME,
  STATX_NLINK,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
  S_IFSOCK,
  call,
  linuxFlags,
  native,
  statDescriptor,
  statMode,
} from '../descriptors/linux';

const OPTION: usize = memory.data(8, 8); // a socket option's value and its length

/** WASI's file type of the last statx; `descriptor` is asked when it is a socket, -1 for none. */
export function fileType(descriptor: i64): i32 {
  const mode = statMode();
  if (mode == S_IFREG) return FILETYPE_REGULAR_FILE;
  if (mode == S_IFDIR) return FILETYPE_DIRECTORY;
  if (mode == S_IFCHR) return FILETYPE_CHARACTER_DEVICE;
  if (mode == S_IFBLK) return FILETYPE_BLOCK_DEVICE;
  if (mode == S_IFLNK) return FILETYPE_SYMBOLIC_LINK;
  if (mode != S_IFSOCK) return FILETYPE_UNKNOWN;
  store<i32>(OPTION, 0);
  store<i32>(OPTION, 4, 4);
  if (descriptor >= 0) {
    syscall(SYS_getsockopt, descriptor, SOL_SOCKET, SO_TYPE, native(OPTION), native(OPTION + 4), 0);
  }
  return load<i32>(OPTION) == SOCK_DGRAM ? FILETYPE_SOCKET_DGRAM : FILETYPE_SOCKET_STREAM;
}

function nanoseconds(time: usize): i64 {
  return load<i64>(time) * 1000000000 + <i64>load<u32>(time, 8);
}

/** Writes the last statx as a filestat. */
export function putFilestat(to: i64, descriptor: i64): void {
  const major = <u64>load<u32>(STAT, STATX_DEV_MAJOR);
  const minor = <u64>load<u32>(STAT, STATX_DEV_MINOR);
  fill(to, 0, FILESTAT_SIZE);
  // the encoding of glibc's makedev
  store64(
    to + FILESTAT_DEV,
    ((major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffffff00) << 12) | (minor & 0xff),
  );
  store64(to + FILESTAT_INO, load<i64>(STAT, STATX_INO));
  store8(to + FILESTAT_FILETYPE, fileType(descriptor));
  store64(to + FILESTAT_NLINK, <i64>load<u32>(STAT, STATX_NLINK));
  store64(to + FILESTAT_FILE_SIZE, load<i64>(STAT, STATX_FILE_SIZE));
  store64(to + FILESTAT_ATIM, nanoseconds(STAT + STATX_ATIME));
  store64(to + FILESTAT_MTIM, nanoseconds(STAT + STATX_MTIME));
  store64(to + FILESTAT_CTIM, nanoseconds(STAT + STATX_CTIME));
}

export function fd_close(fd: u32): i32 {
  const entry = lookupOpen(fd);
  if (entry == 0) return lookupError;
  closeEntry(entry);
  return ESUCCESS;
}

/** `to` becomes what `from` is; both must be open (wasi_snapshot_preview1: "atomically replacing"). */
export function fd_renumber(from: u32, to: u32): i32 {
  const source = lookup(from, 0);
  if (source == 0) return lookupError;
  const target = lookup(to, 0);
  if (target == 0) return lookupError;
  if (source == target) return ESUCCESS;
  // a preopen that files are below stays, retired, at another number
  if (kindOf(target) == FDK_PREOPEN) {
    const spare = freeEntry();
    if (spare == 0) return EMFILE;
    moveEntry(target, spare);
    closeEntry(spare);
  } else {
    closeEntry(target);
  }
  moveEntry(source, target);
  return ESUCCESS;
}

export function fd_fdstat_get(fd: u32, fdstat: u32): i32 {
  const entry = lookup(fd, 0);
  if (entry == 0) return lookupError;
  const to = guestRange(fdstat, FDSTAT_SIZE);
  if (to == 0) return EFAULT;
  let type = FILETYPE_DIRECTORY;
  if (!isDirectory(entry)) {
    const result = statDescriptor(nativeOf(entry));
    if (result < 0) return errnoOf(result);
    type = fileType(nativeOf(entry));
  }
  fill(to, 0, FDSTAT_SIZE);
  store8(to + FDSTAT_FILETYPE, type);
  store16(to + FDSTAT_FLAGS, flagsOf(entry));
  store64(to + FDSTAT_RIGHTS, rightsOf(entry) & ~RIGHT_KEPT);
  store64(to + FDSTAT_RIGHTS_INHERITING, load<u64>(entry, FD_RIGHTS_INHERITING));
  return ESUCCESS;
}

/** Linux can change only APPEND and NONBLOCK of an open file: another change is EINVAL. */
export function fd_fdstat_set_flags(fd: u32, flags: i32): i32 {
  const entry = lookupFile(fd, RIGHT_FD_FDSTAT_SET_FLAGS);
  if (entry == 0) return lookupError;
  if (((flags ^ flagsOf(entry)) & ~(FDFLAG_APPEND | FDFLAG_NONBLOCK)) != 0) return EINVAL;
  const result = call(SYS_fcntl, nativeOf(entry), F_SETFL, linuxFlags(flags));
  if (result < 0) return errnoOf(result);
  setFlags(entry, flags);
  return ESUCCESS;
}

/** Rights can be dropped, not regained: asking for a right that is not there is ENOTCAPABLE. */
export function fd_fdstat_set_rights(fd: u32, rights: u64, inheriting: u64): i32 {
  const entry = lookup(fd, 0);
  if (entry == 0) return lookupError;
  const kept = rightsOf(entry) & RIGHT_KEPT;
  if ((rights & ~(rightsOf(entry) & ~RIGHT_KEPT)) != 0) return ENOTCAPABLE;
  if ((inheriting & ~load<u64>(entry, FD_RIGHTS_INHERITING)) != 0) return ENOTCAPABLE;
  const last = kindOf(entry) == FDK_PREOPEN && rights == 0 && inheriting == 0;
  store<u64>(entry, rights | kept | (last ? RIGHT_KEPT : 0), FD_RIGHTS);
  store<u64>(entry, inheriting, FD_RIGHTS_INHERITING);
  return ESUCCESS;
}

export function fd_filestat_get(fd: u32, filestat: u32): i32 {
  const entry = lookup(fd, RIGHT_FD_FILESTAT_GET);
  if (entry == 0) return lookupError;
  const to = guestRange(filestat, FILESTAT_SIZE);
  if (to == 0) return EFAULT;
  const result = statDescriptor(nativeOf(entry));
  if (result < 0) return errnoOf(result);
  putFilestat(to, nativeOf(entry));
  return ESUCCESS;
}

/**
 * A prestat is a tag, 0 for directories, and the length of the name. Anything but a preopen is EBADF, which ends a
 * search.
 */
export function fd_prestat_get(fd: u32, prestat: u32): i32 {
  const entry = lookup(fd, 0);
  if (entry == 0) return lookupError;
  if (kindOf(entry) != FDK_PREOPEN) return EBADF;
  const to = guestRange(prestat, 8);
  if (to == 0) return EFAULT;
  store32(to, 0);
  store32(to + 4, pathLength(entry));
  return ESUCCESS;
}

/** Writes the preopen's name, without a final 0. */
export function fd_prestat_dir_name(fd: u32, name: u32, length: u32): i32 {
  const entry = lookup(fd, 0);
  if (entry == 0) return lookupError;
  if (kindOf(entry) != FDK_PREOPEN) return EBADF;
  if (length < pathLength(entry)) return ENAMETOOLONG;
  const to = guestRange(name, pathLength(entry));
  if (to == 0) return EFAULT;
  copy(to, native(pathOf(entry)), pathLength(entry));
  return ESUCCESS;
}
