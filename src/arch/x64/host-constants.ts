/**
 * Constants of Linux on x86-64 that the host layer imports from module "target", by name.
 *
 * Sources: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/fcntl.h, arch/x86/include/uapi/asm/sigcontext.h.
 * What is the same on every CPU is in the host layer itself.
 */

import { plan } from './abi.js';
import { RSP } from './registers.js';
import { signalFrame } from './signal-frame.js';

export const hostConstants: Record<string, number> = {
  ARCH: 1,
  UCONTEXT_PC: signalFrame.pc,
  UCONTEXT_SP: signalFrame.sp,
  UCONTEXT_FLAGS: 176, // eflags follows rip
  SINGLE_STEP_FLAG: 0x100, // TF
  SAFEPOINT_PC_BIAS: 1,
  SP_REGISTER: RSP,
  INSTANCE_REGISTER: plan.instance,
  MEMORY_BASE_REGISTER: plan.memoryBase,

  O_DIRECTORY: 0x10000,
  O_NOFOLLOW: 0x20000,
  O_DIRECT: 0x4000,
  O_LARGEFILE: 0x8000,

  SYS_read: 0,
  SYS_write: 1,
  SYS_close: 3,
  SYS_fstat: 5,
  SYS_poll: 7,
  SYS_lseek: 8,
  SYS_mmap: 9,
  SYS_mprotect: 10,
  SYS_munmap: 11,
  SYS_rt_sigaction: 13,
  SYS_rt_sigprocmask: 14,
  SYS_rt_sigreturn: 15,
  SYS_ioctl: 16,
  SYS_pread64: 17,
  SYS_pwrite64: 18,
  SYS_readv: 19,
  SYS_writev: 20,
  SYS_sched_yield: 24,
  SYS_mremap: 25,
  SYS_madvise: 28,
  SYS_nanosleep: 35,
  SYS_getpid: 39,
  SYS_exit: 60,
  SYS_getsockopt: 55,
  SYS_kill: 62,
  SYS_fcntl: 72,
  SYS_fsync: 74,
  SYS_fdatasync: 75,
  SYS_ftruncate: 77,
  SYS_getcwd: 79,
  SYS_fallocate: 285,
  SYS_fadvise64: 221,
  SYS_sigaltstack: 131,
  SYS_prctl: 157,
  SYS_gettid: 186,
  SYS_getdents64: 217,
  SYS_clock_gettime: 228,
  SYS_clock_getres: 229,
  SYS_clock_nanosleep: 230,
  SYS_exit_group: 231,
  SYS_openat: 257,
  SYS_mkdirat: 258,
  SYS_unlinkat: 263,
  SYS_renameat: 264,
  SYS_linkat: 265,
  SYS_symlinkat: 266,
  SYS_readlinkat: 267,
  SYS_faccessat: 269,
  SYS_ppoll: 271,
  SYS_utimensat: 280,
  SYS_dup3: 292,
  SYS_pipe2: 293,
  SYS_preadv: 295,
  SYS_pwritev: 296,
  SYS_renameat2: 316,
  SYS_getrandom: 318,
  SYS_statx: 332,
  SYS_pidfd_open: 434,
  SYS_openat2: 437,
};
