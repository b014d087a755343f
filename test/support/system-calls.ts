/**
 * Numbers of Linux's system calls, for tests of the sandbox. arch/x86/entry/syscalls/syscall_64.tbl, and
 * include/uapi/asm-generic/unistd.h for ARM64, which does not have the older ones.
 */

import type { ArchName } from '../../src/arch/masm/target.js';

/** x86-64, then ARM64. */
const NUMBERS = {
  open: [2],
  close: [3, 57],
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  ioctl: [16, 29],
  mremap: [25, 216],
  dup: [32, 23],
  getpid: [39, 172],
  sendfile: [40, 71],
  socket: [41, 198],
  connect: [42, 203],
  bind: [49, 200],
  clone: [56, 220],
  fork: [57],
  vfork: [58],
  execve: [59, 221],
  kill: [62, 129],
  fcntl: [72, 25],
  creat: [85],
  unlink: [87],
  readlink: [89],
  chmod: [90],
  ptrace: [101, 117],
  setuid: [105, 146],
  prctl: [157, 167],
  chroot: [161, 51],
  mount: [165, 40],
  tgkill: [234, 131],
  openat: [257, 56],
  mkdirat: [258, 34],
  unlinkat: [263, 35],
  linkat: [265, 37],
  symlinkat: [266, 36],
  readlinkat: [267, 78],
  fchmodat: [268, 53],
  unshare: [272, 97],
  utimensat: [280, 88],
  dup3: [292, 24],
  pipe2: [293, 59],
  open_by_handle_at: [304, 265],
  setns: [308, 268],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  seccomp: [317, 277],
  renameat2: [316, 276],
  memfd_create: [319, 279],
  bpf: [321, 280],
  execveat: [322, 281],
  userfaultfd: [323, 282],
  pkey_mprotect: [329, 288],
  // newer ones have the same number everywhere
  io_uring_setup: [425, 425],
  clone3: [435, 435],
  openat2: [437, 437],
  pidfd_getfd: [438, 438],
  landlock_create_ruleset: [444, 444],
  // of no call, and of write in the convention of x32
  none: [9999, 9999],
  x32_write: [0x40000001],
} as const satisfies Record<string, readonly number[]>;

export type SystemCall = keyof typeof NUMBERS;

/** undefined when the CPU has no such call, or this table does not know it. */
export function systemCallNumber(name: SystemCall, arch: ArchName): number | undefined {
  const numbers: readonly number[] | undefined = NUMBERS[name];
  return numbers?.[arch === 'x64' ? 0 : 1];
}
