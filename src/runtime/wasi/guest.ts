/**
 * The calling guest's memory: native addresses of what its pointers name.
 *
 * AssemblyScript. WASI pointers are 32-bit offsets into the memory that the caller exports as "memory". Each is
 * checked here, once, before a call has an effect; the memory cannot change its size during a host call. Bytes are then
 * read and written in place, by the kernel too.
 */

import { INST_WASI_MEMORY, MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import { TH_GUEST_INSTANCE } from '../../image/contract/thread';
import { load32_u, load64, load8_u, thread } from '../native/native';
import { EFAULT, EINVAL, ENAMETOOLONG, ENOENT, EPERM } from '../descriptors/abi';
import { touch } from '../process/lazy-pages';
import { aim } from '../process/protect';

/**
 * Native address of the guest's bytes [pointer, pointer + length), or 0 when they are not all in its memory. They are
 * there: the kernel may read and write them.
 */
export function guestRange(pointer: u32, length: u64): i64 {
  const instance = load64(thread() + <i64>TH_GUEST_INSTANCE);
  const record = load64(instance + <i64>INST_WASI_MEMORY);
  if (record == 0) return 0;
  const size = <u64>load64(record + <i64>MEM_SIZE);
  if (length > size || <u64>pointer > size - length) return 0;
  const address = load64(record + <i64>MEM_BASE) + <i64>pointer;
  touch(address, <i64>length);
  return address;
}

// -- vectors

const IOV_MAX: i64 = 1024; // the kernel's limit for one call; a longer vector gives a short count
/** Native iovec structures (address, length: u64 each). */
export const IOVECS: usize = memory.data(16384, 8);
export let iovecCount: i64 = 0;

/**
 * Makes IOVECS of a guest's iovec array, without its empty entries. Returns 0, or EFAULT when the array or a buffer is
 * not in the guest's memory.
 * @param written the kernel will write to them: `aimless` is to be called after it has
 */
export function gatherIovecs(iovecs: u32, count: u32, written: bool): i32 {
  let from = guestRange(iovecs, <u64>count * 8);
  if (from == 0) return EFAULT;
  iovecCount = 0;
  let to = IOVECS;
  for (let i: u32 = 0; i < count && iovecCount < IOV_MAX; i++, from += 8) {
    const length = <u64>(<u32>load32_u(from + 4));
    const buffer = guestRange(load32_u(from), length);
    if (buffer == 0) return EFAULT;
    if (length == 0) continue;
    store<i64>(to, buffer);
    store<u64>(to, length, 8);
    to += 16;
    iovecCount++;
  }
  if (written) aim(IOVECS, iovecCount);
  return 0;
}

// -- paths

export const PATH_MAX: u32 = 4096;
/** Paths of the running call, ended by 0. The second one is path_rename's new path. */
export const PATH: usize = memory.data(4104, 8);
export const PATH_2: usize = memory.data(4104, 8);

/** Whether one of eight bytes is 0: only that, or one above it, borrows into a bit 7 that was clear. */
function hasZero(bytes: i64): bool {
  return ((bytes - 0x0101010101010101) & ~bytes & 0x8080808080808080) != 0;
}

/**
 * Copies a guest's path to `to`. Returns 0, EFAULT, ENAMETOOLONG, EINVAL (a NUL inside), ENOENT (empty) or EPERM: an
 * absolute path leads outside of every directory, as in wasmtime.
 */
export function readPath(to: usize, pointer: u32, length: u32): i32 {
  const from = guestRange(pointer, length);
  if (from == 0) return EFAULT;
  if (length == 0) return ENOENT;
  if (length >= PATH_MAX) return ENAMETOOLONG;
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) {
    const bytes = load64(from + i);
    if (hasZero(bytes)) return EINVAL;
    store<i64>(to + i, bytes);
  }
  for (; i < length; i++) {
    const byte = load8_u(from + i);
    if (byte == 0) return EINVAL;
    store<u8>(to + i, <u8>byte);
  }
  store<u8>(to + length, 0);
  return load<u8>(to) == 0x2f ? EPERM : 0;
}
