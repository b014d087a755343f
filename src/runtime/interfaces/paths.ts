/** wasi:filesystem: what is done by path below a descriptor. AssemblyScript. */

import { codeOf } from './errors';
import { fdOf, typeOf } from './filesystem';
import { Kind, open } from './handles';
import { buffer, found, give, MAX_PATH } from './memory';
import { giveError, giveOk32, giveOkList, giveOutcome } from './results';
import { giveHash, giveStat } from './stat';
import { isText, takeText } from './text';
import { checkTimes, setFlags, setNanoseconds } from './times';
import {
  path_create_directory,
  path_filestat_get,
  path_filestat_set_times,
  path_link,
  path_open,
  path_readlink,
  path_remove_directory,
  path_rename,
  path_symlink,
  path_unlink_file,
} from './wasi_snapshot_preview1';

const EILSEQ: i32 = 25;
const ENAMETOOLONG: i32 = 37;
const WORD: usize = 4;
const LONG: usize = 8;
/** The two paths of a call lie in the buffer, one after the other. */
const first: usize = buffer;
const second: usize = buffer + MAX_PATH;

const RIGHT_READ: i64 = 1 << 1;
const RIGHT_WRITE: i64 = 1 << 6;
const ALL_RIGHTS: i64 = 0x1fffffff;
const FLAG_READ: i32 = 1;
const FLAG_WRITE: i32 = 2;
const FLAG_FILE_SYNC: i32 = 4;
const FLAG_DATA_SYNC: i32 = 8;
const FLAG_READ_SYNC: i32 = 16;
const OPEN_DIRECTORY: i32 = 2;
const FD_DSYNC: i32 = 2;
const FD_RSYNC: i32 = 8;
const FD_SYNC: i32 = 16;

/** Copies a path from the component. @returns an errno */
function path(to: usize, from: usize, length: usize): i32 {
  return takeText(to, from, length, MAX_PATH) ? 0 : ENAMETOOLONG;
}

/** Copies both paths of a call. @returns an errno */
function paths(at: usize, length: usize, newAt: usize, newLength: usize): i32 {
  const errno = path(first, at, length);
  const newErrno = path(second, newAt, newLength);
  return errno != 0 ? errno : newErrno;
}

function outcome(to: usize, errno: i32): void {
  giveOutcome(to, errno, codeOf(errno));
}

export function filesystem_types_descriptor_create_directory_at(d: i32, at: usize, length: usize, to: usize): void {
  const fd = fdOf(d);
  const errno = path(first, at, length);
  outcome(to, errno != 0 ? errno : path_create_directory(fd, first, <i32>length));
}

export function filesystem_types_descriptor_remove_directory_at(d: i32, at: usize, length: usize, to: usize): void {
  const fd = fdOf(d);
  const errno = path(first, at, length);
  outcome(to, errno != 0 ? errno : path_remove_directory(fd, first, <i32>length));
}

export function filesystem_types_descriptor_unlink_file_at(d: i32, at: usize, length: usize, to: usize): void {
  const fd = fdOf(d);
  const errno = path(first, at, length);
  outcome(to, errno != 0 ? errno : path_unlink_file(fd, first, <i32>length));
}

/** Finds a filestat. @returns an errno */
function look(d: i32, flags: i32, at: usize, length: usize): i32 {
  const fd = fdOf(d);
  const errno = path(first, at, length);
  return errno != 0 ? errno : path_filestat_get(fd, flags & 1, first, <i32>length, found);
}

export function filesystem_types_descriptor_stat_at(d: i32, flags: i32, at: usize, length: usize, to: usize): void {
  const errno = look(d, flags, at, length);
  if (errno != 0) return giveError(to, LONG, codeOf(errno));
  giveStat(to, typeOf(load<u8>(found, 16)));
}

export function filesystem_types_descriptor_metadata_hash_at(
  d: i32,
  flags: i32,
  at: usize,
  length: usize,
  to: usize,
): void {
  const errno = look(d, flags, at, length);
  if (errno != 0) return giveError(to, LONG, codeOf(errno));
  giveHash(to);
}

