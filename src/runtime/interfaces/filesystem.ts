/** wasi:filesystem: descriptors, and what is done with an open one. AssemblyScript. Paths are in paths.ts. */

import { allocate, from_component } from './component';
import { codeOf } from './errors';
import { AT_END, hold, Kind, open, positionOf, setPosition, heldBy } from './handles';
import { buffer, checkList, CHUNK, found, freeScratch, give, scratch, vectorOf } from './memory';
import { area, clearArea, giveArea, giveError, giveList, giveOk32, giveOk64, giveOutcome } from './results';
import { giveHash, giveStat } from './stat';
import { isText } from './text';
import { checkTimes, setFlags, setNanoseconds } from './times';
import {
  fd_advise,
  fd_datasync,
  fd_fdstat_get,
  fd_filestat_get,
  fd_filestat_set_size,
  fd_filestat_set_times,
  fd_pread,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_pwrite,
  fd_readdir,
  fd_sync,
} from './wasi_snapshot_preview1';

const FIRST_PREOPEN: i32 = 3;
const PREOPEN_ENTRY: usize = 12; // handle, string
const DIRECTORY: u8 = 3;
const RIGHT_READ: u64 = 1 << 1;
const RIGHT_WRITE: u64 = 1 << 6;
const RIGHT_CREATE_FILE: u64 = 1 << 10;
const FD_DSYNC: u16 = 2;
const FD_RSYNC: u16 = 8;
const FD_SYNC: u16 = 16;

const FLAG_READ: u8 = 1;
const FLAG_WRITE: u8 = 2;
const FLAG_FILE_SYNC: u8 = 4;
const FLAG_DATA_SYNC: u8 = 8;
const FLAG_READ_SYNC: u8 = 16;
const FLAG_MUTATE: u8 = 32;

/** Cases of error-code. */
const ILLEGAL_BYTE_SEQUENCE: u8 = 9;
const INVALID: u8 = 12;
const IS_DIRECTORY: u8 = 14;
const NO_REUSE: u32 = 5; // the last case of advice
const WORD: usize = 4;
const LONG: usize = 8;

let preopensHeld = false;

/** How many preopens there are: descriptors from 3 on. They stay open whatever is dropped. */
function countPreopens(): i32 {
  let fd = FIRST_PREOPEN;
  while (fd_prestat_get(fd, found) == 0) {
    if (!preopensHeld) hold(fd);
    fd++;
  }
  preopensHeld = true;
  return fd - FIRST_PREOPEN;
}

/** list<tuple<own<descriptor>, string>> */
export function filesystem_preopens_get_directories(to: usize): void {
  freeScratch();
  const count = <usize>countPreopens();
  const list = scratch(count * PREOPEN_ENTRY);
  for (let i: usize = 0; i < count; i++) {
    const fd = FIRST_PREOPEN + <i32>i;
    if (fd_prestat_get(fd, found) != 0) unreachable();
    const length = load<u32>(found, 4);
    const path = scratch(<usize>length);
    if (fd_prestat_dir_name(fd, path, <i32>length) != 0) unreachable();
    const entry = list + i * PREOPEN_ENTRY;
    store<i32>(entry, open(Kind.Descriptor, fd));
    store<u32>(entry, <u32>give(path, <usize>length, 1), 4);
    store<u32>(entry, length, 8);
  }
  giveList(to, give(list, count * PREOPEN_ENTRY, 4), count);
}

export function fdOf(descriptor: i32): i32 {
  return heldBy(descriptor, Kind.Descriptor);
}

/** A stream of a descriptor from an offset: result<own<stream>, error-code>. No file is longer than 2^63 bytes. */
function giveStreamFrom(descriptor: i32, kind: i32, offset: i64, to: usize): void {
  const fd = fdOf(descriptor);
  if (offset < 0) giveError(to, WORD, INVALID);
  else giveStream(fd, kind, offset, to);
}

/** A directory has no contents. */
function giveStream(fd: i32, kind: i32, position: i64, to: usize): void {
  const errno = fd_fdstat_get(fd, found);
  if (errno != 0) giveError(to, WORD, codeOf(errno));
  else if (load<u8>(found) == DIRECTORY) giveError(to, WORD, IS_DIRECTORY);
  else giveOk32(to, open(kind, fd, position));
}

