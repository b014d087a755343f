/**
 * The layout of what an image has in memory and in its file: every offset that two parties must agree on.
 *
 * Read by the linker, the code generator, the capture tool and restore (TypeScript) and, compiled a second time, by the
 * runtime inside the image (AssemblyScript): so it holds plain numeric constants and nothing else. All values are
 * little-endian. Offsets are in bytes. A pointer in the file's data is an image offset; start adds the load address to
 * each one named in the base relocation list.
 *
 * An image, by image offset (0 = the ELF header's address):
 *
 *     0         ELF header, program headers                       R
 *     DATA      runtime block, instance blocks, function records  RW   initial bytes from the file
 *     TEXT      stubs, host layer, guests                         RX   64 KiB aligned
 *     RODATA    init plan, segments' bytes, base relocations, resume plan   R
 *     (file)    trap text (64 KiB aligned, the size of text), site tables, identity: not loaded
 */

// -- sizes
export const WASM_PAGE = 65536;
export const SEGMENT_ALIGN = 65536; // of DATA, TEXT, RODATA and trap text: the largest page size of any kernel
export const MEMORY_RESERVATION = 8590983168; // 8 GiB and 1 MiB: room behind offset 2^32 - 1 plus a 32-bit index plus the widest access
export const MEMORY32_PAGES = 65536; // of a memory with 32-bit addresses, at most
export const MEMORY64_PAGES = 1048576; // reserved per memory with 64-bit addresses at most: 64 GiB
export const MEMORY64_GUARD = 4296015872; // 4 GiB and 1 MiB behind it: room for an offset below 2^32 and the widest access
export const STACK_GUARD = 65536 * 2;
export const STACK_SIZE = 67108864; // the guest's stack, reserved; pages come as they are touched
export const STACK_MIN = 65536; // what --max-stack may make of it
export const STACK_MAX = 268435456;
export const TABLE_MAX = 16777216; // elements reserved per table at most

