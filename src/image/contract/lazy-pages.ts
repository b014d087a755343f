/**
 * Lazy pages: a restored process that runs before all of its memory is there (WAGSNAP_LAZY=n). It asks whoever has
 * started it for what it needs, on the socket n, and finds on descriptor n + 1 the list of what has arrived.
 *
 *     process                                 who has started it
 *     LAZY_REQUEST_SIZE bytes: a unit's number -->
 *                                           <-- a byte, once that unit is there
 *
 * A unit has 64 KiB of the snapshot's file, by its offset. Its contents are in the file before its bit is set.
 * README.md of this folder says what holds for all of its files.
 */

/** In the runtime block, u64: address of the list (LZ_*); 0 when all of the memory is there. */
export const RT_LAZY = 440;

// -- the list: a file that the process maps shared and read-only
export const LZ_MAGIC = 0; // u64: LAZY_MAGIC
export const LZ_UNITS = 8; // u64: how many bits there are, a multiple of 64
export const LZ_SOURCE_LENGTH = 16; // u64: bytes of the name of what has the missing pages
export const LZ_SOURCE = 24; // its UTF-8, LAZY_SOURCE_MAX bytes at most
export const LAZY_SOURCE_MAX = 1024;
export const LZ_BITS = 4096; // u64 words: bit n is set once unit n is there

export const LAZY_MAGIC = 0x53454741504c; // "LPAGES"
export const LAZY_UNIT_SHIFT = 16;
export const LAZY_UNIT = 65536;
export const LAZY_REQUEST_SIZE = 4;
