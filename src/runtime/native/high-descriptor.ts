/** Descriptors of ours, out of the way of what the guest opens. AssemblyScript. */

import { syscall } from './native';
import { SYS_close, SYS_fcntl } from './target';

const F_DUPFD_CLOEXEC: i64 = 1030; // linux/fcntl.h
const LEAST: i64 = 1000;

/** @returns the descriptor's new number; the old one where the process may have so few, and what is not open */
export function moveHigh(fd: i64): i64 {
  const high = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, LEAST, 0, 0, 0);
  if (high < 0) return fd;
  syscall(SYS_close, fd, 0, 0, 0, 0, 0);
  return high;
}
