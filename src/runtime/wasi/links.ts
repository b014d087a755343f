/**
 * Calls about links: path_link, path_readlink, path_symlink.
 *
 * AssemblyScript. The target of a symbolic link is checked when the link is followed (beneath.ts). An absolute link is
 * neither made nor read, as in wasmtime: it would be a path of the host.
 */

import { copy, store32 } from '../native/native';
import { O_NOFOLLOW, SYS_linkat, SYS_readlinkat, SYS_symlinkat } from '../native/target';
import {
  EFAULT,
  EINVAL,
  EPERM,
  ESUCCESS,
  LOOKUP_SYMLINK_FOLLOW,
  RIGHT_PATH_LINK_SOURCE,
  RIGHT_PATH_LINK_TARGET,
  RIGHT_PATH_READLINK,
  RIGHT_PATH_SYMLINK,
} from '../descriptors/abi';
import { callOnNames, closeParent, lastComponent, openBeneath, openParent } from '../descriptors/beneath';
import { lookupDirectory, lookupError, lookupWritable } from '../descriptors/lookup';
import { nativeOf } from '../descriptors/table';
import { errnoOf } from './errno';
import { PATH, PATH_2, PATH_MAX, guestRange, readPath } from './guest';
import { O_PATH, S_IFLNK, call, closeNative, native, statDescriptor, statMode } from '../descriptors/linux';

const TARGET: usize = memory.data(4104, 8);
const EMPTY: usize = memory.data<u8>([0]);
const SLASH: i32 = 0x2f;

function endsInSlash(path: usize): bool {
  let end = path;
  while (load<u8>(end) != 0) end++;
  return load<u8>(end - 1) == SLASH;
}

/** Makes a second name of a file; of a symbolic link itself, for following one is EINVAL. */
export function path_link(
  fd: u32,
  lookupFlags: i32,
  path: u32,
  pathSize: u32,
  newFd: u32,
  newPath: u32,
  newPathSize: u32,
): i32 {
  const from = lookupWritable(fd, RIGHT_PATH_LINK_SOURCE);
  if (from == 0) return lookupError;
  const to = lookupWritable(newFd, RIGHT_PATH_LINK_TARGET);
  if (to == 0) return lookupError;
  let error = readPath(PATH, path, pathSize);
  if (error == 0) error = readPath(PATH_2, newPath, newPathSize);
  if (error != 0) return error;
  if (lookupFlags & LOOKUP_SYMLINK_FOLLOW) return EINVAL;
  if (endsInSlash(PATH)) {
    // the kernel would follow a link before the slash; what is there can only be a directory, which has one name
    const directory = openBeneath(nativeOf(from), PATH, O_PATH);
    if (directory < 0) return errnoOf(directory);
    closeNative(directory);
    return EPERM;
  }
  return errnoOf(callOnNames(SYS_linkat, nativeOf(from), PATH, nativeOf(to), PATH_2));
}

/** Writes where a link leads, cut off when the buffer is too small, as POSIX has it. */
export function path_readlink(fd: u32, path: u32, pathSize: u32, buffer: u32, length: u32, usedOut: u32): i32 {
  const directory = lookupDirectory(fd, RIGHT_PATH_READLINK);
  if (directory == 0) return lookupError;
  const to = guestRange(buffer, length);
  const used = guestRange(usedOut, 4);
  if (to == 0 || used == 0) return EFAULT;
  const error = readPath(PATH, path, pathSize);
  if (error != 0) return error;
  const descriptor = openBeneath(nativeOf(directory), PATH, O_PATH | O_NOFOLLOW);
  if (descriptor < 0) return errnoOf(descriptor);
  let result = statDescriptor(descriptor);
  const isLink = result >= 0 && statMode() == S_IFLNK;
  if (isLink) result = call(SYS_readlinkat, descriptor, native(EMPTY), native(TARGET), PATH_MAX);
  closeNative(descriptor);
  if (result < 0) return errnoOf(result);
  if (!isLink) return EINVAL;
  if (load<u8>(TARGET) == SLASH) return EPERM;
  const bytes = min<u32>(<u32>result, length);
  copy(to, native(TARGET), bytes);
  store32(used, bytes);
  return ESUCCESS;
}

export function path_symlink(target: u32, targetSize: u32, fd: u32, path: u32, pathSize: u32): i32 {
  const entry = lookupWritable(fd, RIGHT_PATH_SYMLINK);
  if (entry == 0) return lookupError;
  let error = readPath(PATH_2, target, targetSize);
  if (error == 0) error = readPath(PATH, path, pathSize);
  if (error != 0) return error;
  const directory = nativeOf(entry);
  const parent = openParent(directory, PATH);
  if (parent < 0) return errnoOf(parent);
  const result = call(SYS_symlinkat, native(PATH_2), parent, native(lastComponent));
  closeParent(parent, directory);
  return errnoOf(result);
}
