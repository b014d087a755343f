/**
 * The runtime block: one per image, at the start of DATA. Start, the host layer, the capture tool and restore share it.
 * Offsets are in bytes from its start. The values of its fields are listed here, too.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- the runtime block: one per image, at DATA
export const RT_MAGIC = 0; // u64: RUNTIME_MAGIC
export const RT_VERSION = 8; // u32: RUNTIME_VERSION
export const RT_COMMAND = 16; // u32: COMMAND_*, written by the capture tool
export const RT_STOP_WANTED = 20; // u32: 1 from the signal until the process continues: host calls must not block
export const RT_STOP_SENDER = 40; // u32: pid of who sent the stop signal
export const RT_FLAGS = 44; // u32: FLAG_*
export const RT_IMAGE_BASE = 48; // u64: load address
export const RT_EXE_FD = 96; // u64: descriptor of the image's own file, -1 when it cannot be opened
export const RT_ARGC = 104; // u64
export const RT_ARGV = 112; // u64: address of the argument pointers
export const RT_ENVP = 120; // u64: address of the environment pointers, 0 ends them
export const RT_HOST_STATE = 128; // u64: native address of the host layer's state (HS_*)
export const RT_AUXV = 152; // u64: address of the auxiliary vector
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
export const RT_EMBEDDER_IMPORTS = 416; // u64: pointer to the table of the embedder's import functions (EI_*), 0 when there are none
export const RT_CALL = 424; // u64: address of the call that runs instead of the program's entry (CALL_*), 0 for none
export const RT_TAKES_CALLS = 432; // u32: 1 in images that know of calls: in earlier ones only the driver makes them
// 440: RT_LAZY (lazy-pages.ts)
// exceptions: all 0 in an image without tags
export const RT_EXCEPTION_TABLES = 448; // u64: pointer to the exception tables (XT_*)
export const RT_EXCEPTIONS = 456; // u64: address of the exceptions that were made; 16-aligned EXN_* objects among others
export const RT_EXCEPTIONS_END = 464; // u64: after the last that ever was
export const RT_RESTORED_EXCEPTIONS = 472; // u64: pointer to the exceptions of the snapshot, which are never freed
export const RT_RESTORED_EXCEPTIONS_SIZE = 480; // u64: bytes
export const RT_PLACES_FILE = 512; // like RT_NAMES_FILE: where the guests' code is in their modules (image/tables/places.ts)
// a process that has trapped and stays (FLAG_PARK_ON_TRAP)
export const RT_CPU_NEEDS = 576; // u32: CPU_*, what the code was compiled for beyond the least CPU of its kind
export const RT_LIFELINE = 580; // u32: descriptor of the lifeline's pipe (process/lifeline.ts), 0 for none, LIFELINE_FAILED
export const RT_SUCCESSOR_LENGTH = 584; // u32: bytes of the path of the snapshot that continues for this process, 0 for none; written before COMMAND_EXIT
// in an image that continues a snapshot: the workload's name (image/workload-name.ts), which WAGSNAP_NAME overrides
export const RT_NAME_LENGTH = 588; // u32: bytes, 0 for no name
export const RT_NAME = 592; // its ASCII, ended by 0; NAME_MAX bytes at most
export const NAME_MAX = 63;
// of a kept process (FLAG_KEPT): the tool that moves it, which alone decides as long as it runs. Only tools read and write it
export const RT_MOVER = 688; // u32: its pid, 0 for none
export const RT_MOVER_START = 696; // u64: when it has started, in ticks after boot: a pid may be used again
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
export const COMMAND_HOLD = 3; // the sender is a tool that reads: stay parked as long as it lives. Without it the process soon continues
export const COMMAND_KEEP = 4; // the workload is being moved: stay parked, whoever dies, until a later command. FLAG_KEPT answers it

/** Asked to stop from another pid namespace, the process had no free descriptor for a lifeline, and continues. */
export const LIFELINE_FAILED = 0xffffffff;

export const FLAG_PARK_AT_START = 1; // debugging: map trap text before the guest starts, park without a sender
export const FLAG_DRIVER = 2; // a command of the driver, or a call (RT_CALL), runs: a trap is its answer, not the process's end
export const FLAG_SANDBOX = 4; // the system call filter is in place
export const FLAG_PARK_ON_TRAP = 8; // a trap does not end the process: it stays to be captured
export const FLAG_KEPT = 16; // parked by COMMAND_KEEP: another process may continue this computation, or may not

// features of a CPU, as native.cpu_features tells them
export const CPU_AVX = 1; // and the operating system keeps its registers

export const STOP_SIGNAL = 12; // SIGUSR2
