/**
 * The host state: the part of the host layer's state that goes into a snapshot. Descriptors and their paths. Offsets in
 * bytes.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- host state (RT_HOST_STATE). Version 1.
export const HS_VERSION = 0; // u32: HOST_STATE_VERSION
export const HS_FD_COUNT = 4; // u32: entries in the table
export const HS_MONOTONIC_OFFSET = 8; // i64: nanoseconds added to CLOCK_MONOTONIC for the guest
export const HS_PENDING_TIMEOUT = 16; // i64: the guest-clock (monotonic) deadline of a sleep that was undone, -1 none
export const HS_LISTINGS = 24; // u64: native address of what listings of directories have delivered (runtime/descriptors/listing.ts); 0 in early images
export const HS_LISTINGS_SIZE = 32; // u64: bytes of it
export const HS_CALL = 40; // u64: number of the last call of an import function of the embedder, 0 before the first; CALL_PENDING while it has no answer
// 16 bytes: identifies the program to the embedder across restores; zeros before the embedder has set it
export const HS_SESSION = 48;
export const HS_FDS = 64; // FD_* entries, then the path areas at HS_FDS + FD_SIZE * HS_FD_CAPACITY
export const HS_FD_CAPACITY = 1024;
export const HS_PATHS = 65600; // 64 + 64 * 1024: path area of descriptor n at HS_PATHS + n * HS_PATH_SIZE
export const HS_PATH_SIZE = 4096;
export const HS_SIZE = 4259904; // HS_PATHS + 1024 * 4096
export const HOST_STATE_VERSION = 1;

/** The highest bit of the upper half of HS_CALL. */
export const CALL_PENDING_HIGH = 0x80000000;

export const FD_KIND = 0; // u32: FDK_*
export const FD_NATIVE = 4; // i32
export const FD_FLAGS = 8; // u32: WASI fdflags
export const FD_OPEN_FLAGS = 12; // u32: Linux-neutral: 1 read, 2 write
export const FD_RIGHTS = 16; // u64
export const FD_RIGHTS_INHERITING = 24; // u64
export const FD_PREOPEN = 32; // u32: guest descriptor of the preopen the path is below
export const FD_PATH_LENGTH = 36; // u32: files and directories: path below the preopen; preopens: the guest's name; listeners: the address
export const FD_HOST_PATH_LENGTH = 40; // u32: preopens: the host path, after the guest's name in the path area
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

// a chunk of HS_LISTINGS
export const LISTING_COUNT = 4; // u32: names
export const LISTING_HEADER = 16; // then a u64 hash of each
