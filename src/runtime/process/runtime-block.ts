/**
 * Reads and writes the runtime block (image/contract/runtime-block.ts RT_*). Has the few Linux numbers that are the
 * same on every CPU.
 *
 * AssemblyScript. Touches no linear memory: boot uses it before there is any.
 */

import { RT_IMAGE_BASE } from '../../image/contract/runtime-block';
import { load32_u, load64, runtime, store32, store64, syscall } from '../native/native';
import { SYS_exit_group } from '../native/target';

export const PROT_NONE: i64 = 0;
export const PROT_READ: i64 = 1;
export const PROT_READ_WRITE: i64 = 3;
export const PROT_READ_EXEC: i64 = 5;
export const MAP_PRIVATE: i64 = 2;
export const MAP_FIXED: i64 = 0x10;
export const MAP_ANONYMOUS: i64 = 0x20;
export const MAP_NORESERVE: i64 = 0x4000;

export const EINTR: i64 = -4;
export const EAGAIN: i64 = -11;
export const ENOMEM: i64 = -12;
export const ENOSYS: i64 = -38;
export const ESRCH: i64 = -3;

/** A u64 word of the runtime block. */
export function word(offset: i32): i64 {
  return load64(runtime() + offset);
}

export function setWord(offset: i32, value: i64): void {
  store64(runtime() + offset, value);
}

/** A u32 of the runtime block. */
export function half(offset: i32): i32 {
  return load32_u(runtime() + offset);
}

export function setHalf(offset: i32, value: i32): void {
  store32(runtime() + offset, value);
}

/** Where the image is loaded: what an image offset counts from. */
export function imageBase(): i64 {
  return word(RT_IMAGE_BASE);
}

/** Whether a system call's result is -errno. */
export function failed(result: i64): bool {
  return <u64>result > <u64>-4096;
}

export function exit(code: i32): void {
  syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}
