/**
 * The sandbox: limits what the kernel lets the process do, from just before guest code runs. If a bug of ours let guest
 * code reach a system call instruction, it could do little with it.
 *
 *  - no_new_privs.
 *  - A seccomp filter that allows the system calls the host layer makes after its start and kills the process (SIGSYS) on
 *    anything else. Executable memory can only be text or trap text: mmap is pinned, argument by argument, to the image's
 *    own descriptor; mprotect makes nothing executable. Without a preopened directory nothing can be opened at all.
 *  - Landlock, where the kernel has it and there are directories: nothing else than what is below them can be opened,
 *    whatever the path says.
 *
 * AssemblyScript. A kernel that has none of these (qemu-user) runs the program without: FLAG_SANDBOX tells. Mapping a
 * snapshot, listening and opening directories come before the sandbox.
 */

import { FDK_PREOPEN, HS_FD_COUNT } from '../../image/contract/host-state';
import {
  FLAG_SANDBOX,
  RT_EXE_FD,
  RT_FLAGS,
  RT_TEXT,
  RT_TEXT_FILE,
  RT_TEXT_SIZE,
  RT_TRAP_TEXT_FILE,
} from '../../image/contract/runtime-block';
import { syscall } from '../native/native';
import {
  SYS_accept4,
  SYS_clock_getres,
  SYS_clock_gettime,
  SYS_close,
  SYS_dup3,
  SYS_exit_group,
  SYS_fallocate,
  SYS_fcntl,
  SYS_fdatasync,
  SYS_fstatfs,
  SYS_fsync,
  SYS_ftruncate,
  SYS_getdents64,
  SYS_getpid,
  SYS_getrandom,
  SYS_getsockopt,
  SYS_ioctl,
  SYS_kill,
  SYS_linkat,
  SYS_lseek,
  SYS_mkdirat,
  SYS_mmap,
  SYS_mprotect,
  SYS_openat,
  SYS_openat2,
  SYS_pidfd_open,
  SYS_pipe2,
  SYS_ppoll,
  SYS_prctl,
  SYS_preadv,
  SYS_pwritev,
  SYS_read,
  SYS_readlinkat,
  SYS_readv,
  SYS_recvmsg,
  SYS_renameat2,
  SYS_restart_syscall,
  SYS_rt_sigaction,
  SYS_rt_sigprocmask,
  SYS_rt_sigreturn,
  SYS_sched_yield,
  SYS_seccomp,
  SYS_sendmsg,
  SYS_shutdown,
  SYS_statx,
  SYS_symlinkat,
  SYS_unlinkat,
  SYS_utimensat,
  SYS_write,
  SYS_writev,
} from '../native/target';
import { probeOpenat2 } from '../descriptors/beneath';
import { nothing } from '../descriptors/dev-null';
import { STATE, entryAt, kindOf } from '../descriptors/table';
import { embedderDescriptor } from './embedder-stream';
import { environmentNumber } from './environment';
import {
  allow,
  allowed,
  begin,
  end,
  finishFilter,
  otherwise,
  refuse,
  require,
  require64,
  requireAtLeast,
  requireAtMost,
  requireDistance,
  requireEither,
  requireHigh,
  requireSumAtMost,
  startFilter,
  unless,
  when,
} from './filter-writer';
import { growthChannel, isGrowing } from './growing-text';
import { restrictPaths } from './landlock';
import { lazyDescriptor } from './lazy-pages';
import {
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_READ_EXEC,
  PROT_READ_WRITE,
  failed,
  half,
  imageBase,
  setHalf,
  word,
} from './runtime-block';
import { PAGEMAP_SCAN, UFFDIO_REGISTER, UFFDIO_UNREGISTER, pagemap, userfault } from './userfault';

const PR_SET_NO_NEW_PRIVS: i64 = 38;
const PR_SET_PTRACER: u32 = 0x59616d61;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const FIONREAD: u32 = 0x541b;
const O_CLOEXEC: u32 = 0x80000;

// linux/seccomp.h
const SECCOMP_SET_MODE_FILTER: i64 = 1;
/** Without it, kernels before 5.16 slow the guest's own code down for a filter's sake. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW: i64 = 4;

/**
 * Text and trap text over text; tables for a backtrace, read-only. Of a growing image any part of text, too, each where
 * it belongs. Nothing else is mapped once the guest runs.
 */
function allowMmap(): void {
  const text = imageBase() + word(RT_TEXT);
  const size = word(RT_TEXT_SIZE);
  begin(SYS_mmap);
  require(4, <u32>word(RT_EXE_FD));
  if (isGrowing()) {
    when(5, <u32>word(RT_TRAP_TEXT_FILE));
    requireText();
    require64(0, text);
    require64(1, size);
    allowed();
  }
  unless(2, <u32>PROT_READ);
  requireText();
  if (isGrowing()) {
    const start = <u32>word(RT_TEXT_FILE);
    const end = start + <u32>size;
    requireAtLeast(5, start);
    requireAtMost(5, end);
    requireHigh(1, 0);
    requireAtMost(1, <u32>size);
    requireSumAtMost(5, 1, end);
    requireDistance(0, 5, text - word(RT_TEXT_FILE));
  } else {
    require64(0, text);
    require64(1, size);
    requireEither(5, <u32>word(RT_TEXT_FILE), <u32>word(RT_TRAP_TEXT_FILE));
  }
  otherwise();
  require64(0, 0);
  require(3, <u32>MAP_PRIVATE);
  end();
}