export function filesystem_types_descriptor_read_via_stream(descriptor: i32, offset: i64, to: usize): void {
  giveStreamFrom(descriptor, Kind.Input, offset, to);
}

export function filesystem_types_descriptor_write_via_stream(descriptor: i32, offset: i64, to: usize): void {
  giveStreamFrom(descriptor, Kind.Output, offset, to);
}

export function filesystem_types_descriptor_append_via_stream(descriptor: i32, to: usize): void {
  giveStream(fdOf(descriptor), Kind.Output, AT_END, to);
}

function outcome(to: usize, errno: i32): void {
  giveOutcome(to, errno, codeOf(errno));
}

export function filesystem_types_descriptor_advise(
  descriptor: i32,
  offset: i64,
  length: i64,
  advice: i32,
  to: usize,
): void {
  if (<u32>advice > NO_REUSE) unreachable();
  outcome(to, fd_advise(fdOf(descriptor), offset, length, advice));
}

export function filesystem_types_descriptor_sync_data(descriptor: i32, to: usize): void {
  outcome(to, fd_datasync(fdOf(descriptor)));
}

export function filesystem_types_descriptor_sync(descriptor: i32, to: usize): void {
  outcome(to, fd_sync(fdOf(descriptor)));
}

export function filesystem_types_descriptor_set_size(descriptor: i32, size: i64, to: usize): void {
  outcome(to, fd_filestat_set_size(fdOf(descriptor), size));
}

export function filesystem_types_descriptor_set_times(
  descriptor: i32,
  accessedKind: i32,
  accessedSeconds: u64,
  accessedNanoseconds: u32,
  modifiedKind: i32,
  modifiedSeconds: u64,
  modifiedNanoseconds: u32,
  to: usize,
): void {
  const fd = fdOf(descriptor);
  const errno = checkTimes(accessedKind, accessedSeconds, modifiedKind, modifiedSeconds);
  if (errno != 0) return outcome(to, errno);
  const accessed = setNanoseconds(accessedSeconds, accessedNanoseconds);
  const modified = setNanoseconds(modifiedSeconds, modifiedNanoseconds);
  const flags = setFlags(accessedKind, modifiedKind);
  outcome(to, fd_filestat_set_times(fd, accessed, modified, flags));
}

/** result<descriptor-flags, error-code> */
export function filesystem_types_descriptor_get_flags(descriptor: i32, to: usize): void {
  const errno = fd_fdstat_get(fdOf(descriptor), found);
  if (errno != 0) return giveError(to, 1, codeOf(errno));
  const rights = load<u64>(found, 8);
  const flags = load<u16>(found, 2);
  const isDirectory = load<u8>(found) == DIRECTORY;
  let all: u8 = 0;
  if (isDirectory) all = FLAG_READ | (rights & RIGHT_CREATE_FILE ? FLAG_MUTATE : 0);
  else all = (rights & RIGHT_READ ? FLAG_READ : 0) | (rights & RIGHT_WRITE ? FLAG_WRITE : 0);
  if (flags & FD_SYNC) all |= FLAG_FILE_SYNC;
  if (flags & FD_DSYNC) all |= FLAG_DATA_SYNC;
  if (flags & FD_RSYNC) all |= FLAG_READ_SYNC;
  store<u8>(area, 0);
  store<u8>(area, all, 1);
  giveArea(to, 2, 1);
}

/** By file type of preview 1: descriptor-type. */
const TYPES: usize = memory.data<u8>([0, 1, 2, 3, 6, 7, 7, 5]);

export function typeOf(filetype: u8): u8 {
  return filetype < 8 ? load<u8>(TYPES + <usize>filetype) : 0;
}

/** result<descriptor-type, error-code> */
export function filesystem_types_descriptor_get_type(descriptor: i32, to: usize): void {
  const errno = fd_fdstat_get(fdOf(descriptor), found);
  if (errno != 0) return giveError(to, 1, codeOf(errno));
  store<u8>(area, 0);
  store<u8>(area, typeOf(load<u8>(found)), 1);
  giveArea(to, 2, 1);
}

