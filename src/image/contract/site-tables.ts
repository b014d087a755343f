/**
 * The rows of the site tables in the file of an image: functions, locals, sites, shapes, trap sites, pins.
 * Offsets in bytes, all values u32. Sites, trap sites and pins are stored packed, see PK_*.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- init plan: what start does before the guest runs. u64 words, pointers relocated.
//    [instanceCount] then per instance, host layer first:
//      [instance] [memoryCount {record, minPages}] [tableCount {record, min, initial element}]
//      [elementCount {tableRecord, offset, segmentRecord}]    active ones, in order; dropped afterwards
//      [dataCount {memoryRecord, offset, segmentRecord}]      active ones, in order; dropped afterwards
//      [declaredCount {segmentRecord}]                        declarative element segments: dropped
//      [sizeCount {where a size is, least}]                   MEM_SIZE and TAB_LENGTH of imports that must have grown
//      [startRecord or 0] [entryRecord or 0]                  the start function; _start, run after all is instantiated

// -- function table of the image (section .wagsnap.funcs): records of 8 u32, sorted by text start
export const FR_START = 0; // text offset (from TEXT) of the first byte
export const FR_END = 4;
export const FR_INSTANCE = 8;
export const FR_INDEX = 12; // function index
export const FR_FRAME = 16; // frame size in bytes; the return address lies right above
export const FR_LOCALS = 20; // index of its first word in .wagsnap.locals
export const FR_LOCAL_COUNT = 24;
export const FR_KIND = 28; // FUNC_*
export const FR_SIZE = 32;

export const FUNC_GUEST = 0;
export const FUNC_IMPORT = 1; // thunk of a host function: its entry is a safepoint of the importing instance
export const FUNC_HOST = 2; // the host layer's own code: no safepoints
export const FUNC_STUB = 3;
export const FUNC_TRAMPOLINE = 4; // where the host enters guest code: a return address in it ends the stack

// .wagsnap.locals: a u32 per local: slot | reg << 20 | type << 28. slot counts 8 bytes from sp; reg NO_LOCAL_REG for
// none
export const NO_LOCAL_REG = 255;
export const TYPE_I32 = 1;
export const TYPE_I64 = 2;
export const TYPE_F32 = 3;
export const TYPE_F64 = 4;
export const TYPE_V128 = 5;
export const TYPE_FUNCREF = 6;
export const TYPE_EXTERNREF = 7;
export const TYPE_EXNREF = 8;

// .wagsnap.sites, .wagsnap.traps and .wagsnap.pins have rows of 3 u32, sorted by the first, a text offset, and packed
// (image/tables/packed-rows.ts). Tables without rows are empty. Else:
//   [row count] then per block of PK_BLOCK rows: [text offset of its first row] [where its bytes are in the stream]
//   then the stream, unsigned LEB128 numbers. Per row:
//     the text offset less that of the row before; not for the first row of a block
//     the second value less that before, zigzag, << 1 | whether the third one differs
//     if it does: the third value less that before, zigzag
// The values before the first row of a block are 0. Zigzag of n is 2n, of a negative one -2n - 1
export const PK_HEAD = 4;
export const PK_ENTRY = 8;
export const PK_BLOCK = 64;

// .wagsnap.sites: text offset of the safepoint, for calls the return address; byte offset in the function body of the
// loop, call or other instruction, 0 for entries; SITE_* | word index in .wagsnap.shapes << 2

export const SITE_CALL = 0; // trapped at: the call has returned, results are where the shape says; further out: in the call
export const SITE_LOOP = 1; // at the loop header, block parameters on the stack; or before a memory.atomic.wait
export const SITE_ENTRY = 2; // before the prologue: frame size 0, parameters are the shape's operands; other locals are zero

// .wagsnap.shapes: [operandCount] [resultCount | SHAPE_LOCALS] [shape of the locals] operands… results…
// With SHAPE_LOCALS there is a third word: the site places the locals itself, as the operands of an earlier shape say.
// That shape has no results and no locals of its own. A first operand of type 0 is not an operand but a reference:
// {index of an earlier shape} {n}. The first n operands are those of that shape. All other operands, and the results,
// are locations:
//   type << 28 | kind << 25 | payload
//
// Tables of version 1, of images whose identity says none, have two bits for the kind, at 26, and no SHAPE_LOCALS.
// Before version 3 the rows of sites, traps and pins were not packed, and two columns were joined: in sites the third
// one was the shape's index | SITE_* << 30, in traps the second one was body offset | TRAP_* << 27, and the last
export const TABLES_VERSION = 3;
/** The first version with packed rows. */
export const TABLES_PACKED = 3;
export const SHAPE_LOCALS = 0x80000000;
export const LOCATION_SLOT = 0; // payload: slot
export const LOCATION_CONST = 1; // payload 0; its bits follow, the lowest first: two u32, of a v128 four
export const LOCATION_LOCAL = 2; // payload: local index, has the same value; no local itself is there
export const LOCATION_REG = 3; // payload: register
export const LOCATION_DEAD = 4; // payload 0; no code reads the value any more

// .wagsnap.traps: text offset of the faulting instruction; its body offset, below 2 ** 27; TRAP_*

// .wagsnap.pins: where locals with a register are at trap sites. A row holds for its site and those after it in its
// function, up to the next row; before a function's first row all are in their slots. Columns: text offset of a trap
// site; those that are in their register, all others are in their slot; those that are in neither any more. Bit i of a
// mask is the i-th local with a register
