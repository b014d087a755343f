/**
 * Linux as the WASI layer uses it: constants that are the same on every CPU, layouts of kernel structures, and calls
 * that several files need.
 *
 * AssemblyScript. Constants that differ between CPUs come from module "target" (../native). Results are raw: a value,
 * or -errno with Linux's number; errno.ts turns it into WASI's.
 */

import { RT_STOP_WANTED } from '../../image/contract/runtime-block';
import { TH_REISSUE } from '../../image/contract/thread';
import { blocking_syscall, load32_u, memoryBase, runtime, store32, syscall, thread } from '../native/native';
import { SYS_close, SYS_fcntl, SYS_statx } from '../native/target';
import { FDFLAG_APPEND, FDFLAG_DSYNC, FDFLAG_NONBLOCK, FDFLAG_RSYNC, FDFLAG_SYNC } from './abi';

// errno
export const LINUX_EPERM: i64 = 1;
export const LINUX_ENOENT: i64 = 2;
export const LINUX_EINTR: i64 = 4;
export const LINUX_EAGAIN: i64 = 11;
export const LINUX_EACCES: i64 = 13;
export const LINUX_EEXIST: i64 = 17;
export const LINUX_EXDEV: i64 = 18;
export const LINUX_ENOTDIR: i64 = 20;
export const LINUX_EISDIR: i64 = 21;
export const LINUX_EINVAL: i64 = 22;
export const LINUX_EROFS: i64 = 30;
export const LINUX_ENAMETOOLONG: i64 = 36;
export const LINUX_ENOSYS: i64 = 38;
export const LINUX_ELOOP: i64 = 40;

// asm-generic/fcntl.h; O_DIRECTORY and O_NOFOLLOW differ between CPUs
export const O_RDONLY: i64 = 0;
export const O_WRONLY: i64 = 1;
export const O_RDWR: i64 = 2;
export const O_ACCMODE: i64 = 3;
export const O_CREAT: i64 = 0x40;
export const O_EXCL: i64 = 0x80;
export const O_NOCTTY: i64 = 0x100;
export const O_TRUNC: i64 = 0x200;
export const O_APPEND: i64 = 0x400;
export const O_NONBLOCK: i64 = 0x800;
export const O_DSYNC: i64 = 0x1000;
export const O_SYNC: i64 = 0x101000;
export const O_CLOEXEC: i64 = 0x80000;
export const O_PATH: i64 = 0x200000;
export const F_GETFL: i64 = 3;
export const F_SETFL: i64 = 4;
export const AT_FDCWD: i64 = -100;
export const AT_REMOVEDIR: i64 = 0x200;
export const AT_EMPTY_PATH: i64 = 0x1000;

// linux/stat.h: nanoseconds that utimensat takes as "now" and "as it is"
export const UTIME_NOW: i64 = 0x3fffffff;
export const UTIME_OMIT: i64 = 0x3ffffffe;

// linux/openat2.h
export const HOW_FLAGS: usize = 0; // u64
export const HOW_MODE: usize = 8;
export const HOW_RESOLVE: usize = 16;
export const HOW_SIZE: usize = 24;
export const RESOLVE_NO_MAGICLINKS: u64 = 2;
export const RESOLVE_BENEATH: u64 = 8;

// linux/stat.h: struct statx
export const STATX_BASIC_STATS: i64 = 0x7ff;
export const STATX_NLINK: usize = 16; // u32
export const STATX_MODE: usize = 28; // u16
export const STATX_INO: usize = 32; // u64
export const STATX_FILE_SIZE: usize = 40; // u64
export const STATX_ATIME: usize = 64; // i64 seconds, u32 nanoseconds
export const STATX_CTIME: usize = 96;
export const STATX_MTIME: usize = 112;
export const STATX_DEV_MAJOR: usize = 136; // u32
export const STATX_DEV_MINOR: usize = 140; // u32
export const S_IFCHR: i32 = 0x2000;
export const S_IFDIR: i32 = 0x4000;
export const S_IFBLK: i32 = 0x6000;
export const S_IFREG: i32 = 0x8000;
export const S_IFLNK: i32 = 0xa000;
export const S_IFSOCK: i32 = 0xc000;
export const S_IFMT: i32 = 0xf000;

