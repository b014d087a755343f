/**
 * The functions that the compiler provides to the host layer: intrinsics, which are lowered inline
 * (compile/baseline/intrinsics.ts).
 *
 * AssemblyScript, which imports them from the module "native", after this file's name. Addresses are native, 64 bits
 * wide, and not checked. A pointer into the host layer's own memory is a 32-bit offset: its native address is
 * `memoryBase() + pointer`.
 */

/** A Linux system call. Returns its result, or -errno. */
export declare function syscall(nr: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64;
/** The same for calls that may block: returns -EINTR without entering the kernel when a stop is wanted. */
export declare function blocking_syscall(nr: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64;

/**
 * Calls a C function of the process, with the stack aligned as C wants it. Returns its result, 64 bits of a register.
 */
export declare function call_c(address: i64, a: i64, b: i64): i64;

export declare function load8_u(address: i64): i32;
export declare function load16_u(address: i64): i32;
export declare function load32_u(address: i64): i32;
export declare function load64(address: i64): i64;
export declare function store8(address: i64, value: i32): void;
export declare function store16(address: i64, value: i32): void;
export declare function store32(address: i64, value: i32): void;
export declare function store64(address: i64, value: i64): void;
/** Copies forward, byte after byte: right for overlapping ranges when the destination is the lower one. */
export declare function copy(destination: i64, source: i64, bytes: i64): void;
export declare function fill(destination: i64, byte: i32, bytes: i64): void;

/** CPU_* of image/contract/runtime-block.ts: the features of this CPU beyond the baseline of its architecture. */
export declare function cpu_features(): i64;

/** Address of the runtime block (image/contract/runtime-block.ts RT_*). */
export declare function runtime(): i64;

/** Address of the record of the thread that runs (image/contract/thread.ts TH_*). It begins with the runtime block. */
export function thread(): i64 {
  return runtime();
}

/** Native address of the host layer's own memory; not called `memory`, which is AssemblyScript's own namespace. */
export declare function memoryBase(): i64;
/** Reads `memoryBase()` again from the host layer's instance block, once boot has mapped the memory. */
export declare function reload(): void;

/** Calls a guest function: arguments from u64 values[], results written to it. Also returns after `unwind`. */
export declare function invoke(record: i64, values: i64): void;
/** Loads the registers CTX_* and continues in the guest; returns when the guest's bottom frame does. */
export declare function resume(context: i64): void;
/**
 * Continues in the guest at an address, with a stack pointer and an exception in the result register. Does not return.
 */
export declare function land(exception: i64, sp: i64, pc: i64): void;
/** Abandons the guest's stack: the running invoke or resume returns. */
export declare function unwind(): void;