// -- the runtime block: one per image, at DATA
export const RT_MAGIC = 0; // u64: RUNTIME_MAGIC
export const RT_VERSION = 8; // u32: RUNTIME_VERSION
export const RT_STATE = 12; // u32: STATE_*
export const RT_COMMAND = 16; // u32: COMMAND_*, written by the capture tool
export const RT_STOP_WANTED = 20; // u32: 1 from the signal until the process goes on: host calls must not block
export const RT_REISSUE = 24; // u32: set by a host call that has undone itself: the import's thunk calls it again
export const RT_TRAP_KIND = 28; // u32: TRAP_* of a trap that unwound to the host (driver), or that the process is parked at; 0 none
export const RT_PARK_CONTEXT = 32; // u64: address of the parked thread's ucontext_t; of a trapped one, when a signal has told of its trap
export const RT_STOP_SENDER = 40; // u32: pid of who sent the stop signal
export const RT_FLAGS = 44; // u32: FLAG_*
export const RT_IMAGE_BASE = 48; // u64: load address
export const RT_GUEST_SP = 56; // u64: the guest's sp while host code runs (points into the thunk's frame)
export const RT_HOST_SP = 64; // u64: the host's sp while guest code runs
export const RT_GUEST_INSTANCE = 72; // u64: instance block of the guest that called the host
export const RT_STACK_LOW = 80; // u64: lowest usable address of the guest's stack; the guard is below
export const RT_STACK_TOP = 88; // u64
export const RT_EXE_FD = 96; // u64: descriptor of the image's own file, -1 when it cannot be opened
export const RT_ARGC = 104; // u64
export const RT_ARGV = 112; // u64: address of the argument pointers
export const RT_ENVP = 120; // u64: address of the environment pointers, 0 ends them
export const RT_HOST_STATE = 128; // u64: native address of the host layer's state (HS_*)
export const RT_INVOKE_VALUES = 136; // u64: address of argument and result values (u64 each, a v128 two) of the running invocation
export const RT_SIGNAL_STACK = 144; // u64: lowest address of the signal stack
export const RT_AUXV = 152; // u64: address of the auxiliary vector
export const RT_PHASE = 160; // u32: what the guest stack belongs to: instance * 2 + (0 its start function, 1 its entry)
export const RT_GENERATION = 164; // u32: of the snapshot that the process was restored from, 0 for a fresh one; written by restore
export const RT_MEMORY_LIMIT = 168; // u64: bytes that the guests' memories may have together, 0 for any number
// filled by the linker: image offsets that start relocates (see base relocations)
export const RT_INIT_PLAN = 192; // u64: pointer to the init plan (IP_*)
export const RT_RESUME_PLAN = 200; // u64: pointer to the resume plan (RP_*), 0 in an image that starts afresh
export const RT_HOST_INSTANCE = 208; // u64: pointer to the host layer's instance block
// filled by the linker: plain numbers
export const RT_TEXT = 256; // u64: image offset of TEXT
export const RT_TEXT_SIZE = 264; // u64: its size, a multiple of SEGMENT_ALIGN (padded with traps)
export const RT_TEXT_FILE = 272; // u64: where text is in the file
export const RT_TRAP_TEXT_FILE = 280; // u64: where trap text is in the file
export const RT_BASE_RELOCS = 288; // u64: image offset of the list of u32 image offsets of u64 words to relocate
export const RT_BASE_RELOC_COUNT = 296; // u64
// where the site tables are in the file, for the backtrace of a trap: file offset u64, size in bytes u64
export const RT_FUNCS_FILE = 304;
export const RT_SITES_FILE = 320;
export const RT_TRAPS_FILE = 336;
export const RT_NAMES_FILE = 352;
export const RT_BLOCKING_WINDOWS = 368; // u64: pointer to the windows (WINDOW_*) of system calls that may block, see compile/stubs/blocking-syscall.ts
export const RT_BLOCKING_COUNT = 376; // u64: how many
export const RT_UNWIND = 392; // u64: image offset of the stub that gives up the guest and returns to the host (driver)
export const RT_SIGNAL_ENTRY = 400; // u64: image offset of the signal handler
export const RT_SIGNAL_RETURN = 408; // u64: image offset of the handler's restorer (rt_sigreturn)
// exceptions: all 0 in an image without tags
export const RT_EXCEPTION_TABLES = 448; // u64: pointer to the exception tables (XT_*)
export const RT_EXCEPTIONS = 456; // u64: address of the exceptions that were made; 16-aligned EXN_* objects among others
export const RT_EXCEPTIONS_END = 464; // u64: behind the last that ever was
export const RT_RESTORED_EXCEPTIONS = 472; // u64: pointer to the exceptions of the snapshot, which are never freed
export const RT_RESTORED_EXCEPTIONS_SIZE = 480; // u64: bytes
export const RT_PLACES_FILE = 512; // like RT_NAMES_FILE: where the guests' code is in their modules (image/tables/places.ts)
// a process that has trapped and is to stay (FLAG_PARK_ON_TRAP)
export const RT_TRAP_PARKED = 528; // u32: 1 once it waits, and all that follows is there to be read
export const RT_TRAP_PLACE = 532; // u32: AT_*, what RT_TRAP_AT is
export const RT_TRAP_AT = 536; // u64: address in text that names the innermost wasm frame
export const RT_TRAP_SP = 544; // u64: its sp, 0 when it has trapped before its frame was there
export const RT_TRAP_RETURN = 552; // u64: its return address
export const RT_TRAP_CALLER_SP = 560; // u64: the sp of the frame that it returns to
export const RT_TRAP_TAG = 568; // u64: address of the tag's record (TAG_*) of an uncaught exception
export const RT_CPU_NEEDS = 576; // u32: CPU_*, what the code was compiled for beyond the least CPU of its kind
export const RT_LIFELINE = 580; // u32: descriptor of the lifeline's pipe (process/lifeline.ts), 0 for none, LIFELINE_FAILED
export const RT_SUCCESSOR_LENGTH = 584; // u32: bytes of the path of the snapshot that goes on for this process, 0 for none; written before COMMAND_EXIT
export const RT_SUCCESSOR = 1024; // its UTF-8, SUCCESSOR_MAX bytes at most
export const SUCCESSOR_MAX = 1024;
export const RUNTIME_BLOCK_SIZE = 4096;

