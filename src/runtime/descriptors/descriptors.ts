/**
 * The table of the guest's descriptors: what each is, and who may do what with it.
 *
 * AssemblyScript. The table is host state of a snapshot: its layout is ../layout (HS_*, FD_*), and nothing but what is
 * in it is needed to open everything again elsewhere. Entries are named by their address in the host layer's memory.
 *
 * Rights: a file keeps those of reading and writing that it was opened with; the ones that do no harm are always
 * there, as in wasmtime, whose programs do not ask for them. Missing the right to read or write is EBADF (as POSIX has
 * it), missing another one ENOTCAPABLE.
 *
 * A file that was opened for reading alone may turn out to be a directory. It is asked when something depends on that
 * (RIGHT_UNKNOWN): a program that opens, reads and closes never pays for the answer. A parked process has no such
 * descriptors.
 *
 * A preopen that is closed while files below it are open stays, without rights (retired): a snapshot still needs its
 * path. Its number is free again when the last of them is closed.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_FREE,
  FDK_PREOPEN,
  FDK_STDIO,
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
import { SYS_dup3, SYS_fcntl, SYS_openat } from '../native/target';
import {
  EBADF,
  ENOTCAPABLE,
  ENOTDIR,
  EROFS,
  RIGHT_FD_ADVISE,
  RIGHT_FD_ALLOCATE,
  RIGHT_FD_DATASYNC,
  RIGHT_FD_FDSTAT_SET_FLAGS,
  RIGHT_FD_FILESTAT_GET,
  RIGHT_FD_FILESTAT_SET_SIZE,
  RIGHT_FD_FILESTAT_SET_TIMES,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_SEEK,
  RIGHT_FD_SYNC,
  RIGHT_FD_TELL,
  RIGHT_FD_WRITE,
  RIGHT_PATH_CREATE_DIRECTORY,
  RIGHT_PATH_CREATE_FILE,
  RIGHT_PATH_FILESTAT_GET,
  RIGHT_PATH_FILESTAT_SET_SIZE,
  RIGHT_PATH_FILESTAT_SET_TIMES,
  RIGHT_PATH_LINK_SOURCE,
  RIGHT_PATH_LINK_TARGET,
  RIGHT_PATH_OPEN,
  RIGHT_PATH_READLINK,
  RIGHT_PATH_REMOVE_DIRECTORY,
  RIGHT_PATH_RENAME_SOURCE,
  RIGHT_PATH_RENAME_TARGET,
  RIGHT_PATH_SYMLINK,
  RIGHT_PATH_UNLINK_FILE,
  RIGHT_POLL_FD_READWRITE,
} from './abi';
import { AT_FDCWD, O_CLOEXEC, O_RDWR, S_IFDIR, call, closeNative, native, statDescriptor, statMode } from './linux';
import { dropListing } from './listing';

/** The HS_* block; RT_HOST_STATE is its native address. */
export const STATE: usize = memory.data(HS_SIZE, 4096);
const FDS: usize = STATE + HS_FDS;
const CAPACITY: u32 = HS_FD_CAPACITY;

const ACCESS_RIGHTS: u64 = RIGHT_FD_READ | RIGHT_FD_WRITE;
/** What a file always has. */
export const FILE_RIGHTS: u64 =
  RIGHT_FD_SEEK |
  RIGHT_FD_TELL |
  RIGHT_FD_FDSTAT_SET_FLAGS |
  RIGHT_FD_SYNC |
  RIGHT_FD_DATASYNC |
  RIGHT_FD_ADVISE |
  RIGHT_FD_FILESTAT_GET |
  RIGHT_POLL_FD_READWRITE;
/** None of WASI's, and not shown: an open preopen that has given away all of its rights is not a retired one. */
export const RIGHT_KEPT: u64 = 1 << 62;
/**
 * Neither: of a descriptor that may be a directory. Its entry is a file's; FD_RIGHTS_INHERITING and, in FD_COOKIE,
 * FD_RIGHTS are a directory's.
 */
