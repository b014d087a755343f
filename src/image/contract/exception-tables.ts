/**
 * Tags, exceptions, and the tables by which a throw finds its handler. Offsets in bytes.
 *
 * README.md of this folder says what holds for all of its files.
 */

// tag record: its address is the tag's identity
export const TAG_COUNT = 0; // u32: values that an exception carries
export const TAG_INDEX = 4; // u32: tag index in its module
export const TAG_INSTANCE = 8; // u32
export const TAG_NAME_LENGTH = 12; // u32: bytes, 0 when it is not exported
export const TAG_NAME = 16; // u64: pointer to the name it is exported by, UTF-8
export const TAG_RECORD_SIZE = 32;

// exception: what an exnref points to
export const EXN_TAG = 0; // u64: address of its tag's record, 0 in a free cell
export const EXN_COUNT = 8; // u32: values
export const EXN_MARK = 12; // u32: the collector's
export const EXN_VALUES = 16; // 16 bytes each: the value as in a slot, the rest is undefined
export const EXN_VALUE_SIZE = 16;

// -- exception tables, in RODATA: a header of u32 counts, then rows of u32 in the same order
export const XT_FRAMES = 0; // {text offset where a guest function or trampoline starts, frame size or XT_BOTTOM}, ascending
export const XT_SITES = 4; // image/tables/handler-table.ts has these three
export const XT_HANDLERS = 8;
export const XT_CLAUSES = 12;
export const XT_GLOBALS = 16; // {image offset of the value of a global of type exnref}
export const XT_SIZE = 32;
export const XT_BOTTOM = 0xffffffff; // a trampoline: the guest's stack ends there
export const NO_HANDLER = 0xffffffff;