// -- a window (RT_BLOCKING_WINDOWS), in RODATA: text offsets
export const WINDOW_START = 0; // u32
export const WINDOW_END = 4; // u32: a pc in [start, end) has not entered the kernel yet
export const WINDOW_EXIT = 8; // u32: where the signal handler moves such a pc: the result is -EINTR
export const WINDOW_SIZE = 12;

export const RUNTIME_MAGIC = 0x53474157; // "WAGS", upper half zero
export const RUNTIME_VERSION = 1;

export const STATE_STARTING = 0;
export const STATE_RUNNING = 1;
export const STATE_STOPPING = 2; // trap text is mapped, the guest runs on to its next safepoint
export const STATE_PARKED = 3;
export const STATE_TRAPPED = 4;

export const EXIT_CAPTURED = 75; // of a process that a capture has ended: EX_TEMPFAIL of sysexits.h, as its work is not done

export const COMMAND_NONE = 0;
export const COMMAND_RESUME = 1;
export const COMMAND_EXIT = 2; // say so and end with EXIT_CAPTURED: the snapshot is durable
export const COMMAND_HOLD = 3; // the sender is a tool that reads: stay parked as long as it lives. Without it the process soon goes on

/** Asked to stop from another pid namespace, the process had no descriptor for a lifeline, and runs on. */
export const LIFELINE_FAILED = 0xffffffff;

export const FLAG_PARK_AT_START = 1; // debugging: map trap text before the guest starts, park without a sender
export const FLAG_DRIVER = 2; // a command of the driver runs: a trap is its answer, not the process's end
export const FLAG_SANDBOX = 4; // the system call filter is in place
export const FLAG_PARK_ON_TRAP = 8; // a trap does not end the process: it stays to be captured

// features of a CPU, as native.cpu_features tells them
export const CPU_AVX = 1; // and the operating system keeps its registers

// what RT_TRAP_AT is
export const AT_NOTHING = 0; // no wasm code was running: a segment did not fit
export const AT_INSTRUCTION = 1; // the one that trapped, or one of the prologue
export const AT_RETURN = 2; // the return address of the call of a stub that found the trap

export const STOP_SIGNAL = 12; // SIGUSR2

// -- instance block
export const INST_MEMORY_BASE = 0; // u64: native address of memory 0
export const INST_MEMORY_RECORD = 8; // u64: pointer to memory 0's record, 0 when there is none
export const INST_INDEX = 16; // u32
export const INST_WASI_MEMORY = 24; // u64: pointer to the record of the memory exported as "memory", of memory 0 when none is; 0 for none
export const INST_HEADER = 64; // what follows is laid out per module: image/instance-layout.ts

// memory record
export const MEM_BASE = 0; // u64: native address
export const MEM_SIZE = 8; // u64: bytes
export const MEM_MAX = 16; // u64: pages that it can grow to, at most
export const MEM_FLAGS = 24; // u64: FLAG_INDEX64
export const MEM_RECORD_SIZE = 32;

// table record
export const TAB_BASE = 0; // u64: native address of the elements, u64 each: a function record's address, an external reference + 1, or 0 for null
export const TAB_LENGTH = 8; // u64: elements
export const TAB_MAX = 16; // u64: elements
export const TAB_TYPE = 24; // u32: value type code
export const TAB_FLAGS = 28; // u32: FLAG_INDEX64
export const TAB_RECORD_SIZE = 32;

/** Of a memory or table: its indexes are i64. */
export const FLAG_INDEX64 = 1;

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

// -- init plan: what start does before the guest runs. u64 words, pointers relocated.
//    [instanceCount] then per instance, host layer first:
//      [instance] [memoryCount {record, minPages}] [tableCount {record, min, initial element}]
//      [elementCount {tableRecord, offset, segmentRecord}]    active ones, in order; dropped afterwards
//      [dataCount {memoryRecord, offset, segmentRecord}]      active ones, in order; dropped afterwards
//      [declaredCount {segmentRecord}]                        declarative element segments: dropped
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

