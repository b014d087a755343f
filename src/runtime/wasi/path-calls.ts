/**
 * Calls that name a file by a path below a directory: path_open, path_filestat_get, path_create_directory,
 * path_unlink_file, path_remove_directory, path_rename.
 *
 * AssemblyScript. Every path stays below its directory: beneath.ts. A path that leads outside is EPERM, as in wasmtime.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  FD_RIGHTS_INHERITING,
} from '../../image/contract/host-state';
import { store32 } from '../native/native';
import { O_DIRECTORY, O_NOFOLLOW, SYS_mkdirat, SYS_renameat2, SYS_unlinkat } from '../native/target';
import {
  EFAULT,
  EINVAL,
  EMFILE,
  ENAMETOOLONG,
  EROFS,
  ESUCCESS,
  FILESTAT_SIZE,
  LOOKUP_SYMLINK_FOLLOW,
  OFLAG_CREAT,
  OFLAG_DIRECTORY,
  OFLAG_EXCL,
  OFLAG_TRUNC,
  RIGHT_FD_FILESTAT_SET_TIMES,
  RIGHT_FD_READ,
  RIGHT_FD_READDIR,
  RIGHT_FD_WRITE,
  RIGHT_PATH_CREATE_DIRECTORY,
  RIGHT_PATH_CREATE_FILE,
  RIGHT_PATH_FILESTAT_GET,
  RIGHT_PATH_FILESTAT_SET_SIZE,
  RIGHT_PATH_OPEN,
  RIGHT_PATH_REMOVE_DIRECTORY,
  RIGHT_PATH_RENAME_SOURCE,
  RIGHT_PATH_RENAME_TARGET,
  RIGHT_PATH_UNLINK_FILE,
} from '../descriptors/abi';
import { callOnNames, closeParent, lastComponent, openBeneath, openParent } from '../descriptors/beneath';
import { putFilestat } from './descriptor-calls';
import { allowed, lookupDirectory, lookupError, lookupWritable } from '../descriptors/lookup';
import { FILE_RIGHTS, FILE_WRITE_RIGHTS } from '../descriptors/rights';
import {
  freeEntry,
  indexOf,
  isReadOnly,
  nativeOf,
  pathOf,
  preopenOf,
  rightsOf,
  setAccess,
  setEntry,
  setFlags,
} from '../descriptors/table';
import { leaveUnknown } from '../descriptors/unsettled';
import { errnoOf } from './errno';
import { PATH, PATH_2, guestRange, readPath } from './guest';
import {
  AT_REMOVEDIR,
  LINUX_ENOENT,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  call,
  closeNative,
  linuxFlags,
  native,
  statDescriptor,
  wasiFlags,
} from '../descriptors/linux';
import { joinPath, renameRecorded } from './recorded-paths';

/**
 * Opens a file or directory. The access is by the rights asked for: FD_WRITE opens for writing, FD_READ (or nothing)
 * for reading. Rights that the directory does not pass on are left out (wasi-libc asks for them all). Directories pass
 * on what they were passed whatever `inheriting` says: wasmtime takes no notice of it, and programs are used to that.
 */