function requireText(): void {
  require(2, <u32>PROT_READ_EXEC);
  require(3, <u32>(MAP_PRIVATE | MAP_FIXED));
  requireHigh(5, 0); // a resumable image has pages of the guest's after that
}

/** Which pages were written (userfault.ts), of ioctls: each on its own descriptor, and nothing else. */
function allowTracking(): void {
  when(1, <u32>PAGEMAP_SCAN);
  require(0, <u32>pagemap);
  allowed();
  when(1, <u32>UFFDIO_REGISTER);
  require(0, <u32>userfault);
  allowed();
  when(1, <u32>UFFDIO_UNREGISTER);
  require(0, <u32>userfault);
  allowed();
}

/** Calls with paths, besides opening: only for programs that have a directory. */
function allowPaths(): void {
  allow(SYS_getdents64);
  allow(SYS_fstatfs);
  allow(SYS_mkdirat);
  allow(SYS_unlinkat);
  allow(SYS_renameat2);
  allow(SYS_linkat);
  allow(SYS_symlinkat);
  allow(SYS_readlinkat);
  allow(SYS_utimensat);
}

/** @returns native address of the filter's struct sock_fprog */
function build(directories: bool): i64 {
  startFilter();
  // The most frequent first: kernels before 5.11 do not remember what is always allowed. Later ones run the filter for
  // nothing but calls whose arguments matter, of which close is the one to hurry for.
  allow(SYS_write);
  allow(SYS_read);
  begin(SYS_close);
  refuse(0, <u32>word(RT_EXE_FD)); // another file could get its number
  refuse(0, <u32>nothing);
  if (userfault >= 0) {
    refuse(0, <u32>userfault);
    refuse(0, <u32>pagemap);
  }
  if (embedderDescriptor() !== 0) refuse(0, <u32>embedderDescriptor());
  if (lazyDescriptor() !== 0) refuse(0, <u32>lazyDescriptor());
  if (isGrowing()) refuse(0, <u32>growthChannel());
  end();
  allow(SYS_writev);
  allow(SYS_readv);
  if (directories) allow(probeOpenat2() ? SYS_openat2 : SYS_openat);
  allow(SYS_clock_gettime);
  allow(SYS_ppoll);
  allow(SYS_lseek);
  allow(SYS_preadv);
  allow(SYS_pwritev);
  allow(SYS_statx);
  allow(SYS_getrandom);
  allow(SYS_sched_yield);
  allow(SYS_clock_getres);
  allow(SYS_ftruncate);
  allow(SYS_fallocate);
  allow(SYS_fsync);
  allow(SYS_fdatasync);
  allow(SYS_getsockopt);
  allow(SYS_accept4);
  allow(SYS_recvmsg);
  allow(SYS_sendmsg);
  allow(SYS_shutdown);
  allow(SYS_rt_sigreturn);
  allow(SYS_rt_sigprocmask);
  allow(SYS_rt_sigaction);
  allow(SYS_restart_syscall); // the kernel's own, when a stopped process continues
  allow(SYS_pidfd_open);
  allow(SYS_getpid);
  allow(SYS_exit_group);
  if (directories) {
    allowPaths();
  } else {
    begin(SYS_utimensat);
    require64(1, 0); // no path: the descriptor's own times
    end();
  }

  begin(SYS_dup3);
  require(0, <u32>nothing);
  requireAtMost(1, 2);
  require(2, 0);
  end();
  begin(SYS_pipe2); // a lifeline
  require(1, O_CLOEXEC);
  end();
  begin(SYS_fcntl);
  requireEither(1, F_GETFL, F_SETFL);
  end();
  begin(SYS_ioctl);
  if (userfault >= 0) allowTracking();
  require(1, FIONREAD);
  end();
  begin(SYS_prctl);
  require(0, PR_SET_PTRACER);
  end();
  begin(SYS_mprotect);
  requireEither(2, <u32>PROT_READ_WRITE, <u32>PROT_READ);
  end();
  begin(SYS_kill);
  unless(1, 0);
  require(0, <u32>syscall(SYS_getpid, 0, 0, 0, 0, 0, 0)); // signals are for ourselves
  otherwise();
  end(); // 0 asks whether a process is there
  if (word(RT_EXE_FD) >= 0) allowMmap();
  return finishFilter();
}

function hasDirectories(): bool {
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) if (kindOf(entryAt(i)) === FDK_PREOPEN) return true;
  return false;
}

/** To be called when everything is open and mapped, before guest code runs. */
export function enterSandbox(): void {
  if (environmentNumber('WAGSNAP_NO_SANDBOX=') !== 0) return;
  if (failed(syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0))) return;
  const directories = hasDirectories();
  if (directories) restrictPaths();
  const program = build(directories);
  let result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, program, 0, 0, 0);
  if (failed(result)) result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program, 0, 0, 0); // before 4.17
  if (!failed(result)) setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_SANDBOX);
}