export function filesystem_types_descriptor_set_times_at(
  d: i32,
  flags: i32,
  at: usize,
  length: usize,
  accessedKind: i32,
  accessedSeconds: u64,
  accessedNanoseconds: u32,
  modifiedKind: i32,
  modifiedSeconds: u64,
  modifiedNanoseconds: u32,
  to: usize,
): void {
  const fd = fdOf(d);
  let errno = checkTimes(accessedKind, accessedSeconds, modifiedKind, modifiedSeconds);
  const pathErrno = path(first, at, length);
  if (errno == 0) errno = pathErrno;
  if (errno != 0) return outcome(to, errno);
  const accessed = setNanoseconds(accessedSeconds, accessedNanoseconds);
  const modified = setNanoseconds(modifiedSeconds, modifiedNanoseconds);
  const set = setFlags(accessedKind, modifiedKind);
  outcome(to, path_filestat_set_times(fd, flags & 1, first, <i32>length, accessed, modified, set));
}

export function filesystem_types_descriptor_link_at(
  d: i32,
  flags: i32,
  at: usize,
  length: usize,
  into: i32,
  newAt: usize,
  newLength: usize,
  to: usize,
): void {
  const fd = fdOf(d);
  const newFd = fdOf(into);
  let errno = paths(at, length, newAt, newLength);
  if (errno == 0) errno = path_link(fd, flags & 1, first, <i32>length, newFd, second, <i32>newLength);
  outcome(to, errno);
}

export function filesystem_types_descriptor_rename_at(
  d: i32,
  at: usize,
  length: usize,
  into: i32,
  newAt: usize,
  newLength: usize,
  to: usize,
): void {
  const fd = fdOf(d);
  const newFd = fdOf(into);
  let errno = paths(at, length, newAt, newLength);
  if (errno == 0) errno = path_rename(fd, first, <i32>length, newFd, second, <i32>newLength);
  outcome(to, errno);
}

export function filesystem_types_descriptor_symlink_at(
  d: i32,
  at: usize,
  length: usize,
  newAt: usize,
  newLength: usize,
  to: usize,
): void {
  const fd = fdOf(d);
  let errno = paths(at, length, newAt, newLength);
  if (errno == 0) errno = path_symlink(first, <i32>length, fd, second, <i32>newLength);
  outcome(to, errno);
}

/** result<string, error-code> */
export function filesystem_types_descriptor_readlink_at(d: i32, at: usize, length: usize, to: usize): void {
  const fd = fdOf(d);
  let errno = path(first, at, length);
  if (errno == 0) errno = path_readlink(fd, first, <i32>length, second, <i32>MAX_PATH, found);
  if (errno != 0) return giveError(to, WORD, codeOf(errno));
  const size = <usize>load<u32>(found);
  if (!isText(second, size)) return giveError(to, WORD, codeOf(EILSEQ));
  giveOkList(to, give(second, size, 1), size);
}

/** result<own<descriptor>, error-code> */
export function filesystem_types_descriptor_open_at(
  d: i32,
  lookup: i32,
  at: usize,
  length: usize,
  openFlags: i32,
  flags: i32,
  to: usize,
): void {
  const fd = fdOf(d);
  let errno = path(first, at, length);
  const isDirectory = (openFlags & OPEN_DIRECTORY) != 0;
  let rights = ALL_RIGHTS & ~(RIGHT_READ | RIGHT_WRITE);
  if (flags & FLAG_READ || isDirectory) rights |= RIGHT_READ;
  if (flags & FLAG_WRITE) rights |= RIGHT_WRITE;
  const descriptorFlags =
    (flags & FLAG_FILE_SYNC ? FD_SYNC : 0) |
    (flags & FLAG_DATA_SYNC ? FD_DSYNC : 0) |
    (flags & FLAG_READ_SYNC ? FD_RSYNC : 0);
  if (errno == 0) {
    errno = path_open(fd, lookup & 1, first, <i32>length, openFlags & 15, rights, ALL_RIGHTS, descriptorFlags, found);
  }
  if (errno != 0) return giveError(to, WORD, codeOf(errno));
  giveOk32(to, open(Kind.Descriptor, load<i32>(found)));
}
