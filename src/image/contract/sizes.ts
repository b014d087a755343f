/**
 * Sizes and limits of what a process reserves, in bytes unless a name says pages or elements.
 *
 * README.md of this folder says what holds for all of its files.
 */

// -- sizes
export const WASM_PAGE = 65536;
export const SEGMENT_ALIGN = 65536; // of DATA, TEXT, RODATA and trap text: the largest page size of any kernel
export const MEMORY_RESERVATION = 8590983168; // 8 GiB and 1 MiB: room after offset 2^32 - 1 plus a 32-bit index plus the widest access
export const MEMORY32_PAGES = 65536; // of a memory with 32-bit addresses, at most
export const MEMORY64_PAGES = 1048576; // reserved per memory with 64-bit addresses at most: 64 GiB
export const MEMORY64_GUARD = 4296015872; // 4 GiB and 1 MiB after it: room for an offset below 2^32 and the widest access
export const STACK_GUARD = 65536 * 2;
export const STACK_SIZE = 67108864; // the guest's stack, reserved; pages come as they are touched
export const STACK_MIN = 65536; // what --max-stack may make of it
export const STACK_MAX = 268435456;
export const TABLE_MAX = 16777216; // elements reserved per table at most