// .wagsnap.locals: a u32 per local: slot | reg << 20 | type << 28. slot counts 8 bytes from sp; reg NO_LOCAL_REG for none
export const NO_LOCAL_REG = 255;
export const TYPE_I32 = 1;
export const TYPE_I64 = 2;
export const TYPE_F32 = 3;
export const TYPE_F64 = 4;
export const TYPE_V128 = 5;
export const TYPE_FUNCREF = 6;
export const TYPE_EXTERNREF = 7;
export const TYPE_EXNREF = 8;

// .wagsnap.sites: 3 u32 each, sorted by text offset
export const SR_TEXT = 0; // text offset of the safepoint; for calls the return address
export const SR_BODY = 4; // byte offset in the function body of the loop, call or other instruction; 0 for entries
export const SR_SHAPE = 8; // word index in .wagsnap.shapes | SITE_* << 30
export const SR_SIZE = 12;

export const SITE_CALL = 0; // trapped at: the call has returned, results are where the shape says; further out: in the call
export const SITE_LOOP = 1; // at the loop header, block parameters on the stack; or in front of a memory.atomic.wait
export const SITE_ENTRY = 2; // before the prologue: frame size 0, parameters are the shape's operands; other locals are zero

// .wagsnap.shapes: [operandCount] [resultCount] operands… results…; each one or three u32:
//   type << 28 | kind << 26 | payload
// A first operand of type 0 is no operand: {index of a shape before this one} {n}, and the first n operands are those of that shape
export const OPERAND_SLOT = 0; // payload: slot
export const OPERAND_CONST = 1; // two u32 follow: low and high word
export const OPERAND_LOCAL = 2; // payload: local index, has the same value
export const OPERAND_REG = 3; // payload: register

// .wagsnap.traps: 2 u32 each, sorted: text offset of the faulting instruction, then body offset | TRAP_* << 27
export const TS_SIZE = 8;

// .wagsnap.pins: where locals with a register are at trap sites. A row holds for its site and those behind it in its function,
// up to the next row; in front of a function's first row all are in their slots. Bit i of a mask is the i-th local with a register
export const TP_TEXT = 0; // u32: text offset of a trap site; the rows are sorted by it
export const TP_REGISTERS = 4; // u32: those that are in their register; all others are in their slot
export const TP_LOST = 8; // u32: those that are in neither any more
export const TP_SIZE = 12;

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

// .wagsnap.names: u32 per function record and one more: where its name starts in the UTF-8 bytes behind them

// .wagsnap.places: u32 per function record: where its body starts in its module, 0 when it has none;
// then a u32 of instances, and names of their modules in the form of .wagsnap.names

// what the builtins of memory.atomic.wait return: its results, or to be called again (behind a safepoint)
export const WAIT_NOT_EQUAL = 1;
export const WAIT_TIMED_OUT = 2;
export const WAIT_AGAIN = 3;

// -- host state (RT_HOST_STATE): what of the host layer goes into a snapshot. Version 1.
export const HS_VERSION = 0; // u32: HOST_STATE_VERSION
export const HS_FD_COUNT = 4; // u32: entries in the table
export const HS_MONOTONIC_OFFSET = 8; // i64: nanoseconds added to CLOCK_MONOTONIC for the guest
export const HS_PENDING_TIMEOUT = 16; // i64: the guest-clock (monotonic) deadline of a sleep that was undone, -1 none
export const HS_LISTINGS = 24; // u64: native address of what listings of directories have delivered (runtime/descriptors/listing.ts); 0 in early images
export const HS_LISTINGS_SIZE = 32; // u64: bytes of it
export const HS_FDS = 64; // FD_* entries, then the path areas at HS_FDS + FD_SIZE * HS_FD_CAPACITY
export const HS_FD_CAPACITY = 1024;
export const HS_PATHS = 65600; // 64 + 64 * 1024: path area of descriptor n at HS_PATHS + n * HS_PATH_SIZE
export const HS_PATH_SIZE = 4096;
export const HS_SIZE = 4259904; // HS_PATHS + 1024 * 4096
export const HOST_STATE_VERSION = 1;

