/**
 * The path by which an open file can be opened again elsewhere: below its preopen, in the entry's path area.
 *
 * AssemblyScript. Empty components and "." are left out; ".." stays, because what it means depends on links. It leads
 * to the same file under RESOLVE_BENEATH as the call did. path_rename takes the paths of open files along.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_PREOPEN,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  HS_FD_COUNT,
} from '../../image/contract/host-state';
import { copy } from '../native/native';
import { STATE, entryAt, indexOf, kindOf, pathLength, pathOf, preopenOf } from '../descriptors/table';
import { PATH_MAX } from './guest';
import { native } from '../descriptors/linux';

const SLASH: i32 = 0x2f;
const DOT: i32 = 0x2e;
const OLD: usize = memory.data(4104, 8);
const NEW: usize = memory.data(4104, 8);
const JOINED: usize = memory.data(4104, 8);

/**
 * Writes directory's path + "/" + path to `to`, at most PATH_MAX - 1 bytes. Returns its length, or -1 when it is too
 * long.
 */
export function joinPath(to: usize, directory: usize, path: usize): i32 {
  let length: u32 = 0;
  if (kindOf(directory) != FDK_PREOPEN) {
    length = pathLength(directory);
    copy(native(to), native(pathOf(directory)), length);
  }
  let from = path;
  let byte = <i32>load<u8>(from);
  while (true) {
    while (byte == SLASH) byte = load<u8>(++from);
    if (byte == 0) return <i32>length;
    if (byte == DOT) {
      const next = <i32>load<u8>(from + 1);
      if (next == SLASH || next == 0) {
        byte = next;
        from++;
        continue;
      }
    }
    if (length > 0) store<u8>(to + length++, SLASH);
    do {
      if (length >= PATH_MAX - 1) return -1;
      store<u8>(to + length++, <u8>byte);
      byte = load<u8>(++from);
    } while (byte != SLASH && byte != 0);
  }
}

function startsWith(path: usize, length: u32, prefix: usize, prefixLength: u32): bool {
  if (length < prefixLength || prefixLength == 0) return false;
  for (let i: u32 = 0; i < prefixLength; i++) if (load<u8>(path + i) != load<u8>(prefix + i)) return false;
  return length == prefixLength || load<u8>(path + prefixLength) == SLASH;
}

/** A rename has succeeded: open files at or below the old path are at the new one. */
export function renameRecorded(fromDirectory: usize, from: usize, toDirectory: usize, to: usize): void {
  const oldLength = joinPath(OLD, fromDirectory, from);
  const newLength = joinPath(NEW, toDirectory, to);
  if (oldLength < 0 || newLength < 0) return;
  const oldPreopen = indexOf(preopenOf(fromDirectory));
  const newPreopen = indexOf(preopenOf(toDirectory));
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const entry = entryAt(i);
    if ((kindOf(entry) != FDK_FILE && kindOf(entry) != FDK_DIRECTORY) || load<u32>(entry, FD_PREOPEN) != oldPreopen)
      continue;
    const path = pathOf(entry);
    const length = pathLength(entry);
    if (!startsWith(path, length, OLD, oldLength)) continue;
    const rest = length - <u32>oldLength;
    if (<u32>newLength + rest >= PATH_MAX) continue;
    copy(native(JOINED), native(NEW), newLength);
    copy(native(JOINED + newLength), native(path + oldLength), rest);
    copy(native(path), native(JOINED), <u32>newLength + rest);
    store<u32>(entry, <u32>newLength + rest, FD_PATH_LENGTH);
    store<u32>(entry, newPreopen, FD_PREOPEN);
  }
}
