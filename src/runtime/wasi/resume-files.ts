/**
 * Opens the files of a program that continues from a snapshot: below their preopens, or elsewhere on the host when
 * restore was given a path or told to ignore them (ARCHITECTURE.md, "Restore").
 *
 * AssemblyScript. Part of resume.ts. Files are never created, except for the output of a standard stream, and never
 * truncated. A file that cannot be opened is reported on descriptor 2 and ends the process.
 */

import {
  FDK_DIRECTORY,
  FDK_PREOPEN,
  FDK_STDIO,
  FD_HOST_PATH_LENGTH,
  FD_NATIVE,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  FD_READ_ONLY,
  HS_FD_CAPACITY,
} from '../../image/contract/host-state';
import { copy } from '../native/native';
import { O_DIRECTORY, SYS_dup3, SYS_lseek, SYS_openat } from '../native/target';
import { flush, put, putDecimal, putForeign } from '../process/message';
import { exit } from '../process/runtime-block';
import { openBeneath } from '../descriptors/beneath';
import { nothing, openDevNull } from '../descriptors/dev-null';
import {
  accessOf,
  entryAt,
  flagsOf,
  indexOf,
  kindOf,
  nativeOf,
  offsetOf,
  pathLength,
  pathOf,
  preopenOf,
  setCookie,
} from '../descriptors/table';
import { PATH, PATH_MAX } from './guest';
import {
  AT_FDCWD,
  LINUX_EACCES,
  LINUX_EISDIR,
  LINUX_EROFS,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NOCTTY,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFDIR,
  call,
  closeNative,
  linuxFlags,
  native,
  statDescriptor,
  statMode,
} from '../descriptors/linux';
import { putErrno } from './preopens';
import { isForbiddenProc } from '../descriptors/procfs';

export function fail(): void {
  put('\n');
  flush();
  exit(1);
}

export function failState(what: string): void {
  put("wag-snap: restore: the snapshot's host state is damaged: ");
  put(what);
  fail();
}

/** Ends with a message that names the descriptor, its path and how to help. */
function failOpen(entry: usize, result: i64): void {
  const preopen = preopenOf(entry);
  put('wag-snap: restore: descriptor ');
  putDecimal(indexOf(entry));
  put(': cannot open "');
  putForeign(native(pathOf(entry)), pathLength(entry));
  put('" below the directory "');
  putForeign(native(pathOf(preopen)), pathLength(preopen));
  put('" (');
  putForeign(native(pathOf(preopen)) + pathLength(preopen), load<u32>(preopen, FD_HOST_PATH_LENGTH));
  put('): ');
  putErrno(result);
  put('\nhint: --dir HOST::');
  putForeign(native(pathOf(preopen)), pathLength(preopen));
  put(' says where that directory is now');
  fail();
}

export function openFile(entry: usize): void {
  const index = load<u32>(entry, FD_PREOPEN);
  if (index >= <u32>HS_FD_CAPACITY || kindOf(entryAt(index)) != FDK_PREOPEN) failState('a file below no preopen');
  const length = copyPath(entry);
  if (length == 0) store<u16>(PATH, 0x2e);
  const access = accessOf(entry);
  const preopen = entryAt(index);
  if ((access & 2) != 0 && load<u32>(preopen, FD_READ_ONLY) != 0) failOpen(entry, -LINUX_EROFS);
  let flags = openingFlags(entry);
  if (kindOf(entry) == FDK_DIRECTORY) flags = O_RDONLY | O_DIRECTORY;
  const descriptor = openBeneath(<i64>load<i32>(preopen, FD_NATIVE), PATH, flags);
  if (descriptor < 0) failOpen(entry, descriptor);
  store<i32>(entry, <i32>descriptor, FD_NATIVE);
  if (kindOf(entry) == FDK_DIRECTORY) {
    setCookie(entry, 0); // the next fd_readdir passes over what was delivered
    return;
  }
  const result = takePosition(entry, descriptor);
  if (result < 0) failOpen(entry, result);
}

/** Copies the entry's path to PATH. Returns its length. */
function copyPath(entry: usize): u32 {
  const length = pathLength(entry);
  if (length >= PATH_MAX) failState("a path's length");
  copy(native(PATH), native(pathOf(entry)), length);
  store<u8>(PATH + length, 0);
  return length;
}

export function openingFlags(entry: usize): i64 {
  const access = accessOf(entry);
  return O_NOCTTY | linuxFlags(flagsOf(entry)) | (access == 3 ? O_RDWR : access == 2 ? O_WRONLY : O_RDONLY);
}

/** Seeks a file just opened to where it was. Returns -errno when it is a directory or cannot. */
export function takePosition(entry: usize, descriptor: i64): i64 {
  if (statDescriptor(descriptor) < 0 || statMode() == S_IFDIR) return -LINUX_EISDIR;
  return offsetOf(entry) == 0 ? 0 : call(SYS_lseek, descriptor, offsetOf(entry), 0);
}

/** Opens a file of the host whose path was given to restore. */
export function openGiven(entry: usize): void {
  if (copyPath(entry) == 0) failState('a file without a path');
  const descriptor = call(SYS_openat, AT_FDCWD, native(PATH), O_CLOEXEC | openingFlags(entry));
  if (descriptor < 0) failGiven(entry, descriptor);
  if (isForbiddenProc(descriptor)) failGiven(entry, -LINUX_EACCES);
  store<i32>(entry, <i32>descriptor, FD_NATIVE);
  const result = takePosition(entry, descriptor);
  if (result < 0) failGiven(entry, result);
}

/**
 * The same for a standard stream: input from its start, output after what is there. Its entry is like any other's
 * then.
 */
export function openStream(entry: usize, stream: i64): void {
  copyPath(entry);
  const how = stream == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND;
  const descriptor = call(SYS_openat, AT_FDCWD, native(PATH), O_CLOEXEC | O_NOCTTY | how, 0o666);
  if (descriptor < 0) failGiven(entry, descriptor);
  if (isForbiddenProc(descriptor)) failGiven(entry, -LINUX_EACCES);
  call(SYS_dup3, descriptor, stream, 0);
  closeNative(descriptor);
  store<u32>(entry, 0, FD_PATH_LENGTH);
}

function failGiven(entry: usize, result: i64): void {
  const index = indexOf(entry);
  put('wag-snap: restore: descriptor ');
  putDecimal(index);
  put(': cannot open "');
  putForeign(native(pathOf(entry)), pathLength(entry));
  put('": ');
  putErrno(result);
  put('\nhint: --fd ');
  putDecimal(index);
  put('=PATH gives another file');
  fail();
}

export function openNull(entry: usize): void {
  const descriptor = openDevNull();
  if (descriptor < 0) failState('no /dev/null');
  store<i32>(entry, <i32>descriptor, FD_NATIVE);
}

/**
 * Opens /dev/null for the standard streams that the program has closed, or shall find closed: no other file may get
 * their numbers.
 */
export function closeUnusedStreams(count: u32): void {
  for (let stream: i64 = 0; stream < 3; stream++) {
    let used = false;
    for (let i: u32 = 0; i < count; i++)
      if (kindOf(entryAt(i)) == FDK_STDIO && nativeOf(entryAt(i)) == stream) used = true;
    if (!used) call(SYS_dup3, nothing, stream, 0);
  }
}