// asm-generic/ioctls.h, socket.h
export const TCGETS: i64 = 0x5401;
export const FIONREAD: i64 = 0x541b;
export const SOL_SOCKET: i64 = 1;
export const SO_TYPE: i64 = 3;
export const SOCK_DGRAM: i32 = 2;
export const SOCK_NONBLOCK: i64 = 0x800;
export const SOCK_CLOEXEC: i64 = 0x80000;
export const MSG_PEEK: i64 = 2;
export const MSG_TRUNC: i32 = 0x20;
export const MSG_WAITALL: i64 = 0x100;
export const MSG_NOSIGNAL: i64 = 0x4000;

// asm-generic/poll.h: struct pollfd
export const POLLFD_FD: usize = 0; // i32
export const POLLFD_EVENTS: usize = 4; // i16
export const POLLFD_REVENTS: usize = 6; // i16
export const POLLFD_SIZE: usize = 8;
export const POLLIN: i32 = 1;
export const POLLOUT: i32 = 4;
export const POLLERR: i32 = 8;
export const POLLHUP: i32 = 16;
export const POLLNVAL: i32 = 32;

/** The last statx's result. */
export const STAT: usize = memory.data(256, 8);
const EMPTY_PATH: usize = memory.data<u8>([0]);

/** Native address of a place in the host layer's own memory. */
export function native(pointer: usize): i64 {
  return memoryBase() + <i64>pointer;
}

/** A system call of up to four arguments that does not block; repeated when a signal interrupts it. */
export function call(nr: i64, a: i64, b: i64 = 0, c: i64 = 0, d: i64 = 0): i64 {
  let result: i64;
  do {
    result = syscall(nr, a, b, c, d, 0, 0);
  } while (result == -LINUX_EINTR);
  return result;
}

/**
 * A system call that may block and has no effect when it returns -EINTR. That result means: a stop is wanted, the
 * import shall be called again with the same arguments (TH_REISSUE is set); its caller must leave without an effect.
 */
export function blockingCall(nr: i64, a: i64, b: i64, c: i64, d: i64, e: i64): i64 {
  while (true) {
    const result = blocking_syscall(nr, a, b, c, d, e, 0);
    if (result != -LINUX_EINTR) return result;
    if (load32_u(runtime() + <i64>RT_STOP_WANTED) != 0) {
      store32(thread() + <i64>TH_REISSUE, 1);
      return result;
    }
  }
}

export function closeNative(descriptor: i64): void {
  syscall(SYS_close, descriptor, 0, 0, 0, 0, 0); // not repeated: Linux has closed it even when it says EINTR
}

/** Fills STAT for an open descriptor. Returns 0 or -errno. */
export function statDescriptor(descriptor: i64): i64 {
  let result: i64;
  do {
    result = syscall(SYS_statx, descriptor, native(EMPTY_PATH), AT_EMPTY_PATH, STATX_BASIC_STATS, native(STAT), 0);
  } while (result == -LINUX_EINTR);
  return result;
}

/** S_IF* of the last statx. */
export function statMode(): i32 {
  return <i32>load<u16>(STAT, STATX_MODE) & S_IFMT;
}

export function statusFlags(descriptor: i64): i64 {
  return call(SYS_fcntl, descriptor, F_GETFL);
}

/** Linux's status flags for WASI's fdflags. RSYNC is SYNC on Linux. */
export function linuxFlags(fdflags: i32): i64 {
  let flags: i64 = 0;
  if (fdflags & FDFLAG_APPEND) flags |= O_APPEND;
  if (fdflags & FDFLAG_DSYNC) flags |= O_DSYNC;
  if (fdflags & FDFLAG_NONBLOCK) flags |= O_NONBLOCK;
  if (fdflags & (FDFLAG_RSYNC | FDFLAG_SYNC)) flags |= O_SYNC;
  return flags;
}

export function wasiFlags(flags: i64): i32 {
  let fdflags = 0;
  if (flags & O_APPEND) fdflags |= FDFLAG_APPEND;
  if (flags & O_NONBLOCK) fdflags |= FDFLAG_NONBLOCK;
  if ((flags & O_SYNC) == O_SYNC) fdflags |= FDFLAG_SYNC;
  else if (flags & O_DSYNC) fdflags |= FDFLAG_DSYNC;
  return fdflags;
}
