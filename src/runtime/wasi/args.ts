/**
 * args_* and environ_*: the program's arguments and environment.
 *
 * AssemblyScript. Both are arrays of pointers to bytes that end in 0, the kernel's at first start, the resume plan's
 * later (RT_ARGV, RT_ENVP). Variables that start with WAGSNAP_ configure the image and are not the guest's.
 */

import { RT_ARGC, RT_ARGV, RT_ENVP } from '../../image/contract/runtime-block';
import { copy, load64, load8_u, runtime, store32 } from '../native/native';
import { EFAULT, EOVERFLOW, ESUCCESS } from '../descriptors/abi';
import { guestRange } from './guest';

/** "WAGSNAP_" as a little-endian number. */
const PREFIX: i64 = 0x5f50414e53474157;

export function isOurs(variable: i64): bool {
  for (let i = 0; i < 8; i++) if (load8_u(variable + i) != <i32>((PREFIX >> (i * 8)) & 255)) return false;
  return true;
}

/** Bytes of the string at a native address, with its final 0. */
export function bytesOf(text: i64): i64 {
  let end = text;
  while (load8_u(end) != 0) end++;
  return end - text + 1;
}

function argv(): i64 {
  return load64(runtime() + <i64>RT_ARGV);
}

function envp(): i64 {
  return load64(runtime() + <i64>RT_ENVP);
}

/** Whether the list's element is the guest's. */
function isWanted(text: i64, environment: bool): bool {
  return !environment || !isOurs(text);
}

/** Number of strings, then their bytes with the final zeros: in `count` and `size`. */
let count: i64 = 0;
let size: i64 = 0;

function measure(list: i64, environment: bool): void {
  count = 0;
  size = 0;
  const last = load64(runtime() + <i64>RT_ARGC);
  for (let i: i64 = 0; environment || i < last; i++) {
    const text = load64(list + i * 8);
    if (text == 0) break;
    if (!isWanted(text, environment)) continue;
    count++;
    size += bytesOf(text);
  }
}

function sizesGet(list: i64, environment: bool, countOut: u32, sizeOut: u32): i32 {
  const countTo = guestRange(countOut, 4);
  const sizeTo = guestRange(sizeOut, 4);
  if (countTo == 0 || sizeTo == 0) return EFAULT;
  measure(list, environment);
  if (size > 0xffffffff) return EOVERFLOW;
  store32(countTo, <i32>count);
  store32(sizeTo, <i32>size);
  return ESUCCESS;
}

function listGet(list: i64, environment: bool, pointers: u32, bytes: u32): i32 {
  measure(list, environment);
  let pointer = guestRange(pointers, count * 4);
  let to = guestRange(bytes, size);
  if (pointer == 0 || to == 0) return EFAULT;
  let offset = bytes;
  for (let left = count, at = list; left > 0; at += 8) {
    const text = load64(at);
    if (!isWanted(text, environment)) continue;
    const length = bytesOf(text);
    copy(to, text, length);
    store32(pointer, offset);
    pointer += 4;
    to += length;
    offset += <u32>length;
    left--;
  }
  return ESUCCESS;
}

export function args_sizes_get(countOut: u32, sizeOut: u32): i32 {
  return sizesGet(argv(), false, countOut, sizeOut);
}

export function args_get(pointers: u32, bytes: u32): i32 {
  return listGet(argv(), false, pointers, bytes);
}

export function environ_sizes_get(countOut: u32, sizeOut: u32): i32 {
  return sizesGet(envp(), true, countOut, sizeOut);
}

export function environ_get(pointers: u32, bytes: u32): i32 {
  return listGet(envp(), true, pointers, bytes);
}
