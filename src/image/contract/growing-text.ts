/**
 * Growing images, whose functions are compiled while the process runs (ARCHITECTURE.md, "Growing images"): fields of the
 * runtime block, the log in the image's file, and what process and tool say to each other.
 *
 * The image has one guest. Its functions are named by their index among those that the guest defines.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- in the runtime block
export const RT_SLOTS = 2304; // u64: image offset of the slots, 0 in an image that has all of its functions
export const RT_SLOT_COUNT = 2312; // u64: how many functions there are
export const RT_CELLS = 2320; // u64: image offset of the cells, a u64 for each function: the address of its code, or in its slot
export const RT_GROWTH_LOG = 2328; // u64: where the log is in the file
export const RT_GROWTH_START = 2336; // u64: image offset in TEXT from which on functions are appended
export const RT_GROWTH_FD = 2344; // u64: inherited descriptor of the image's file; the next one leads to the tool

/** Bytes of a slot: a jump to the address in the cell, and an instruction that traps. */
export const SLOT_SIZE = 32;

// -- the log: a head, then a row for each function, in the order in which they came
export const LOG_STATE = 0; // u32: LOG_*
export const LOG_COUNT = 4; // u32: how many rows there are
export const LOG_END = 8; // u64: image offset in TEXT up to which the file is filled, a multiple of the page size
export const LOG_HEAD = 16;
export const LOG_FUNCTION = 0; // u32
export const LOG_OFFSET = 4; // u32: image offset of its code
export const LOG_ROW = 8;

export const LOG_GROWING = 0;
export const LOG_COMPLETE = 1; // the file has its headers and tables, and does not change any more

// -- what the process sends: a u32, first its page size, then requests
/** All functions and the tables. Nothing answers. */
export const REQUEST_ALL = 0xffffffff;
/** The tables of the functions that are there: no other will be needed. A byte answers. */
export const REQUEST_TABLES = 0xfffffffe;
// any other: the function of that index. A byte answers