const RIGHT_UNKNOWN: u64 = 1 << 61;
/** What comes with FD_WRITE. */
export const FILE_WRITE_RIGHTS: u64 =
  RIGHT_FD_WRITE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES;
/** What a directory has below which nothing may change. */
export const DIRECTORY_READ_RIGHTS: u64 =
  RIGHT_PATH_OPEN | RIGHT_FD_READDIR | RIGHT_PATH_READLINK | RIGHT_PATH_FILESTAT_GET | RIGHT_FD_FILESTAT_GET;
export const DIRECTORY_RIGHTS: u64 =
  DIRECTORY_READ_RIGHTS |
  RIGHT_PATH_CREATE_DIRECTORY |
  RIGHT_PATH_CREATE_FILE |
  RIGHT_PATH_LINK_SOURCE |
  RIGHT_PATH_LINK_TARGET |
  RIGHT_PATH_RENAME_SOURCE |
  RIGHT_PATH_RENAME_TARGET |
  RIGHT_PATH_FILESTAT_SET_SIZE |
  RIGHT_PATH_FILESTAT_SET_TIMES |
  RIGHT_FD_FILESTAT_SET_TIMES |
  RIGHT_PATH_SYMLINK |
  RIGHT_PATH_REMOVE_DIRECTORY |
  RIGHT_PATH_UNLINK_FILE;
/** What may be passed on below a directory. */
export const INHERITED_RIGHTS: u64 = DIRECTORY_RIGHTS | FILE_RIGHTS | FILE_WRITE_RIGHTS | RIGHT_FD_READ;

/** Why the last lookup returned 0. */
export let lookupError: i32 = 0;

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

function fail(error: i32): usize {
  lookupError = error;
  return 0;
}

/** Makes a file of an entry that `asRights` are for if it is a directory. See RIGHT_UNKNOWN. */
export function leaveUnknown(entry: usize, asRights: u64, asInheriting: u64): void {
  store<u64>(entry, rightsOf(entry) | RIGHT_UNKNOWN, FD_RIGHTS);
  store<u64>(entry, asInheriting, FD_RIGHTS_INHERITING);
  store<u64>(entry, asRights, FD_COOKIE);
}

/** Asks the kernel what an entry is, if that is unknown. */
function settle(entry: usize): void {
  const rights = rightsOf(entry);
  if (statDescriptor(nativeOf(entry)) >= 0 && statMode() == S_IFDIR) {
    store<u32>(entry, FDK_DIRECTORY, FD_KIND);
    store<u64>(entry, load<u64>(entry, FD_COOKIE), FD_RIGHTS);
    setFlags(entry, 0);
  } else {
    store<u64>(entry, rights & ~RIGHT_UNKNOWN, FD_RIGHTS);
    store<u64>(entry, 0, FD_RIGHTS_INHERITING);
  }
  store<u64>(entry, 0, FD_COOKIE);
}

/** Leaves nothing unknown, for a snapshot. No host call may be running. */
export function settleAll(): void {
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) if ((rightsOf(entryAt(i)) & RIGHT_UNKNOWN) != 0) settle(entryAt(i));
}

/** Takes the marks off that this process has not made: the table is a snapshot's. */
export function clearUnknown(): void {
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) store<u64>(entryAt(i), rightsOf(entryAt(i)) & ~RIGHT_UNKNOWN, FD_RIGHTS);
}

/** The entry of an open descriptor, whatever it is, or 0 and EBADF in lookupError. */
export function lookupOpen(descriptor: u32): usize {
  if (descriptor >= CAPACITY) return fail(EBADF);
  const entry = entryAt(descriptor);
  if (kindOf(entry) == FDK_FREE || (rightsOf(entry) == 0 && isRetired(entry))) return fail(EBADF);
  return entry;
}

/** The entry itself when it has all these rights, or 0 and the errno in lookupError. */
export function allowed(entry: usize, rights: u64): usize {
  const missing = rights & ~rightsOf(entry);
  if (missing != 0) return fail(missing & ACCESS_RIGHTS ? EBADF : ENOTCAPABLE);
  return entry;
}

