/**
 * The resume plan: how start continues a snapshot, and with which registers. Offsets in bytes.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- resume plan: how start continues a snapshot. u64 words; pointers are relocated by the base relocations.
export const RP_MEMORIES = 0; // pointer to: count, then {record pointer, size in bytes, extentCount, {memory offset, file offset, bytes}…}
export const RP_TABLES = 8; // pointer to: count, then {record pointer, length, pointer to its u64 elements}
export const RP_STACK = 16; // pointer to the bytes of the guest's stack, lowest address first; ends at TH_STACK_TOP
export const RP_STACK_SIZE = 24; // bytes
export const RP_STACK_RELOCS = 32; // pointer to u32 offsets into the stack bytes of u64 words to add the load address to
export const RP_STACK_RELOC_COUNT = 40;
export const RP_CONTEXT = 48; // pointer to the registers (CTX_*), in DATA; pointers in it are base relocated
export const RP_HOST_STATE = 56; // pointer to an HS_* block cut after the last path: see RP_HOST_STATE_SIZE
export const RP_HOST_STATE_SIZE = 64;
export const RP_SOURCE_FD = 72; // descriptor the extents are mapped from, or -1 for the image's own file
export const RP_ARGC = 80;
export const RP_ARGV = 88; // pointer to an argv array (relocated, ends with 0), its strings after it
export const RP_ENVP = 96; // pointer to an envp array, with room for one variable more (runtime/wasi/clone.ts)
export const RP_MONOTONIC = 104; // i64: the guest's monotonic clock at capture, in nanoseconds: it never steps back
export const RP_PENDING_TIMEOUT = 112; // i64: remaining nanoseconds of a sleep that was undone, -1 none
export const RP_PHASE = 120; // TH_PHASE at capture: start continues after it when the guest's stack has returned
export const RP_LISTINGS = 128; // pointer to: count, then {descriptor, names, u64 hash of each name}: what listings of directories have delivered
export const RP_FILES = 136; // pointer to: count, then {file offset, size, descriptors, each descriptor…}: contents of unlinked files
export const RP_SOURCE_PATH = 144; // pointer to the path of the snapshot that start opens and puts at RP_SOURCE_FD, 0: there is a descriptor already
export const RP_SOURCE_PROLOGUE = 152; // the first PROLOGUE_BYTES of that snapshot: it may have been replaced meanwhile
export const PROLOGUE_BYTES = 64;
export const RP_SOURCES = 216; // pointer to: count, then further files, SOURCE_SIZE each; 0: there are none
export const RP_PIECES = 224; // pointer to: count, then {record pointer, memory offset, file offset, bytes, file: 0 the one of RP_SOURCE_FD, n of RP_SOURCES n - 1, 1 to read it and 0 to map it}: in order, later ones lie over earlier ones; 0: there are none
export const RP_CALL = 232; // pointer to the call that runs instead of the program's entry (CALL_*), 0: there is none
export const RP_HOOK_CONTEXT = 240; // pointer to the registers (CTX_*) of wag_snap_restored, whose frames are below those of RP_CONTEXT; 0: it is not called, or has returned
export const RP_CAPTURED = 248; // PLAN_*: which of the two stacks was captured in wag_snap.snapshot
export const RP_SUSPENDED_TIMEOUT = 256; // i64: as RP_PENDING_TIMEOUT, which is the hook's then: of the stack of RP_CONTEXT
export const RP_SUSPENDED_CALL = 264; // u64: TH_SUSPENDED_CALL at capture
export const RP_SIZE = 272;

// of RP_CAPTURED
export const PLAN_GUEST_CAPTURED = 1; // RP_CONTEXT
export const PLAN_HOOK_CAPTURED = 2; // RP_HOOK_CONTEXT

// one of RP_SOURCES
export const SOURCE_FD = 0; // descriptor, or -1: start opens it by its path
export const SOURCE_PATH = 8; // pointer to its path
export const SOURCE_PROLOGUE = 16; // its first PROLOGUE_BYTES
export const SOURCE_SIZE = 80;

// registers to continue with; sp here is an offset below TH_STACK_TOP (a negative number) that start makes absolute
export const CTX_GENERAL = 0; // 32 u64
export const CTX_FLOAT = 256; // 32 of 16 bytes
export const CTX_PC = 768; // u64
export const CTX_SP = 776; // u64: the guest's sp, as an offset from TH_STACK_TOP
export const CTX_SIZE = 784;
