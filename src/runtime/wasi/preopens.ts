/**
 * WAGSNAP_DIR: the directories that a guest may use, one a line: HOST, HOST::GUEST, or either with :ro or :rw
 * after it.
 *
 * AssemblyScript. Runs before the guest does, with arguments from a command line. An error is reported on descriptor 2
 * and ends the process, with 2 for an invalid line and 1 for a directory that cannot be opened.
 */

import {
  FDK_PREOPEN,
  FD_HOST_PATH_LENGTH,
  FD_OPEN_FLAGS,
  FD_PATH_LENGTH,
  FD_READ_ONLY,
  HS_PATH_SIZE,
} from '../../image/contract/host-state';
import { copy, load8_u } from '../native/native';
import { O_DIRECTORY, SYS_getcwd, SYS_openat } from '../native/target';
import { flush, put, putDecimal, putForeign } from '../process/message';
import { exit } from '../process/runtime-block';
import { DIRECTORY_READ_RIGHTS, DIRECTORY_RIGHTS, INHERITED_RIGHTS } from '../descriptors/rights';
import { freeEntry, pathOf, setEntry } from '../descriptors/table';
import { PATH, PATH_MAX } from './guest';
import { host, hostLength, guest, guestLength, isLineReadOnly, readLine, startLines } from './preopen-lines';
import { AT_FDCWD, O_CLOEXEC, O_RDONLY, call, native } from '../descriptors/linux';
import { isForbiddenProc } from '../descriptors/procfs';

const SLASH: i32 = 0x2f;

/** Prints the meaning of a Linux errno, as strerror does, for the errors of opening. */
export function putErrno(result: i64): void {
  const error = <i32>-result;
  if (error == 1) put('the path leads outside of the directory');
  else if (error == 2) put('No such file or directory');
  else if (error == 13) put('Permission denied');
  else if (error == 20) put('Not a directory');
  else if (error == 21) put('Is a directory');
  else if (error == 24) put('Too many open files');
  else if (error == 28) put('No space left on device');
  else if (error == 30) put('Read-only file system');
  else if (error == 40) put('Too many levels of symbolic links');
  else {
    put('errno ');
    putDecimal(error);
  }
}

function failHost(path: i64, length: i64): void {
  put('wag-snap: --dir: cannot open directory "');
  putForeign(path, length);
  put('": ');
}

function failTooLong(path: i64, length: i64): void {
  failHost(path, length);
  put('the path is too long\n');
  flush();
  exit(1);
}

/** Copies a host path to PATH and makes it absolute. Returns its length. */
export function absolutePath(path: i64, length: i64): i64 {
  let at: i64 = 0;
  if (load8_u(path) != SLASH) {
    at = call(SYS_getcwd, native(PATH), PATH_MAX) - 1; // without the final 0
    if (at < 1) at = 0;
    else if (load<u8>(PATH + <usize>at - 1) != SLASH) {
      store<u8>(PATH + <usize>at, SLASH);
      at++;
    }
  }
  if (at + length >= <i64>PATH_MAX) failTooLong(path, length);
  copy(native(PATH) + at, path, length);
  store<u8>(PATH + <usize>(at + length), 0);
  return at + length;
}

/** Opens the directory named by PATH or ends the process. Returns its descriptor. */
export function openHost(length: i64): i64 {
  const descriptor = call(SYS_openat, AT_FDCWD, native(PATH), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    failHost(native(PATH), length);
    putErrno(descriptor);
    put('\n');
    flush();
    exit(1);
  }
  if (isForbiddenProc(descriptor)) {
    failHost(native(PATH), length);
    put('it is on procfs, where a program could write its own code (--allow-proc or WAGSNAP_ALLOW_PROC=1 allows it)\n');
    flush();
    exit(1);
  }
  return descriptor;
}

/** Makes a preopen of an entry: guest name from native memory, host path from PATH. */
export function setPreopen(
  entry: usize,
  descriptor: i64,
  name: i64,
  nameLength: i64,
  pathLength: i64,
  readOnly: bool,
): void {
  if (nameLength + pathLength > HS_PATH_SIZE) failTooLong(native(PATH), pathLength);
  setEntry(entry, FDK_PREOPEN, descriptor, directoryRights(readOnly), INHERITED_RIGHTS);
  copy(native(pathOf(entry)), name, nameLength);
  copy(native(pathOf(entry)) + nameLength, native(PATH), pathLength);
  store<u32>(entry, 1, FD_OPEN_FLAGS);
  store<u32>(entry, <u32>nameLength, FD_PATH_LENGTH);
  store<u32>(entry, <u32>pathLength, FD_HOST_PATH_LENGTH);
  store<u32>(entry, readOnly ? 1 : 0, FD_READ_ONLY);
}

/**
 * What a preopen may do. A read-only one passes on the right to write all the same: wasi-libc would silently leave it
 * out of what it asks for, and the program would learn only from its first write what path_open says at once.
 */
export function directoryRights(readOnly: bool): u64 {
  return readOnly ? DIRECTORY_READ_RIGHTS : DIRECTORY_RIGHTS;
}

/** Opens all directories of WAGSNAP_DIR, from descriptor 3 on. */
export function openPreopens(): void {
  if (!startLines()) return;
  while (readLine()) {
    const length = absolutePath(host, hostLength);
    const descriptor = openHost(length);
    const entry = freeEntry(3);
    if (entry == 0) {
      put('wag-snap: --dir: too many directories\n');
      flush();
      exit(1);
    }
    setPreopen(entry, descriptor, guest, guestLength, length, isLineReadOnly);
  }
}
