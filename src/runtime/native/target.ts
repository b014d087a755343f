/**
 * The constants that the compiler provides to the host layer: numbers of the CPU's Linux
 * (arch/<cpu>/host-constants.ts), bound by name when linking.
 *
 * AssemblyScript, which imports them from the module "target", after this file's name.
 */

// -- system calls that every CPU's table must have
export declare const SYS_read: i64;
export declare const SYS_write: i64;
export declare const SYS_openat: i64;
export declare const SYS_openat2: i64;
export declare const SYS_close: i64;
export declare const SYS_fcntl: i64;
export declare const SYS_pread64: i64;
export declare const SYS_mmap: i64;
export declare const SYS_munmap: i64;
export declare const SYS_mprotect: i64;
export declare const SYS_rt_sigaction: i64;
export declare const SYS_rt_sigprocmask: i64;
export declare const SYS_sigaltstack: i64;
export declare const SYS_ppoll: i64;
export declare const SYS_pidfd_open: i64;
export declare const SYS_kill: i64;
export declare const SYS_prctl: i64;
export declare const SYS_exit_group: i64;
// the WASI layer's
export declare const SYS_lseek: i64;
export declare const SYS_ioctl: i64;
export declare const SYS_ftruncate: i64;
export declare const SYS_fsync: i64;
export declare const SYS_fdatasync: i64;
export declare const SYS_readv: i64;
export declare const SYS_writev: i64;
export declare const SYS_pipe2: i64;
export declare const SYS_preadv: i64;
export declare const SYS_pwritev: i64;
export declare const SYS_getdents64: i64;
export declare const SYS_statx: i64;
export declare const SYS_mkdirat: i64;
export declare const SYS_unlinkat: i64;
export declare const SYS_renameat2: i64;
export declare const SYS_readlinkat: i64;
export declare const SYS_dup3: i64;
export declare const SYS_getcwd: i64;
export declare const SYS_getsockopt: i64;
export declare const SYS_getrandom: i64;
export declare const SYS_sched_yield: i64;
export declare const SYS_clock_gettime: i64;
export declare const SYS_clock_getres: i64;
export declare const SYS_memfd_create: i64;
export declare const SYS_pwrite64: i64;
export declare const SYS_fallocate: i64;
export declare const SYS_utimensat: i64;
export declare const SYS_linkat: i64;
export declare const SYS_symlinkat: i64;
export declare const SYS_fstatfs: i64;
export declare const SYS_getpid: i64;
export declare const SYS_socket: i64;
export declare const SYS_bind: i64;
export declare const SYS_listen: i64;
export declare const SYS_setsockopt: i64;
export declare const SYS_accept4: i64;
export declare const SYS_recvmsg: i64;
export declare const SYS_sendmsg: i64;
export declare const SYS_shutdown: i64;
export declare const SYS_restart_syscall: i64;
export declare const SYS_rt_sigreturn: i64;
export declare const SYS_seccomp: i64;
export declare const SYS_userfaultfd: i64;
export declare const SYS_landlock_create_ruleset: i64;
export declare const SYS_landlock_add_rule: i64;
export declare const SYS_landlock_restrict_self: i64;
/** What the kernel calls this CPU and its calling convention in a system call filter. */
export declare const AUDIT_ARCH: i64;
export declare const SYS_socketpair: i64;
/** Flags of open that differ between CPUs. */
export declare const O_DIRECTORY: i64;
export declare const O_NOFOLLOW: i64;

/** Byte offsets in the ucontext_t of the saved program counter and stack pointer. */
export declare const UCONTEXT_PC: i64;
export declare const UCONTEXT_SP: i64;
/**
 * The register with the return address at a function's entry, and the first instruction that stores it (0: none does).
 */
export declare const UCONTEXT_LINK: i64;
export declare const FRAME_PUSH: i64;
/** Bytes between a stub's sp and its return address, when it has no frame of its own. */
export declare const LEAST_FRAME: i64;
/** Where the saved flags register is, and its bit for single steps; both 0 on a CPU without them. */
export declare const UCONTEXT_FLAGS: i64;
export declare const SINGLE_STEP_FLAG: i64;
/** How far past a safepoint the saved pc is when trap text was hit. */
export declare const SAFEPOINT_PC_BIAS: i64;
/** Numbers of the stack pointer and the two pinned registers among CTX_GENERAL. */
export declare const SP_REGISTER: i64;
export declare const INSTANCE_REGISTER: i64;
export declare const MEMORY_BASE_REGISTER: i64;