/** The entry of a guest's descriptor when it has all these rights, or 0 and the errno in lookupError. */
export function lookup(descriptor: u32, rights: u64): usize {
  const entry = lookupOpen(descriptor);
  if (entry == 0) return 0;
  if ((rightsOf(entry) & RIGHT_UNKNOWN) != 0) settle(entry);
  return allowed(entry, rights);
}

/** The same for calls that a directory is the wrong thing for: EBADF, as in wasmtime. */
export function lookupFile(descriptor: u32, rights: u64): usize {
  const entry = lookup(descriptor, 0);
  if (entry == 0) return 0;
  if (isDirectory(entry)) return fail(EBADF);
  return allowed(entry, rights);
}

/** The same for what paths are relative to: ENOTDIR for files. */
export function lookupDirectory(descriptor: u32, rights: u64): usize {
  const entry = lookup(descriptor, 0);
  if (entry == 0) return 0;
  if (!isDirectory(entry)) return fail(ENOTDIR);
  return allowed(entry, rights);
}

/** The same for calls that change something below the directory: EROFS below a read-only preopen. */
export function lookupWritable(descriptor: u32, rights: u64): usize {
  const entry = lookupDirectory(descriptor, 0);
  if (entry == 0) return 0;
  if (isReadOnly(entry)) return fail(EROFS);
  return allowed(entry, rights);
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

function freeSlot(entry: usize): void {
  clearEntry(entry);
  let count = load<u32>(STATE, HS_FD_COUNT);
  while (count > 0 && kindOf(entryAt(count - 1)) == FDK_FREE) count--;
  store<u32>(STATE, count, HS_FD_COUNT);
}

/** Whether a file or directory is below the preopen. */
function isReferred(preopen: usize): bool {
  const index = indexOf(preopen);
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const kind = kindOf(entryAt(i));
    if ((kind == FDK_FILE || kind == FDK_DIRECTORY) && load<u32>(entryAt(i), FD_PREOPEN) == index) return true;
  }
  return false;
}

const DEV_NULL: usize = memory.data<u8>([0x2f, 0x64, 0x65, 0x76, 0x2f, 0x6e, 0x75, 0x6c, 0x6c, 0]); // "/dev/null"

export function openDevNull(): i64 {
  return call(SYS_openat, AT_FDCWD, native(DEV_NULL), O_RDWR | O_CLOEXEC);
}

/**
 * A descriptor of /dev/null for the rest of the process's life, in which it may not be opened any more: -1 for none.
 */
export let nothing: i64 = -1;
const F_DUPFD_CLOEXEC: i64 = 1030;
const HIGH_DESCRIPTOR: i64 = 1000; // out of the way of what the guest opens

export function keepDevNull(): void {
  nothing = openDevNull();
  const high = call(SYS_fcntl, nothing, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
  if (high < 0) return; // a low limit of descriptors
  closeNative(nothing);
  nothing = high;
}

/**
 * Closes an entry. Native descriptors 0, 1 and 2 become /dev/null instead: a file that the kernel gave one of these
 * numbers later would receive what is meant for the terminal.
 */
export function closeEntry(entry: usize): void {
  const kind = kindOf(entry);
  const descriptor = nativeOf(entry);
  if (isDirectory(entry)) dropListing(entry);
  if (kind == FDK_STDIO) {
    call(SYS_dup3, nothing, descriptor, 0);
  } else {
    closeNative(descriptor);
  }
  if (kind == FDK_PREOPEN && isReferred(entry)) {
    store<i32>(entry, -1, FD_NATIVE);
    store<u64>(entry, 0, FD_RIGHTS);
    store<u64>(entry, 0, FD_RIGHTS_INHERITING);
    return;
  }
  const preopen = kind == FDK_FILE || kind == FDK_DIRECTORY ? preopenOf(entry) : 0;
  freeSlot(entry);
  if (preopen != 0 && isRetired(preopen) && !isReferred(preopen)) freeSlot(preopen);
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
