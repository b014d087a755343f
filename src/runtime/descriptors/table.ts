/**
 * The table of the guest's descriptors: what each entry is.
 *
 * AssemblyScript. The table is host state of a snapshot: its layout is ../../image/contract/host-state (HS_*, FD_*),
 * and nothing but what is in it is needed to open everything again elsewhere. Entries are named by their address in the
 * host layer's memory.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_FREE,
  FDK_PREOPEN,
  FD_COOKIE,
  FD_FLAGS,
  FD_HOST_PATH_LENGTH,
  FD_KIND,
  FD_NATIVE,
  FD_OFFSET,
  FD_OPEN_FLAGS,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  FD_READ_ONLY,
  FD_RIGHTS,
  FD_RIGHTS_INHERITING,
  FD_SIZE,
  HS_FDS,
  HS_FD_CAPACITY,
  HS_FD_COUNT,
  HS_PATHS,
  HS_PATH_SIZE,
  HS_SIZE,
} from '../../image/contract/host-state';
import { copy } from '../native/native';
import { native } from './linux';

/** The HS_* block; RT_HOST_STATE is its native address. */
export const STATE: usize = memory.data(HS_SIZE, 4096);
const FDS: usize = STATE + HS_FDS;
export const CAPACITY: u32 = HS_FD_CAPACITY;

export function entryAt(index: u32): usize {
  return FDS + <usize>index * FD_SIZE;
}

export function indexOf(entry: usize): u32 {
  return <u32>((entry - FDS) / FD_SIZE);
}

/** The path area of an entry. */
export function pathOf(entry: usize): usize {
  return STATE + HS_PATHS + <usize>indexOf(entry) * HS_PATH_SIZE;
}

export function pathLength(entry: usize): u32 {
  return load<u32>(entry, FD_PATH_LENGTH);
}

export function kindOf(entry: usize): u32 {
  return load<u32>(entry, FD_KIND);
}

export function nativeOf(entry: usize): i64 {
  return <i64>load<i32>(entry, FD_NATIVE);
}

export function rightsOf(entry: usize): u64 {
  return load<u64>(entry, FD_RIGHTS);
}

export function isDirectory(entry: usize): bool {
  const kind = kindOf(entry);
  return kind == FDK_PREOPEN || kind == FDK_DIRECTORY;
}

export function isRetired(entry: usize): bool {
  return (
    kindOf(entry) == FDK_PREOPEN && load<u64>(entry, FD_RIGHTS) == 0 && load<u64>(entry, FD_RIGHTS_INHERITING) == 0
  );
}

/** The preopen that a directory or file is below; itself for a preopen. */
export function preopenOf(entry: usize): usize {
  return kindOf(entry) == FDK_PREOPEN ? entry : entryAt(load<u32>(entry, FD_PREOPEN));
}

export function isReadOnly(directory: usize): bool {
  return load<u32>(preopenOf(directory), FD_READ_ONLY) != 0;
}

/** The lowest free entry at or above an index, or 0 when the table is full. */
export function freeEntry(from: u32 = 0): usize {
  for (let i = from; i < CAPACITY; i++) if (kindOf(entryAt(i)) == FDK_FREE) return entryAt(i);
  return 0;
}

/** Fills an entry. Its path area is the caller's business. */
export function setEntry(entry: usize, kind: u32, nativeDescriptor: i64, rights: u64, inheriting: u64): void {
  clearEntry(entry);
  store<u32>(entry, kind, FD_KIND);
  store<i32>(entry, <i32>nativeDescriptor, FD_NATIVE);
  store<u64>(entry, rights, FD_RIGHTS);
  store<u64>(entry, inheriting, FD_RIGHTS_INHERITING);
  coverEntry(entry);
}

/** Word by word: an instruction that fills takes longer for so few. */
function clearEntry(entry: usize): void {
  for (let at = entry; at < entry + FD_SIZE; at += 32) {
    store<u64>(at, 0);
    store<u64>(at, 0, 8);
    store<u64>(at, 0, 16);
    store<u64>(at, 0, 24);
  }
}

function coverEntry(entry: usize): void {
  store<u32>(STATE, max(load<u32>(STATE, HS_FD_COUNT), indexOf(entry) + 1), HS_FD_COUNT);
}

/** Makes an entry free. */
export function freeSlot(entry: usize): void {
  clearEntry(entry);
  let count = load<u32>(STATE, HS_FD_COUNT);
  while (count > 0 && kindOf(entryAt(count - 1)) == FDK_FREE) count--;
  store<u32>(STATE, count, HS_FD_COUNT);
}

/** Whether a file or directory is below the preopen. */
export function isReferred(preopen: usize): bool {
  const index = indexOf(preopen);
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const kind = kindOf(entryAt(i));
    if ((kind == FDK_FILE || kind == FDK_DIRECTORY) && load<u32>(entryAt(i), FD_PREOPEN) == index) return true;
  }
  return false;
}

/** Moves an entry to a free one, with its path; what is below it follows. */
export function moveEntry(from: usize, to: usize): void {
  copy(native(to), native(from), FD_SIZE);
  coverEntry(to);
  copy(native(pathOf(to)), native(pathOf(from)), pathLength(from) + load<u32>(from, FD_HOST_PATH_LENGTH));
  const count = load<u32>(STATE, HS_FD_COUNT);
  if (kindOf(from) == FDK_PREOPEN) {
    for (let i: u32 = 0; i < count; i++) {
      const entry = entryAt(i);
      const kind = kindOf(entry);
      if ((kind == FDK_FILE || kind == FDK_DIRECTORY) && load<u32>(entry, FD_PREOPEN) == indexOf(from)) {
        store<u32>(entry, indexOf(to), FD_PREOPEN);
      }
    }
  }
  freeSlot(from);
}

export function cookieOf(entry: usize): u64 {
  return load<u64>(entry, FD_COOKIE);
}

export function setCookie(entry: usize, cookie: u64): void {
  store<u64>(entry, cookie, FD_COOKIE);
}

export function offsetOf(entry: usize): i64 {
  return load<i64>(entry, FD_OFFSET);
}

export function flagsOf(entry: usize): i32 {
  return load<i32>(entry, FD_FLAGS);
}

export function setFlags(entry: usize, flags: i32): void {
  store<i32>(entry, flags, FD_FLAGS);
}

/** 1 for reading, 2 for writing. */
export function accessOf(entry: usize): i32 {
  return load<i32>(entry, FD_OPEN_FLAGS);
}

export function setAccess(entry: usize, access: i32): void {
  store<i32>(entry, access, FD_OPEN_FLAGS);
}
