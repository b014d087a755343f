/**
 * Kinds of trap, what a trap's place means, and what a wait returns.
 *
 * README.md of this folder says what holds for all of its files.
 */

// what TH_TRAP_AT is
export const AT_NOTHING = 0; // no wasm code was running: a segment did not fit
export const AT_INSTRUCTION = 1; // the one that trapped, or one of the prologue
export const AT_RETURN = 2; // the return address of the call of a stub that found the trap

export const TRAP_UNREACHABLE = 1;
export const TRAP_MEMORY = 2; // out of bounds memory access
export const TRAP_DIVIDE_BY_ZERO = 3; // integer divide by zero
export const TRAP_OVERFLOW = 4; // integer overflow
export const TRAP_INVALID_CONVERSION = 5; // invalid conversion to integer
export const TRAP_TABLE = 6; // out of bounds table access
export const TRAP_UNDEFINED_ELEMENT = 7; // undefined element (call_indirect beyond the table)
export const TRAP_UNINITIALIZED = 8; // uninitialized element
export const TRAP_SIGNATURE = 9; // indirect call type mismatch
export const TRAP_STACK = 10; // call stack exhausted
export const TRAP_MISSING_IMPORT = 11; // call of an import that nothing provides
export const TRAP_FATAL = 12; // a signal with no meaning as a wasm trap: a bug of ours
export const TRAP_EXCEPTION = 13; // uncaught exception
export const TRAP_UNALIGNED = 14; // unaligned atomic
export const TRAP_UNSHARED = 15; // expected shared memory (memory.atomic.wait)
export const TRAP_NULL_REFERENCE = 16; // null reference
export const TRAP_EXCEPTION_MEMORY = 17; // no memory for another exception
export const TRAP_EMBEDDER = 18; // an import function of the embedder has failed, or the embedder is gone
export const TRAP_CAST = 19; // cast failure
export const TRAP_PAGES_LOST = 20; // a page of the memory was still on another host, and will never come
export const TRAP_IMPORT_SIZE = 21; // an imported memory or table is smaller than the module asks for

// .wagsnap.names: u32 per function record and one more: where its name starts in the UTF-8 bytes after them

// .wagsnap.places: u32 per function record: where its body starts in its module, 0 when it has none;
// then a u32 of instances, and names of their modules in the form of .wagsnap.names

// what the builtins of memory.atomic.wait return: its results, or to be called again (after a safepoint)
export const WAIT_NOT_EQUAL = 1;
export const WAIT_TIMED_OUT = 2;
export const WAIT_AGAIN = 3;