/** result<tuple<list<u8>, bool>, error-code> */
export function filesystem_types_descriptor_read(descriptor: i32, length: u64, offset: i64, to: usize): void {
  const size = length > <u64>CHUNK ? CHUNK : <usize>length;
  const errno = fd_pread(fdOf(descriptor), vectorOf(buffer, size), 1, offset, found);
  if (errno != 0) return giveError(to, WORD, codeOf(errno));
  const got = <usize>load<u32>(found);
  const list = got == 0 ? allocate(1, 0) : give(buffer, got, 1);
  clearArea(16);
  store<u32>(area, <u32>list, 4);
  store<u32>(area, <u32>got, 8);
  store<u8>(area, got == 0 && size > 0 ? 1 : 0, 12);
  giveArea(to, 16, 4);
}

/** result<filesize, error-code> */
export function filesystem_types_descriptor_write(
  descriptor: i32,
  from: usize,
  length: usize,
  offset: i64,
  to: usize,
): void {
  const size = min(length, CHUNK);
  checkList(from, length);
  from_component(buffer, from, size);
  const errno = fd_pwrite(fdOf(descriptor), vectorOf(buffer, size), 1, offset, found);
  if (errno != 0) return giveError(to, LONG, codeOf(errno));
  giveOk64(to, <u64>load<u32>(found));
}

export function filesystem_types_descriptor_stat(descriptor: i32, to: usize): void {
  const errno = fd_filestat_get(fdOf(descriptor), found);
  if (errno != 0) return giveError(to, LONG, codeOf(errno));
  giveStat(to, typeOf(load<u8>(found, 16)));
}

export function filesystem_types_descriptor_metadata_hash(descriptor: i32, to: usize): void {
  const errno = fd_filestat_get(fdOf(descriptor), found);
  if (errno != 0) return giveError(to, LONG, codeOf(errno));
  giveHash(to);
}

export function filesystem_types_descriptor_is_same_object(descriptor: i32, other: i32): i32 {
  const fd = fdOf(descriptor);
  const otherFd = fdOf(other);
  if (fd_filestat_get(fd, found) != 0) return 0;
  const device = load<u64>(found);
  const inode = load<u64>(found, 8);
  if (fd_filestat_get(otherFd, found) != 0) return 0;
  return device == load<u64>(found) && inode == load<u64>(found, 8) ? 1 : 0;
}

const DIRENT: usize = 24;
const DOT: u8 = 46;
const ENTRIES: usize = 4096; // bytes: a name has 255 at most

/** result<own<directory-entry-stream>, error-code> */
export function filesystem_types_descriptor_read_directory(descriptor: i32, to: usize): void {
  const fd = fdOf(descriptor);
  const errno = fd_readdir(fd, buffer, <i32>DIRENT, 0, found);
  if (errno != 0) return giveError(to, WORD, codeOf(errno));
  giveOk32(to, open(Kind.Directory, fd, 0));
}

function isDots(name: usize, length: u32): bool {
  if (length == 0 || length > 2 || load<u8>(name) != DOT) return false;
  return length == 1 || load<u8>(name, 1) == DOT;
}

/** result<option<directory-entry>, error-code>, without . and .. */
export function filesystem_types_directory_entry_stream_read_directory_entry(stream: i32, to: usize): void {
  const fd = heldBy(stream, Kind.Directory);
  for (;;) {
    const errno = fd_readdir(fd, buffer, <i32>ENTRIES, positionOf(stream), found);
    if (errno != 0) return giveError(to, WORD, codeOf(errno));
    clearArea(20);
    if (<usize>load<u32>(found) < DIRENT) return giveArea(to, 20, 4);
    setPosition(stream, load<i64>(buffer));
    const length = load<u32>(buffer, 16);
    if (isDots(buffer + DIRENT, length)) continue;
    if (!isText(buffer + DIRENT, <usize>length)) return giveError(to, WORD, ILLEGAL_BYTE_SEQUENCE);
    const type = typeOf(load<u8>(buffer, 20));
    store<u8>(area, 1, 4);
    store<u8>(area, type, 8);
    store<u32>(area, <u32>give(buffer + DIRENT, <usize>length, 1), 12);
    store<u32>(area, length, 16);
    return giveArea(to, 20, 4);
  }
}
