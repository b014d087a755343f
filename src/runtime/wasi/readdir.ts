/**
 * fd_readdir.
 *
 * AssemblyScript. Cookies are ordinals, not the kernel's positions: those mean something to one file system only, and a
 * guest may hold one over a snapshot. Entry 0 is ".", entry 1 "..", made here (file systems differ in where they list
 * them); cookie n names the entry that was or will be delivered as the n-th. FD_COOKIE says which entry the native
 * descriptor stands before, so that reading on costs nothing. With another cookie, reading starts again and passes over
 * the names that were delivered before it (listing.ts). So an entry that exists all the time is neither skipped nor
 * repeated when others are added or removed, also on another file system.
 */

import { copy, store32 } from '../native/native';
import { SYS_getdents64, SYS_lseek } from '../native/target';
import {
  DIRENT_INO,
  DIRENT_NAMLEN,
  DIRENT_NEXT,
  DIRENT_SIZE,
  DIRENT_TYPE,
  EFAULT,
  ESUCCESS,
  FILETYPE_DIRECTORY,
  RIGHT_FD_READDIR,
} from '../descriptors/abi';
import { lookupDirectory, lookupError } from '../descriptors/lookup';
import { cookieOf, nativeOf, setCookie } from '../descriptors/table';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import { STAT, STATX_INO, call, native, statDescriptor } from '../descriptors/linux';
import { deliver, delivered, dropListing, hashName, isPassedOver, passOver } from '../descriptors/listing';

/** struct linux_dirent64 */
const D_INO: usize = 0; // u64
const D_OFF: usize = 8; // i64: the kernel's position after the entry
const D_RECLEN: usize = 16; // u16
const D_TYPE: usize = 18; // u8
const D_NAME: usize = 19;

const SEEK_CUR: i64 = 1;
const BUFFER_SIZE: i64 = 32768;
const BUFFER: usize = memory.data(32768, 8);
const DIRENT: usize = memory.data(24, 8);
const DOTS: usize = memory.data<u8>([0x2e, 0x2e]);
/** WASI's file type by DT_*: FIFO 1, CHR 2, DIR 4, BLK 6, REG 8, LNK 10, SOCK 12. */
const TYPES: usize = memory.data<u8>([0, 0, 2, 0, 3, 0, 1, 0, 4, 0, 7, 0, 6, 0, 0, 0]);

let to: i64 = 0; // where the next byte goes
let left: i64 = 0; // how many there are

/** Appends as much of an entry as there is place for. Whether all of it was. */
function put(next: u64, ino: i64, type: i32, name: usize, length: usize): bool {
  store<u64>(DIRENT, next, DIRENT_NEXT);
  store<i64>(DIRENT, ino, DIRENT_INO);
  store<u32>(DIRENT, length, DIRENT_NAMLEN);
  store<u32>(DIRENT, type, DIRENT_TYPE);
  return putBytes(DIRENT, DIRENT_SIZE) && putBytes(name, length);
}

function putBytes(from: usize, length: i64): bool {
  const bytes = min(length, left);
  copy(to, native(from), bytes);
  to += bytes;
  left -= bytes;
  return bytes == length;
}

function nameLength(name: usize): usize {
  let end = name;
  while (load<u8>(end) != 0) end++;
  return end - name;
}

function isDots(name: usize): bool {
  if (load<u8>(name) != 0x2e) return false;
  return load<u8>(name, 1) == 0 || (load<u8>(name, 1) == 0x2e && load<u8>(name, 2) == 0);
}

/**
 * Fills the buffer with entries from the cookie on; the last one is cut off when the buffer is full. A buffer that is
 * not full means the end.
 */
export function fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64, usedOut: u32): i32 {
  const entry = lookupDirectory(fd, RIGHT_FD_READDIR);
  if (entry == 0) return lookupError;
  to = guestRange(buffer, length);
  const usedTo = guestRange(usedOut, 4);
  if (to == 0 || usedTo == 0) return EFAULT;
  left = length;
  const result = list(entry, cookie);
  if (result < 0) return errnoOf(result);
  store32(usedTo, <i32>(<i64>length - left));
  return ESUCCESS;
}

/** Returns 0 or -errno. */
function list(entry: usize, cookie: u64): i64 {
  const directory = nativeOf(entry);
  if (cookie < 2) {
    const failure = statDescriptor(directory);
    if (failure < 0) return failure;
    const ino = load<i64>(STAT, STATX_INO);
    // "..": the same number, what is above is not the guest's business
    if (cookie == 0 && !put(1, ino, FILETYPE_DIRECTORY, DOTS, 1)) return 0;
    if (!put(2, ino, FILETYPE_DIRECTORY, DOTS, 2)) return 0;
    cookie = 2;
  }
  let position = cookieOf(entry);
  if (cookie == 2 || cookie != position) {
    const start = call(SYS_lseek, directory, 0, 0);
    if (start < 0) return start;
    position = seek(entry, cookie);
  }
  while (left > 0) {
    // the kernel's position after the last entry that the guest has got
    let consumed = call(SYS_lseek, directory, 0, SEEK_CUR);
    const bytes = call(SYS_getdents64, directory, native(BUFFER), BUFFER_SIZE);
    if (bytes < 0) return bytes;
    let isFull = false;
    for (let at = BUFFER; at < BUFFER + <usize>bytes; at += load<u16>(at, D_RECLEN)) {
      const name = at + D_NAME;
      if (!isDots(name)) {
        const length = nameLength(name);
        const hash = hashName(name, length);
        if (!isPassedOver(entry, hash)) {
          if (position >= cookie) {
            const type = <i32>load<u8>(TYPES + (load<u8>(at, D_TYPE) & 15));
            if (!put(position + 1, load<i64>(at, D_INO), type, name, length)) {
              isFull = true;
              break;
            }
          }
          deliver(entry, hash);
          position++;
        }
      }
      consumed = load<i64>(at, D_OFF);
    }
    if (isFull) call(SYS_lseek, directory, consumed, 0);
    setCookie(entry, position);
    if (isFull || bytes == 0) return 0;
  }
  return 0;
}

/**
 * For a cookie at which the native descriptor, now at its start, does not stand: the entries before it are passed over
 * by their names. Where those are not known (a cookie that was never given, a snapshot of an early version), as many
 * entries are passed over. Returns the position that the native descriptor stands at.
 */
function seek(entry: usize, cookie: u64): u64 {
  const known = delivered(entry);
  if (known >= 0 && <i64>cookie - 2 <= known && passOver(entry, <usize>cookie - 2)) {
    setCookie(entry, cookie);
    return cookie;
  }
  dropListing(entry);
  setCookie(entry, 2);
  return 2;
}
