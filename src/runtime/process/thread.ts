/**
 * Reading and writing the record of the thread that runs (image/contract/thread.ts TH_*).
 *
 * AssemblyScript. Touches no linear memory: boot uses it before there is any.
 */

import { load32_u, load64, store32, store64, thread } from '../native/native';

/** A u64 word of it. */
export function threadWord(offset: i32): i64 {
  return load64(thread() + offset);
}

export function setThreadWord(offset: i32, value: i64): void {
  store64(thread() + offset, value);
}

/** A u32 of it. */
export function threadHalf(offset: i32): i32 {
  return load32_u(thread() + offset);
}

export function setThreadHalf(offset: i32, value: i32): void {
  store32(thread() + offset, value);
}
