/**
 * Makes the unlinked files of a program that continues from a snapshot: each without a name, with its contents from the
 * snapshot, and opened once for each of its descriptors.
 *
 * AssemblyScript. Part of resume.ts. The file is made in its preopen's directory (O_TMPFILE), so that it may grow as
 * the old one could and takes no memory. Where that cannot be (a read-only directory, a file system or an emulator
 * without it, a file that was given by a host path) it is in memory (memfd_create). Neither ever has a name: nothing is
 * left over, whatever happens. Another opening of a file without a name needs /proc.
 */

import { FDK_FILE, FDK_GIVEN, FD_NATIVE, FD_READ_ONLY, HS_FD_CAPACITY } from '../../image/contract/host-state';
import { load64 } from '../native/native';
import { O_DIRECTORY, SYS_ftruncate, SYS_memfd_create, SYS_openat, SYS_pread64, SYS_pwrite64 } from '../native/target';
import { put, putDecimal, putForeign } from '../process/message';
import { entryAt, indexOf, kindOf, nativeOf, pathLength, pathOf, preopenOf } from '../descriptors/table';
import {
  AT_FDCWD,
  LINUX_EINVAL,
  LINUX_ENOENT,
  O_CLOEXEC,
  O_EXCL,
  O_RDWR,
  call,
  closeNative,
  native,
} from '../descriptors/linux';
import { putErrno } from './preopens';
import { fail, failState, openingFlags, takePosition } from './resume-files';

const O_TMPFILE_BIT: i64 = 0x400000; // asm-generic/fcntl.h __O_TMPFILE; O_DIRECTORY belongs to it
const MFD_CLOEXEC: i64 = 1;
const MFD_NOEXEC_SEAL: i64 = 8; // Linux 6.3
const OWNER_ONLY: i64 = 0o600;

const HERE: usize = memory.data<u8>([0x2e, 0]); // "."
const NAME: usize = memory.data<u8>([0x75, 0x6e, 0x6c, 0x69, 0x6e, 0x6b, 0x65, 0x64, 0]); // "unlinked"
// "/proc/self/fd/", and room for a number
const AGAIN: usize = memory.data<u8>([
  0x2f, 0x70, 0x72, 0x6f, 0x63, 0x2f, 0x73, 0x65, 0x6c, 0x66, 0x2f, 0x66, 0x64, 0x2f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0,
]);
const AGAIN_LENGTH: usize = 14;
const CHUNK: i64 = 65536;
const BYTES: usize = memory.data(65536, 8);

/** Whether makeFiles has opened it: nothing else has a descriptor before it is opened again. */
export function isMade(entry: usize): bool {
  const kind = kindOf(entry);
  return (kind == FDK_FILE || kind == FDK_GIVEN) && nativeOf(entry) >= 0;
}

/**
 * Opens all of them; preopens are open.
 *
 * @param rows RP_FILES, native address, 0 for none
 * @param source descriptor of the file that their contents are in
 */
export function makeFiles(rows: i64, source: i64): void {
  if (rows == 0) return;
  let at = rows + 8;
  for (let left = load64(rows); left > 0; left--) {
    const from = load64(at);
    const size = load64(at + 8);
    const count = load64(at + 16);
    at += 24;
    const first = fileEntry(load64(at));
    const file = makeFile(first);
    if (file < 0) failFile(first, file);
    const result = fill(file, source, from, size);
    if (result < 0) failFile(first, result);
    for (let i: i64 = 0; i < count; i++, at += 8) openAgain(fileEntry(load64(at)), file);
    closeNative(file);
  }
}

function fileEntry(descriptor: i64): usize {
  if (descriptor < 0 || descriptor >= <i64>HS_FD_CAPACITY) failState('an unlinked file');
  const entry = entryAt(<u32>descriptor);
  if (kindOf(entry) != FDK_FILE && kindOf(entry) != FDK_GIVEN) failState('an unlinked file');
  return entry;
}

function makeFile(entry: usize): i64 {
  const preopen = preopenOf(entry);
  if (kindOf(entry) == FDK_FILE && load<u32>(preopen, FD_READ_ONLY) == 0) {
    const flags = O_TMPFILE_BIT | O_DIRECTORY | O_RDWR | O_EXCL | O_CLOEXEC; // O_EXCL: it will never have a name
    const file = call(SYS_openat, nativeOf(preopen), native(HERE), flags, OWNER_ONLY);
    if (file >= 0) return file;
  }
  const file = call(SYS_memfd_create, native(NAME), MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  return file == -LINUX_EINVAL ? call(SYS_memfd_create, native(NAME), MFD_CLOEXEC) : file;
}

/** Chunks of zeros stay holes. Returns -errno, or something else when all is there. */
function fill(file: i64, source: i64, from: i64, size: i64): i64 {
  const result = call(SYS_ftruncate, file, size);
  if (result < 0) return result;
  for (let at: i64 = 0; at < size; ) {
    const count = call(SYS_pread64, source, native(BYTES), min(CHUNK, size - at), from + at);
    if (count < 0) return count;
    if (count == 0) failState('the contents of an unlinked file');
    if (!isZero(count)) {
      for (let done: i64 = 0; done < count; ) {
        const wrote = call(SYS_pwrite64, file, native(BYTES) + done, count - done, at + done);
        if (wrote < 0) return wrote;
        done += wrote;
      }
    }
    at += count;
  }
  return 0;
}

function isZero(count: i64): bool {
  const end = BYTES + <usize>count;
  let at = BYTES;
  for (; at + 8 <= end; at += 8) if (load<u64>(at) != 0) return false;
  for (; at < end; at++) if (load<u8>(at) != 0) return false;
  return true;
}

/** Opens a file again, with a position, flags and access of its own: only the file is shared. */
function openAgain(entry: usize, file: i64): void {
  let digits: usize = 1;
  for (let rest = file / 10; rest > 0; rest /= 10) digits++;
  store<u8>(AGAIN + AGAIN_LENGTH + digits, 0);
  let rest = file;
  for (let i = digits; i > 0; i--, rest /= 10) store<u8>(AGAIN + AGAIN_LENGTH + i - 1, <u8>(0x30 + (rest % 10)));
  const descriptor = call(SYS_openat, AT_FDCWD, native(AGAIN), O_CLOEXEC | openingFlags(entry));
  if (descriptor == -LINUX_ENOENT) put('wag-snap: restore: there is no /proc\n');
  if (descriptor < 0) failFile(entry, descriptor);
  store<i32>(entry, <i32>descriptor, FD_NATIVE);
  const result = takePosition(entry, descriptor);
  if (result < 0) failFile(entry, result);
}

function failFile(entry: usize, result: i64): void {
  put('wag-snap: restore: descriptor ');
  putDecimal(indexOf(entry));
  put(': cannot make the unlinked file "');
  putForeign(native(pathOf(entry)), pathLength(entry));
  put('" again: ');
  putErrno(result);
  fail();
}
