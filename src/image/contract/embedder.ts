/**
 * Import functions of the embedder: the image's table of them, and the messages by which its process calls them.
 * Offsets in bytes. docs/embedding.md describes the protocol in words.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- the table (RT_EMBEDDER_IMPORTS), in RODATA: a header, then a row per import, then what the rows name
export const EI_COUNT = 0; // u32: rows
export const EI_SIZE = 4; // u32: bytes of the table up to the lists of memories: what the hello message carries
export const EI_ROWS = 8;
// a row; both are offsets from the table's start
export const EI_TYPE = 0; // u32: its description
export const EI_MEMORIES = 4; // u32: u32 count, then u32 image offsets of the records of its instance's memories
export const EI_ROW_SIZE = 8;
// a description: lengths as u16, the module's name and its own as UTF-8, then types (one byte each) of parameters and results
export const EI_MODULE_LENGTH = 0;
export const EI_NAME_LENGTH = 2;
export const EI_PARAMS = 4;
export const EI_RESULTS = 6;
export const EI_TEXT = 8;

// -- a message: its kind, the bytes of its body, then the body
export const MSG_KIND = 0; // u32: MSG_*
export const MSG_LENGTH = 4; // u32
export const MSG_BODY = 8;

// from the process
export const MSG_HELLO = 1; // version u32, flags u32 (HELLO_*), session 16 bytes, number of the last call u64; then the table up to EI_SIZE
export const MSG_CALL = 2; // number u64, import u32, flags u32 (CALL_*); then a cell of 8 bytes per argument, a v128 two
export const MSG_BYTES = 3; // answers MSG_READ: the bytes
export const MSG_SIZE_IS = 4; // answers MSG_SIZE: u64 bytes
export const MSG_WRITTEN = 5; // answers MSG_WRITE
export const MSG_FAULT = 6; // answers any of the three: u32 FAULT_*
export const MSG_LEAVE = 7; // the process ends as a capture says so; number of the last call u64, flags u64 (LEAVE_*)

// to the process
export const MSG_WELCOME = 16; // answers MSG_HELLO: version u32, reserved u32, session 16 bytes
export const MSG_REFUSE = 17; // the same: the process ends; why, as UTF-8, which may be empty
export const MSG_REPLY = 18; // number u64; then a cell of 8 bytes per result, a v128 two
export const MSG_TRAP = 19; // number u64; then why, as UTF-8
export const MSG_READ = 20; // memory u32, length u32, address u64
export const MSG_WRITE = 21; // memory u32, reserved u32, address u64; then the bytes
export const MSG_SIZE = 22; // memory u32, reserved u32

export const EMBEDDER_PROTOCOL = 1;
export const SESSION_SIZE = 16;
export const HELLO_RESUMED = 1; // the process continues a snapshot
export const HELLO_PENDING = 2; // its last call had been sent, and had no answer
export const CALL_AGAIN = 1; // it had been sent before the process was captured
export const LEAVE_PENDING = 1; // the last call has no answer that was taken

export const FAULT_MEMORY = 1; // there is no memory of that index
export const FAULT_BOUNDS = 2; // not within the memory

/** The most data bytes of a MSG_READ or MSG_WRITE. */
export const MEMORY_PIECE = 1048576;
/** The most bytes of a trap's reason that a process keeps. */
export const TRAP_TEXT_MAX = 1000;
/** The most cells of one function's arguments, or results: 1000 of 16 bytes. */
export const MAX_CELLS = 2000;
/** The most imports of an image, and the most bytes of the table that describes them. */
export const EMBEDDER_IMPORTS_MAX = 10000;
export const EMBEDDER_TABLE_MAX = 1048576;
