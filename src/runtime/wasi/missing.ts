/** The functions of preview 1 that are not there yet: functions.ts lists them as such. AssemblyScript. */

import { ENOSYS } from './abi';

export function fd_allocate(fd: u32, offset: i64, length: i64): i32 {
  return ENOSYS;
}

export function fd_fdstat_set_rights(fd: u32, rights: u64, inheriting: u64): i32 {
  return ENOSYS;
}

export function fd_filestat_set_times(fd: u32, atime: i64, mtime: i64, flags: i32): i32 {
  return ENOSYS;
}

export function path_filestat_set_times(
  fd: u32,
  lookupFlags: i32,
  path: u32,
  pathSize: u32,
  atime: i64,
  mtime: i64,
  flags: i32,
): i32 {
  return ENOSYS;
}

export function path_link(
  fd: u32,
  lookupFlags: i32,
  path: u32,
  pathSize: u32,
  newFd: u32,
  newPath: u32,
  newPathSize: u32,
): i32 {
  return ENOSYS;
}

export function path_readlink(fd: u32, path: u32, pathSize: u32, buffer: u32, length: u32, usedOut: u32): i32 {
  return ENOSYS;
}

export function path_symlink(target: u32, targetSize: u32, fd: u32, path: u32, pathSize: u32): i32 {
  return ENOSYS;
}

export function proc_raise(signal: i32): i32 {
  return ENOSYS;
}

export function sock_accept(fd: u32, flags: i32, fdOut: u32): i32 {
  return ENOSYS;
}

export function sock_recv(fd: u32, iovecs: u32, count: u32, flags: i32, bytesOut: u32, flagsOut: u32): i32 {
  return ENOSYS;
}

export function sock_send(fd: u32, iovecs: u32, count: u32, flags: i32, bytesOut: u32): i32 {
  return ENOSYS;
}

export function sock_shutdown(fd: u32, how: i32): i32 {
  return ENOSYS;
}
