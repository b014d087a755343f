/**
 * The sandbox: what the kernel lets the process do from the moment before guest code runs, so that guest code that got hold
 * of a system call instruction, by a bug of ours, finds nothing to do with it.
 *
 *  - no_new_privs.
 *  - A seccomp filter that allows the system calls the host layer makes after its start and kills the process (SIGSYS) on
 *    anything else. Executable memory can only be text or trap text: mmap is pinned, argument by argument, to the image's
 *    own descriptor; mprotect makes nothing executable. Without a preopened directory nothing can be opened at all.
 *  - Landlock, where the kernel has it and there are directories: nothing else than what is below them can be opened,
 *    whatever the path says.
 *
 * AssemblyScript. A kernel that has none of these (qemu-user) runs the program without: FLAG_SANDBOX tells. What is done
 * before (mapping a snapshot, listening, opening directories) is done before.
 */

import {
  FDK_PREOPEN,
  FD_READ_ONLY,
  FLAG_SANDBOX,
  HS_FD_COUNT,
  RT_EXE_FD,
  RT_FLAGS,
  RT_TEXT,
  RT_TEXT_FILE,
  RT_TEXT_SIZE,
  RT_TRAP_TEXT_FILE,
} from '../layout';
import {
  AUDIT_ARCH,
  SYS_accept4,
  SYS_clock_getres,
  SYS_clock_gettime,
  SYS_close,
  SYS_dup3,
  SYS_exit_group,
  SYS_fallocate,
  SYS_fcntl,
  SYS_fdatasync,
  SYS_fsync,
  SYS_ftruncate,
  SYS_getdents64,
  SYS_getpid,
  SYS_getrandom,
  SYS_getsockopt,
  SYS_ioctl,
  SYS_kill,
  SYS_landlock_add_rule,
  SYS_landlock_create_ruleset,
  SYS_landlock_restrict_self,
  SYS_linkat,
  SYS_lseek,
  SYS_mkdirat,
  SYS_mmap,
  SYS_mprotect,
  SYS_openat,
  SYS_openat2,
  SYS_pidfd_open,
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
  memoryBase,
  syscall,
} from '../native';
import { probeOpenat2 } from '../wasi/beneath';
import { STATE, entryAt, kindOf, nativeOf, nothing } from '../wasi/descriptors';
import { environmentNumber } from './environment';
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

const PR_SET_NO_NEW_PRIVS: i64 = 38;
const PR_SET_PTRACER: u32 = 0x59616d61;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const FIONREAD: u32 = 0x541b;

// linux/seccomp.h
const SECCOMP_SET_MODE_FILTER: i64 = 1;
/** Without it, kernels before 5.16 slow the guest's own code down for a filter's sake. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW: i64 = 4;
const RET_KILL_PROCESS: u32 = 0x80000000;
const RET_ALLOW: u32 = 0x7fff0000;
const DATA_NR: u32 = 0;
const DATA_ARCH: u32 = 4;
const DATA_ARGS: u32 = 16; // u64 each, little-endian

// linux/bpf_common.h: a word of the data, jumps on equal and on greater, the end
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const RETURN: u16 = 0x06;

// linux/landlock.h
const LANDLOCK_CREATE_RULESET_VERSION: i64 = 1;
const LANDLOCK_RULE_PATH_BENEATH: i64 = 1;
const LANDLOCK_MIN_ABI: i64 = 2; // the first with which files can be moved between directories
const ACCESS_EXECUTE: u64 = 1;
const ACCESS_READ: u64 = 0xc; // READ_FILE, READ_DIR
const ACCESS_ABI_2: u64 = 0x3fff; // up to REFER
const ACCESS_TRUNCATE: u64 = 0x4000; // from version 3 on

const FILTER_MAX: u32 = 512;
/** struct sock_filter [FILTER_MAX]: u16 code, u8 jump if true, u8 if false, u32 k. */
const FILTER: usize = memory.data(4096, 8);
/** struct sock_fprog: u16 length, pointer. */
const PROGRAM: usize = memory.data(16, 8);
/** struct landlock_ruleset_attr up to handled_access_fs; struct landlock_path_beneath_attr: u64 access, i32 descriptor. */
const RULE: usize = memory.data(16, 8);
let length: u32 = 0;

function emit(code: u16, ifTrue: u8, ifFalse: u8, k: u32): void {
  const at = FILTER + <usize>length * 8;
  store<u16>(at, code);
  store<u8>(at, ifTrue, 2);
  store<u8>(at, ifFalse, 3);
  store<u32>(at, k, 4);
  if (length < FILTER_MAX - 1) length++;
}

function kill(): void {
  emit(RETURN, 0, 0, RET_KILL_PROCESS);
}

/** Allows a system call with any arguments. The accumulator has its number. */
function allow(nr: i64): void {
  emit(JUMP_EQUAL, 0, 1, <u32>nr);
  emit(RETURN, 0, 0, RET_ALLOW);
}

let blockStart: u32 = 0;

/** The checks that follow, up to `end`, are for one system call. */
function begin(nr: i64): void {
  blockStart = length;
  emit(JUMP_EQUAL, 0, 0, <u32>nr);
}

function end(): void {
  emit(RETURN, 0, 0, RET_ALLOW);
  store<u8>(FILTER + <usize>blockStart * 8, <u8>(length - blockStart - 1), 3);
}

/** Kills unless the low half of an argument is the value: for those of which the kernel looks at no more. */
function require(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_EQUAL, 1, 0, value);
  kill();
}

function requireEither(argument: u32, first: u32, second: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_EQUAL, 2, 0, first);
  emit(JUMP_EQUAL, 1, 0, second);
  kill();
}

