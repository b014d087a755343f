/**
 * The thread record: what belongs to one thread of the program. One day there will be one for each thread. Offsets are
 * in bytes from its start.
 *
 * Today there is one thread. Its record begins where the runtime block does, and its offsets are those of the first
 * images, so words of the process (RT_*, runtime-block.ts) are between them. Code that needs the record asks for it:
 * thread() in the host layer, StubContext.thread in stubs, ImageProcess.thread in tools.
 *
 * README.md of this folder says what holds for all of its files.
 */

export const TH_STATE = 12; // u32: STATE_*
export const TH_PHASE = 160; // u32: what the guest stack belongs to: instance * 2 + (0 its start function, 1 its entry), or PHASE_CALL
export const PHASE_CALL = -1; // of TH_PHASE, read as a signed number: the function of a call (CALL_*)
export const PHASE_HOOK = -2; // likewise: wag_snap_restored, see TH_SUSPENDED_PHASE
// while wag_snap_restored runs: the stack above its own, which continues when it returns
export const TH_SUSPENDED_CONTEXT = 656; // u64: address of its registers (CTX_*), its sp absolute; 0 when it does not run
export const TH_SUSPENDED_PHASE = 664; // u32: its TH_PHASE
export const TH_SUSPENDED_TIMEOUT = 672; // i64: its HS_PENDING_TIMEOUT
export const TH_SUSPENDED_CALL = 680; // u64: number of the call of the embedder that it is in, 0 for none; stays until that call is answered
// its stacks
export const TH_STACK_LOW = 80; // u64: lowest usable address of the guest's stack; the guard is below
export const TH_STACK_TOP = 88; // u64
export const TH_GUEST_SP = 56; // u64: the guest's sp while host code runs (points into the thunk's frame)
export const TH_HOST_SP = 64; // u64: the host's sp while guest code runs
export const TH_SIGNAL_STACK = 144; // u64: lowest address of the signal stack
// between guest and host code
export const TH_GUEST_INSTANCE = 72; // u64: instance block of the guest that called the host
export const TH_INVOKE_VALUES = 136; // u64: address of argument and result values (u64 each, a v128 two) of the running invocation
export const TH_REISSUE = 24; // u32: set by a host call that has undone itself: the import's thunk calls it again
// where it stands
export const TH_PARK_CONTEXT = 32; // u64: address of the parked thread's ucontext_t; of a trapped one, when a signal has told of its trap
// a trap
export const TH_TRAP_KIND = 28; // u32: TRAP_* of a trap that unwound to the host (driver), or that the process is parked at; 0 none
export const TH_TRAP_PARKED = 528; // u32: 1 once it waits, and all that follows is there to be read
export const TH_TRAP_PLACE = 532; // u32: AT_*, what TH_TRAP_AT is
export const TH_TRAP_AT = 536; // u64: address in text that names the innermost wasm frame
export const TH_TRAP_SP = 544; // u64: its sp, 0 when it has trapped before its frame was there
export const TH_TRAP_RETURN = 552; // u64: its return address
export const TH_TRAP_CALLER_SP = 560; // u64: the sp of the frame that it returns to
export const TH_TRAP_TAG = 568; // u64: address of the tag's record (TAG_*) of an uncaught exception
export const TH_TRAP_TEXT = 488; // u64: address of why the embedder's function has failed, UTF-8 (TRAP_EMBEDDER)
export const TH_TRAP_TEXT_LENGTH = 496; // u64: bytes