export const FD_KIND = 0; // u32: FDK_*
export const FD_NATIVE = 4; // i32
export const FD_FLAGS = 8; // u32: WASI fdflags
export const FD_OPEN_FLAGS = 12; // u32: Linux-neutral: 1 read, 2 write
export const FD_RIGHTS = 16; // u64
export const FD_RIGHTS_INHERITING = 24; // u64
export const FD_PREOPEN = 32; // u32: guest descriptor of the preopen the path is below
export const FD_PATH_LENGTH = 36; // u32: files and directories: path below the preopen; preopens: the guest's name; listeners: the address
export const FD_HOST_PATH_LENGTH = 40; // u32: preopens: the host path, behind the guest's name in the path area
export const FD_READ_ONLY = 44; // u32: preopens: 1 when given with :ro
export const FD_COOKIE = 48; // u64: directories: read position
export const FD_OFFSET = 56; // u64: files: only in a resume plan: where to seek (a snapshot reads it from fdinfo); directories: offset of a chunk of HS_LISTINGS
export const FD_SIZE = 64;

export const FDK_FREE = 0;
export const FDK_STDIO = 1;
export const FDK_PREOPEN = 2;
export const FDK_FILE = 3;
export const FDK_DIRECTORY = 4;
export const FDK_LISTENER = 5; // its path is the line of WAGSNAP_LISTEN
export const FDK_SOCKET = 6; // a connection
export const FDK_NULL = 7; // end of input, a bit bucket: /dev/null in place of something that restore was told to ignore
export const FDK_GIVEN = 8; // a file that restore was given by its host path, which is its path here

// -- resume plan: how start continues a snapshot. u64 words; pointers are relocated by the base relocations.
export const RP_MEMORIES = 0; // pointer to: count, then {record pointer, size in bytes, extentCount, {memory offset, file offset, bytes}…}
export const RP_TABLES = 8; // pointer to: count, then {record pointer, length, pointer to its u64 elements}
export const RP_STACK = 16; // pointer to the bytes of the guest's stack, lowest address first; ends at RT_STACK_TOP
export const RP_STACK_SIZE = 24; // bytes
export const RP_STACK_RELOCS = 32; // pointer to u32 offsets into the stack bytes of u64 words to add the load address to
export const RP_STACK_RELOC_COUNT = 40;
export const RP_CONTEXT = 48; // pointer to the registers (CTX_*), in DATA; pointers in it are base relocated
export const RP_HOST_STATE = 56; // pointer to an HS_* block cut behind the last path: see RP_HOST_STATE_SIZE
export const RP_HOST_STATE_SIZE = 64;
export const RP_SOURCE_FD = 72; // descriptor the extents are mapped from, or -1 for the image's own file
export const RP_ARGC = 80;
export const RP_ARGV = 88; // pointer to an argv array (relocated, ends with 0), its strings behind it
export const RP_ENVP = 96; // pointer to an envp array
export const RP_MONOTONIC = 104; // i64: the guest's monotonic clock at capture, in nanoseconds: it never steps back
export const RP_PENDING_TIMEOUT = 112; // i64: remaining nanoseconds of a sleep that was undone, -1 none
export const RP_PHASE = 120; // RT_PHASE at capture: start goes on behind it when the guest's stack has returned
export const RP_LISTINGS = 128; // pointer to: count, then {descriptor, names, u64 hash of each name}: what listings of directories have delivered
export const RP_FILES = 136; // pointer to: count, then {file offset, size, descriptors, each descriptor…}: contents of unlinked files
export const RP_SIZE = 144;

// a chunk of HS_LISTINGS
export const LISTING_COUNT = 4; // u32: names
export const LISTING_HEADER = 16; // then a u64 hash of each

// registers to continue with; sp here is an offset below RT_STACK_TOP (a negative number) that start makes absolute
export const CTX_GENERAL = 0; // 32 u64
export const CTX_FLOAT = 256; // 32 of 16 bytes
export const CTX_PC = 768; // u64
export const CTX_SP = 776; // u64: the guest's sp, as an offset from RT_STACK_TOP
export const CTX_SIZE = 784;
