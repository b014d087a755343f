/**
 * What the host layer gets from the compiler: intrinsics (module "native") and constants of the CPU's Linux (module
 * "target").
 *
 * AssemblyScript. Intrinsics are lowered inline (compile/baseline/intrinsics.ts); their addresses are native, 64 bits
 * wide, and not checked. The constants are numbers of arch/<cpu>/host-constants.ts, bound by name when linking.
 * A pointer into the host layer's own memory is a 32-bit offset: its native address is `memoryBase() + pointer`.
 */

/** A Linux system call. Returns its result, or -errno. */
@external("native", "syscall")
export declare function syscall(nr: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64;
/** The same for calls that may block: returns -EINTR without entering the kernel when a stop is wanted. */
@external("native", "blocking_syscall")
export declare function blocking_syscall(nr: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64;

/**
 * Calls a C function of the process, with the stack aligned as C wants it. Returns its result, 64 bits of a register.
 */
@external("native", "call_c")
export declare function call_c(address: i64, a: i64, b: i64): i64;

@external("native", "load8_u")
export declare function load8_u(address: i64): i32;
@external("native", "load16_u")
export declare function load16_u(address: i64): i32;
@external("native", "load32_u")
export declare function load32_u(address: i64): i32;
@external("native", "load64")
export declare function load64(address: i64): i64;
@external("native", "store8")
export declare function store8(address: i64, value: i32): void;
@external("native", "store16")
export declare function store16(address: i64, value: i32): void;
@external("native", "store32")
export declare function store32(address: i64, value: i32): void;
@external("native", "store64")
export declare function store64(address: i64, value: i64): void;
/** Copies forward, byte after byte: right for overlapping ranges when the destination is the lower one. */
@external("native", "copy")
export declare function copy(destination: i64, source: i64, bytes: i64): void;
@external("native", "fill")
export declare function fill(destination: i64, byte: i32, bytes: i64): void;

/** CPU_* of image/contract/runtime-block.ts: what this CPU can do beyond the least of its kind. */
@external("native", "cpu_features")
export declare function cpu_features(): i64;

/** Address of the runtime block (image/contract/runtime-block.ts RT_*). */
@external("native", "runtime")
export declare function runtime(): i64;
/** Native address of the host layer's own memory; not called `memory`, which is AssemblyScript's own namespace. */
@external("native", "memory")
export declare function memoryBase(): i64;
/** Reads `memoryBase()` again from the host layer's instance block, once boot has mapped the memory. */
@external("native", "reload")
export declare function reload(): void;

/** Calls a guest function: arguments from u64 values[], results written to it. Also returns after `unwind`. */
@external("native", "invoke")
export declare function invoke(record: i64, values: i64): void;
/** Loads the registers CTX_* and continues in the guest; returns when the guest's bottom frame does. */
@external("native", "resume")
export declare function resume(context: i64): void;
/**
 * Goes on in the guest at an address, with a stack pointer and an exception in the result register. Does not return.
 */
@external("native", "land")
export declare function land(exception: i64, sp: i64, pc: i64): void;
/** Gives up the guest's stack: the running invoke or resume returns. */
@external("native", "unwind")
export declare function unwind(): void;

// -- module "target": numbers of system calls that every CPU's table must have
@external("target", "SYS_read") export declare const SYS_read: i64;
@external("target", "SYS_write") export declare const SYS_write: i64;
@external("target", "SYS_openat") export declare const SYS_openat: i64;
@external("target", "SYS_openat2") export declare const SYS_openat2: i64;
@external("target", "SYS_close") export declare const SYS_close: i64;
@external("target", "SYS_fcntl") export declare const SYS_fcntl: i64;
@external("target", "SYS_pread64") export declare const SYS_pread64: i64;
@external("target", "SYS_mmap") export declare const SYS_mmap: i64;
@external("target", "SYS_munmap") export declare const SYS_munmap: i64;
@external("target", "SYS_mprotect") export declare const SYS_mprotect: i64;
@external("target", "SYS_rt_sigaction") export declare const SYS_rt_sigaction: i64;
@external("target", "SYS_rt_sigprocmask") export declare const SYS_rt_sigprocmask: i64;
@external("target", "SYS_sigaltstack") export declare const SYS_sigaltstack: i64;
@external("target", "SYS_ppoll") export declare const SYS_ppoll: i64;
@external("target", "SYS_pidfd_open") export declare const SYS_pidfd_open: i64;
@external("target", "SYS_kill") export declare const SYS_kill: i64;
@external("target", "SYS_prctl") export declare const SYS_prctl: i64;
@external("target", "SYS_exit_group") export declare const SYS_exit_group: i64;
// the WASI layer's
@external("target", "SYS_lseek") export declare const SYS_lseek: i64;
@external("target", "SYS_ioctl") export declare const SYS_ioctl: i64;
@external("target", "SYS_ftruncate") export declare const SYS_ftruncate: i64;
@external("target", "SYS_fsync") export declare const SYS_fsync: i64;
@external("target", "SYS_fdatasync") export declare const SYS_fdatasync: i64;
@external("target", "SYS_readv") export declare const SYS_readv: i64;
@external("target", "SYS_writev") export declare const SYS_writev: i64;
@external("target", "SYS_pipe2") export declare const SYS_pipe2: i64;
@external("target", "SYS_preadv") export declare const SYS_preadv: i64;
@external("target", "SYS_pwritev") export declare const SYS_pwritev: i64;
@external("target", "SYS_getdents64") export declare const SYS_getdents64: i64;
@external("target", "SYS_statx") export declare const SYS_statx: i64;
@external("target", "SYS_mkdirat") export declare const SYS_mkdirat: i64;
@external("target", "SYS_unlinkat") export declare const SYS_unlinkat: i64;
@external("target", "SYS_renameat2") export declare const SYS_renameat2: i64;
@external("target", "SYS_readlinkat") export declare const SYS_readlinkat: i64;
@external("target", "SYS_dup3") export declare const SYS_dup3: i64;
@external("target", "SYS_getcwd") export declare const SYS_getcwd: i64;
@external("target", "SYS_getsockopt") export declare const SYS_getsockopt: i64;
@external("target", "SYS_getrandom") export declare const SYS_getrandom: i64;
@external("target", "SYS_sched_yield") export declare const SYS_sched_yield: i64;
@external("target", "SYS_clock_gettime") export declare const SYS_clock_gettime: i64;
@external("target", "SYS_clock_getres") export declare const SYS_clock_getres: i64;
@external("target", "SYS_memfd_create") export declare const SYS_memfd_create: i64;
@external("target", "SYS_pwrite64") export declare const SYS_pwrite64: i64;
@external("target", "SYS_fallocate") export declare const SYS_fallocate: i64;
@external("target", "SYS_utimensat") export declare const SYS_utimensat: i64;
@external("target", "SYS_linkat") export declare const SYS_linkat: i64;
@external("target", "SYS_symlinkat") export declare const SYS_symlinkat: i64;
@external("target", "SYS_fstatfs") export declare const SYS_fstatfs: i64;
@external("target", "SYS_getpid") export declare const SYS_getpid: i64;
@external("target", "SYS_socket") export declare const SYS_socket: i64;
@external("target", "SYS_bind") export declare const SYS_bind: i64;
@external("target", "SYS_listen") export declare const SYS_listen: i64;
@external("target", "SYS_setsockopt") export declare const SYS_setsockopt: i64;
@external("target", "SYS_accept4") export declare const SYS_accept4: i64;
@external("target", "SYS_recvmsg") export declare const SYS_recvmsg: i64;
@external("target", "SYS_sendmsg") export declare const SYS_sendmsg: i64;
@external("target", "SYS_shutdown") export declare const SYS_shutdown: i64;
@external("target", "SYS_restart_syscall") export declare const SYS_restart_syscall: i64;
@external("target", "SYS_rt_sigreturn") export declare const SYS_rt_sigreturn: i64;
@external("target", "SYS_seccomp") export declare const SYS_seccomp: i64;
@external("target", "SYS_landlock_create_ruleset") export declare const SYS_landlock_create_ruleset: i64;
@external("target", "SYS_landlock_add_rule") export declare const SYS_landlock_add_rule: i64;
@external("target", "SYS_landlock_restrict_self") export declare const SYS_landlock_restrict_self: i64;
/** What the kernel calls this CPU and its calling convention in a system call filter. */
@external("target", "AUDIT_ARCH") export declare const AUDIT_ARCH: i64;
@external("target", "SYS_socketpair") export declare const SYS_socketpair: i64;
/** Flags of open that differ between CPUs. */
@external("target", "O_DIRECTORY") export declare const O_DIRECTORY: i64;
@external("target", "O_NOFOLLOW") export declare const O_NOFOLLOW: i64;

/** Byte offsets in the ucontext_t of the saved program counter and stack pointer. */
@external("target", "UCONTEXT_PC") export declare const UCONTEXT_PC: i64;
@external("target", "UCONTEXT_SP") export declare const UCONTEXT_SP: i64;
/**
 * The register with the return address at a function's entry, and the first instruction that stores it (0: none does).
 */
@external("target", "UCONTEXT_LINK") export declare const UCONTEXT_LINK: i64;
@external("target", "FRAME_PUSH") export declare const FRAME_PUSH: i64;
/** Bytes between a stub's sp and its return address, when it has no frame of its own. */
@external("target", "LEAST_FRAME") export declare const LEAST_FRAME: i64;
/** Where the saved flags register is, and its bit for single steps; both 0 on a CPU without them. */
@external("target", "UCONTEXT_FLAGS") export declare const UCONTEXT_FLAGS: i64;
@external("target", "SINGLE_STEP_FLAG") export declare const SINGLE_STEP_FLAG: i64;
/** How far past a safepoint the saved pc is when trap text was hit. */
@external("target", "SAFEPOINT_PC_BIAS") export declare const SAFEPOINT_PC_BIAS: i64;
/** Numbers of the stack pointer and the two pinned registers among CTX_GENERAL. */
@external("target", "SP_REGISTER") export declare const SP_REGISTER: i64;
@external("target", "INSTANCE_REGISTER") export declare const INSTANCE_REGISTER: i64;
@external("target", "MEMORY_BASE_REGISTER") export declare const MEMORY_BASE_REGISTER: i64;