function refuse(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_EQUAL, 0, 1, value);
  kill();
}

function require64(argument: u32, value: i64): void {
  require(argument, <u32>value);
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8 + 4);
  emit(JUMP_EQUAL, 1, 0, <u32>(value >>> 32));
  kill();
}

/** Text and trap text over text; tables for a backtrace, read-only. Nothing else is mapped once the guest runs. */
function allowMmap(): void {
  const image = <u32>word(RT_EXE_FD);
  begin(SYS_mmap);
  require(4, image);
  emit(LOAD, 0, 0, DATA_ARGS + 2 * 8);
  const branch = length;
  emit(JUMP_EQUAL, 0, 0, <u32>PROT_READ);
  require(2, <u32>PROT_READ_EXEC);
  require(3, <u32>(MAP_PRIVATE | MAP_FIXED));
  require64(0, imageBase() + word(RT_TEXT));
  require64(1, word(RT_TEXT_SIZE));
  requireEither(5, <u32>word(RT_TEXT_FILE), <u32>word(RT_TRAP_TEXT_FILE));
  emit(LOAD, 0, 0, DATA_ARGS + 5 * 8 + 4);
  emit(JUMP_EQUAL, 1, 0, 0); // images are smaller than 4 GiB
  kill();
  emit(RETURN, 0, 0, RET_ALLOW);
  store<u8>(FILTER + <usize>branch * 8, <u8>(length - branch - 1), 2);
  require64(0, 0);
  require(3, <u32>MAP_PRIVATE);
  end();
}

/** Calls with paths: only for programs that have a directory. */
function allowPaths(): void {
  allow(probeOpenat2() ? SYS_openat2 : SYS_openat);
  allow(SYS_getdents64);
  allow(SYS_mkdirat);
  allow(SYS_unlinkat);
  allow(SYS_renameat2);
  allow(SYS_linkat);
  allow(SYS_symlinkat);
  allow(SYS_readlinkat);
  allow(SYS_utimensat);
}

function build(directories: bool): void {
  length = 0;
  emit(LOAD, 0, 0, DATA_ARCH);
  emit(JUMP_EQUAL, 1, 0, <u32>AUDIT_ARCH);
  kill();
  emit(LOAD, 0, 0, DATA_NR);
  // the most frequent first, for kernels that do not remember what is always allowed (before 5.11)
  allow(SYS_writev);
  allow(SYS_readv);
  allow(SYS_clock_gettime);
  allow(SYS_ppoll);
  allow(SYS_lseek);
  allow(SYS_preadv);
  allow(SYS_pwritev);
  allow(SYS_read); // the driver
  allow(SYS_write); // messages
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
  allow(SYS_restart_syscall); // the kernel's own, when a stopped process goes on
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

  begin(SYS_close);
  refuse(0, <u32>word(RT_EXE_FD)); // another file could get its number
  refuse(0, <u32>nothing);
  end();
  begin(SYS_dup3);
  require(0, <u32>nothing);
  emit(LOAD, 0, 0, DATA_ARGS + 8);
  emit(JUMP_GREATER, 0, 1, 2);
  kill();
  require(2, 0);
  end();
  begin(SYS_fcntl);
  requireEither(1, F_GETFL, F_SETFL);
  end();
  begin(SYS_ioctl);
  require(1, FIONREAD);
  end();
  begin(SYS_prctl);
  require(0, PR_SET_PTRACER);
  end();
  begin(SYS_mprotect);
  require(2, <u32>PROT_READ_WRITE);
  end();
  begin(SYS_kill);
  // 0 asks whether a process is there; anything else is for ourselves
  emit(LOAD, 0, 0, DATA_ARGS + 8);
  emit(JUMP_EQUAL, 3, 0, 0);
  require(0, <u32>syscall(SYS_getpid, 0, 0, 0, 0, 0, 0));
  end();
  if (word(RT_EXE_FD) >= 0) allowMmap();
  kill();
}

/** Leaves only what is below the preopens to be opened. */
function restrictPaths(): void {
  const version = syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION, 0, 0, 0);
  if (failed(version) || version < LANDLOCK_MIN_ABI) return;
  const handled: u64 = ACCESS_ABI_2 | (version > LANDLOCK_MIN_ABI ? ACCESS_TRUNCATE : 0);
  store<u64>(RULE, handled);
  const rules = syscall(SYS_landlock_create_ruleset, memoryBase() + RULE, 8, 0, 0, 0, 0);
  if (failed(rules)) return;
  let complete = true;
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry = entryAt(i);
    if (kindOf(entry) !== FDK_PREOPEN || nativeOf(entry) < 0) continue;
    store<u64>(RULE, load<u32>(entry, FD_READ_ONLY) !== 0 ? ACCESS_READ : handled & ~ACCESS_EXECUTE);
    store<i32>(RULE, <i32>nativeOf(entry), 8);
    const result = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, memoryBase() + RULE, 0, 0, 0);
    if (failed(result)) complete = false;
  }
  if (complete) syscall(SYS_landlock_restrict_self, rules, 0, 0, 0, 0, 0);
  syscall(SYS_close, rules, 0, 0, 0, 0, 0);
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
  build(directories);
  store<u16>(PROGRAM, <u16>length);
  store<i64>(PROGRAM, memoryBase() + FILTER, 8);
  const program = memoryBase() + PROGRAM;
  let result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, program, 0, 0, 0);
  if (failed(result)) result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program, 0, 0, 0); // before 4.17
  if (!failed(result)) setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_SANDBOX);
}