export function path_open(
  fd: u32,
  lookupFlags: i32,
  path: u32,
  pathSize: u32,
  oflags: i32,
  rights: u64,
  inheriting: u64,
  fdflags: i32,
  fdOut: u32,
): i32 {
  let needed = RIGHT_PATH_OPEN;
  const changes = (oflags & (OFLAG_CREAT | OFLAG_TRUNC)) != 0;
  if (oflags & OFLAG_CREAT) needed |= RIGHT_PATH_CREATE_FILE;
  if (oflags & OFLAG_TRUNC) needed |= RIGHT_PATH_FILESTAT_SET_SIZE;
  const directory = lookupDirectory(fd, RIGHT_PATH_OPEN);
  if (directory == 0) return lookupError;
  const to = guestRange(fdOut, 4);
  if (to == 0) return EFAULT;
  const error = readPath(PATH, path, pathSize);
  if (error != 0) return error;
  if ((oflags & OFLAG_DIRECTORY) != 0 && ((oflags & OFLAG_EXCL) != 0 || changes)) return EINVAL;

  const passed = load<u64>(directory, FD_RIGHTS_INHERITING);
  const readOnly = isReadOnly(directory);
  const granted = rights & passed;
  const writes = (granted & RIGHT_FD_WRITE) != 0;
  const reads = (granted & (RIGHT_FD_READ | RIGHT_FD_READDIR)) != 0;
  if (readOnly) {
    // an existing file may be opened with O_CREAT, as on a read-only file system
    if (writes || (oflags & (OFLAG_TRUNC | OFLAG_EXCL)) != 0) return EROFS;
  } else if (allowed(directory, needed) == 0) return lookupError;

  const entry = freeEntry();
  if (entry == 0) return EMFILE;
  const length = joinPath(pathOf(entry), directory, PATH);
  if (length < 0) return ENAMETOOLONG;

  let flags = O_NOCTTY | linuxFlags(fdflags) | (writes ? (reads ? O_RDWR : O_WRONLY) : O_RDONLY);
  if (oflags & OFLAG_CREAT && !readOnly) flags |= O_CREAT;
  if (oflags & OFLAG_EXCL) flags |= O_EXCL;
  if (oflags & OFLAG_TRUNC) flags |= O_TRUNC;
  if (oflags & OFLAG_DIRECTORY) flags |= O_DIRECTORY;
  if ((lookupFlags & LOOKUP_SYMLINK_FOLLOW) == 0) flags |= O_NOFOLLOW;
  const descriptor = openBeneath(nativeOf(directory), PATH, flags);
  if (descriptor < 0) {
    return readOnly && oflags & OFLAG_CREAT && descriptor == -LINUX_ENOENT ? EROFS : errnoOf(descriptor);
  }

  if (oflags & OFLAG_DIRECTORY) {
    setEntry(entry, FDK_DIRECTORY, descriptor, rightsOf(directory), passed);
  } else {
    let base = FILE_RIGHTS;
    if (granted & RIGHT_FD_READ) base |= RIGHT_FD_READ;
    if (writes) base |= FILE_WRITE_RIGHTS & passed;
    if (!readOnly) base |= RIGHT_FD_FILESTAT_SET_TIMES & passed; // also of what is only read, as in Linux
    setEntry(entry, FDK_FILE, descriptor, base, 0);
    setFlags(entry, wasiFlags(flags));
    if (!writes) leaveUnknown(entry, rightsOf(directory), passed); // what opens for writing is no directory
  }
  setAccess(entry, writes ? (reads ? 3 : 2) : 1);
  store<u32>(entry, indexOf(preopenOf(directory)), FD_PREOPEN);
  store<u32>(entry, length, FD_PATH_LENGTH);
  store32(to, indexOf(entry));
  return ESUCCESS;
}

export function path_filestat_get(fd: u32, lookupFlags: i32, path: u32, pathSize: u32, filestat: u32): i32 {
  const directory = lookupDirectory(fd, RIGHT_PATH_FILESTAT_GET);
  if (directory == 0) return lookupError;
  const to = guestRange(filestat, FILESTAT_SIZE);
  if (to == 0) return EFAULT;
  const error = readPath(PATH, path, pathSize);
  if (error != 0) return error;
  const follow = (lookupFlags & LOOKUP_SYMLINK_FOLLOW) != 0;
  const descriptor = openBeneath(nativeOf(directory), PATH, follow ? O_PATH : O_PATH | O_NOFOLLOW);
  if (descriptor < 0) return errnoOf(descriptor);
  const result = statDescriptor(descriptor);
  closeNative(descriptor);
  if (result < 0) return errnoOf(result);
  putFilestat(to, -1);
  return ESUCCESS;
}

/** mkdirat or unlinkat on the path's last component; `argument` is the mode or flags. */
function changeName(nr: i64, fd: u32, right: u64, path: u32, pathSize: u32, argument: i64): i32 {
  const entry = lookupWritable(fd, right);
  if (entry == 0) return lookupError;
  const error = readPath(PATH, path, pathSize);
  if (error != 0) return error;
  const directory = nativeOf(entry);
  const parent = openParent(directory, PATH);
  if (parent < 0) return errnoOf(parent);
  const result = call(nr, parent, native(lastComponent), argument);
  closeParent(parent, directory);
  return errnoOf(result);
}

export function path_create_directory(fd: u32, path: u32, pathSize: u32): i32 {
  return changeName(SYS_mkdirat, fd, RIGHT_PATH_CREATE_DIRECTORY, path, pathSize, 0o777);
}

export function path_unlink_file(fd: u32, path: u32, pathSize: u32): i32 {
  return changeName(SYS_unlinkat, fd, RIGHT_PATH_UNLINK_FILE, path, pathSize, 0);
}

export function path_remove_directory(fd: u32, path: u32, pathSize: u32): i32 {
  return changeName(SYS_unlinkat, fd, RIGHT_PATH_REMOVE_DIRECTORY, path, pathSize, AT_REMOVEDIR);
}

export function path_rename(fd: u32, path: u32, pathSize: u32, newFd: u32, newPath: u32, newPathSize: u32): i32 {
  const from = lookupWritable(fd, RIGHT_PATH_RENAME_SOURCE);
  if (from == 0) return lookupError;
  const to = lookupWritable(newFd, RIGHT_PATH_RENAME_TARGET);
  if (to == 0) return lookupError;
  let error = readPath(PATH, path, pathSize);
  if (error == 0) error = readPath(PATH_2, newPath, newPathSize);
  if (error != 0) return error;
  const result = callOnNames(SYS_renameat2, nativeOf(from), PATH, nativeOf(to), PATH_2);
  if (result >= 0) renameRecorded(from, PATH, to, PATH_2);
  return errnoOf(result);
}
