/**
 * The block of an instance, and the records that it points to: memories, tables, functions, segments. Offsets in bytes.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- instance block
export const INST_MEMORY_BASE = 0; // u64: native address of memory 0
export const INST_MEMORY_RECORD = 8; // u64: pointer to memory 0's record, 0 when there is none
export const INST_INDEX = 16; // u32
export const INST_WASI_MEMORY = 24; // u64: pointer to the record of the memory exported as "memory", of memory 0 when none is; 0 for none
export const INST_HEADER = 32; // what follows is laid out per module: image/instance-layout.ts

// memory record
export const MEM_BASE = 0; // u64: native address
export const MEM_SIZE = 8; // u64: bytes
export const MEM_MAX = 16; // u64: pages that it can grow to, at most
export const MEM_FLAGS = 24; // u64: FLAG_INDEX64, FLAG_BYTE_PAGES
export const MEM_RECORD_SIZE = 32;

// table record
export const TAB_BASE = 0; // u64: native address of the elements, u64 each: a function record's address, an external reference + 1, or 0 for null
export const TAB_LENGTH = 8; // u64: elements
export const TAB_MAX = 16; // u64: elements
export const TAB_TYPE = 24; // u32: value type code
export const TAB_FLAGS = 28; // u32: FLAG_INDEX64
export const TAB_RECORD_SIZE = 32;

/** Flag of a memory or table: its indexes are i64. */
export const FLAG_INDEX64 = 1;
/** Flag of a memory: a page is one byte. The mapped size is rounded up to WASM_PAGE. */
export const FLAG_BYTE_PAGES = 2;

// function record: what a funcref points to
export const FN_CODE = 0; // u64
export const FN_INSTANCE = 8; // u64
export const FN_TYPE = 16; // u32: type id, equal for equal types in all of the image
export const FN_INDEX = 20; // u32: function index in its module
export const FN_INSTANCE_INDEX = 24; // u32
export const FN_TRAMPOLINE = 28; // u32: image offset of the entry trampoline of its type, 0 when the host never calls it
export const FN_RECORD_SIZE = 32;

// segment record (data and element): dropped when its length is 0
export const SEG_BYTES = 0; // u64: pointer to bytes, or to u64 references
export const SEG_LENGTH = 8; // u64: bytes, or elements
export const SEG_RECORD_SIZE = 16;
