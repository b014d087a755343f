/**
 * wasi_resume: the host state of a program that continues from a snapshot.
 *
 * AssemblyScript. The resume plan has the table of descriptors by meaning; here each is opened again: standard ones are
 * the new process's own or a file that was given instead, preopens by their host path or by the line of WAGSNAP_DIR
 * with the same guest name, files and directories by their path below a preopen, never created and never truncated, at
 * their old position, unlinked files from what the snapshot has of them. A descriptor that cannot be opened is reported
 * on descriptor 2 and ends the process with 1, before any guest code runs. The table is input, so it is checked.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_FREE,
  FDK_GIVEN,
  FDK_LISTENER,
  FDK_NULL,
  FDK_PREOPEN,
  FDK_SOCKET,
  FDK_STDIO,
  FD_HOST_PATH_LENGTH,
  FD_NATIVE,
  FD_OFFSET,
  FD_READ_ONLY,
  FD_RIGHTS,
  FD_RIGHTS_INHERITING,
  HOST_STATE_VERSION,
  HS_FD_CAPACITY,
  HS_FD_COUNT,
  HS_MONOTONIC_OFFSET,
  HS_PATHS,
  HS_PATH_SIZE,
  HS_PENDING_TIMEOUT,
  HS_SIZE,
  HS_VERSION,
} from '../../image/contract/host-state';
import {
  RP_ARGC,
  RP_ARGV,
  RP_ENVP,
  RP_FILES,
  RP_HOST_STATE,
  RP_HOST_STATE_SIZE,
  RP_LISTINGS,
  RP_MONOTONIC,
  RP_PENDING_TIMEOUT,
  RP_SUSPENDED_TIMEOUT,
} from '../../image/contract/resume-plan';
import { RT_ARGC, RT_ARGV, RT_ENVP, RT_RESUME_PLAN } from '../../image/contract/runtime-block';
import { TH_SUSPENDED_TIMEOUT } from '../../image/contract/thread';
import { copy, load64, load8_u, runtime, store64, thread } from '../native/native';
import { SYS_fcntl, SYS_socketpair, SYS_write } from '../native/target';
import { put, putForeign } from '../process/message';
import { CLOCK_MONOTONIC, FDFLAG_NONBLOCK } from '../descriptors/abi';
import { now } from './clocks';
import { closeEntry } from '../descriptors/closing';
import { STATE, entryAt, flagsOf, isDirectory, isRetired, kindOf, pathLength, pathOf } from '../descriptors/table';
import { clearUnknown } from '../descriptors/unsettled';
import { deliver, publishListings } from '../descriptors/listing';
import { openListener, openNextListener, recordLine, startListenLines } from './listeners';
import { F_SETFL, O_NONBLOCK, SOCK_CLOEXEC, call, closeNative, native, statusFlags } from '../descriptors/linux';
import { guest, guestLength, host, hostLength, isLineReadOnly, readLine, startLines } from './preopen-lines';
import { absolutePath, openHost, setPreopen } from './preopens';
import { closeUnusedStreams, fail, failState, openFile, openGiven, openNull, openStream } from './resume-files';
import { isMade, makeFiles } from './resume-unlinked';
import { prepare } from './start';

function isGuestName(entry: usize): bool {
  if (<i64>pathLength(entry) != guestLength) return false;
  for (let i: i64 = 0; i < guestLength; i++) if (load<u8>(pathOf(entry) + <usize>i) != load8_u(guest + i)) return false;
  return true;
}

/** Reads the lines of WAGSNAP_DIR up to the one that is for the preopen. */
function findLine(entry: usize): bool {
  if (!startLines()) return false;
  while (readLine()) if (isGuestName(entry)) return true;
  return false;
}

/** A line that is for no preopen is a mistake that would otherwise go unnoticed. */
function checkLines(): void {
  if (!startLines()) return;
  while (readLine()) {
    let found = false;
    for (let i: u32 = 0; i < <u32>HS_FD_CAPACITY; i++) {
      if (kindOf(entryAt(i)) == FDK_PREOPEN && isGuestName(entryAt(i))) found = true;
    }
    if (found) continue;
    put('wag-snap: restore: --dir: the snapshot has no directory named "');
    putForeign(guest, guestLength);
    put('"');
    fail();
  }
}

function openPreopen(entry: usize): void {
  let readOnly = load<u32>(entry, FD_READ_ONLY) != 0;
  const nameLength = pathLength(entry);
  const hostPathLength = load<u32>(entry, FD_HOST_PATH_LENGTH);
  if (nameLength > <u32>HS_PATH_SIZE || hostPathLength > <u32>HS_PATH_SIZE - nameLength) failState("a path's length");
  const retired = isRetired(entry);
  let length: i64;
  if (findLine(entry)) {
    length = absolutePath(host, hostLength);
    readOnly = readOnly || isLineReadOnly;
  } else {
    length = absolutePath(native(pathOf(entry)) + nameLength, hostPathLength);
  }
  setPreopen(entry, openHost(length), native(pathOf(entry)), nameLength, length, readOnly);
  if (retired) retire(entry);
}

function retire(preopen: usize): void {
  store<u64>(preopen, 0, FD_RIGHTS);
  store<u64>(preopen, 0, FD_RIGHTS_INHERITING);
}

/** A listener listens again: at the next address of WAGSNAP_LISTEN, else where the plan says. */
function openListening(entry: usize): void {
  if (pathLength(entry) > <u32>HS_PATH_SIZE) failState("an address's length");
  let socket = openNextListener();
  if (socket >= 0) recordLine(entry);
  else socket = openListener(native(pathOf(entry)), native(pathOf(entry)) + pathLength(entry));
  setNonblock(entry, socket);
}

const PAIR: usize = memory.data(8, 8);
const AF_UNIX: i64 = 1;
const SOCK_STREAM: i64 = 1;

/**
 * A connection of the old process is gone. What stands for it is a socket whose peer has closed with something unread:
 * to Linux and the guest the same as one that was reset, ECONNRESET and then the end, EPIPE for writes.
 */
function openReset(entry: usize): void {
  const result = call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, native(PAIR));
  if (result < 0) failState('no socket for a connection'); // a limit of descriptors
  call(SYS_write, <i64>load<i32>(PAIR), native(PAIR), 1);
  closeNative(<i64>load<i32>(PAIR, 4));
  setNonblock(entry, <i64>load<i32>(PAIR));
}

/** Stores the native descriptor of an entry that had been NONBLOCK or not. */
function setNonblock(entry: usize, descriptor: i64): void {
  store<i32>(entry, <i32>descriptor, FD_NATIVE);
  const flags = statusFlags(descriptor);
  call(SYS_fcntl, descriptor, F_SETFL, flagsOf(entry) & FDFLAG_NONBLOCK ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/** Standard descriptors are the new process's; of the old ones' flags only NONBLOCK is the guest's own. */
function openStdio(entry: usize): void {
  const descriptor = <i64>load<i32>(entry, FD_NATIVE);
  if (descriptor < 0 || descriptor > 2) failState("a standard descriptor's number");
  if (pathLength(entry) > 0) openStream(entry, descriptor);
  const flags = statusFlags(descriptor);
  const wanted = flagsOf(entry) & FDFLAG_NONBLOCK ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (flags >= 0 && wanted != flags) call(SYS_fcntl, descriptor, F_SETFL, wanted);
}

/** Copies the plan's table into the host layer's memory and checks what the rest relies on. */
function readState(plan: i64): void {
  const size = load64(plan + <i64>RP_HOST_STATE_SIZE);
  if (size < <i64>HS_PATHS || size > <i64>HS_SIZE) failState('its size');
  copy(native(STATE), load64(plan + <i64>RP_HOST_STATE), size);
  if (load<u32>(STATE, HS_VERSION) != <u32>HOST_STATE_VERSION) failState('its version');
  if (load<u32>(STATE, HS_FD_COUNT) > <u32>HS_FD_CAPACITY) failState('its number of descriptors');
  for (let i: u32 = 0; i < <u32>HS_FD_CAPACITY; i++) {
    const kind = kindOf(entryAt(i));
    if (kind > <u32>FDK_GIVEN) failState('a kind of descriptor');
    if (kind != FDK_FREE && i >= load<u32>(STATE, HS_FD_COUNT)) failState('its number of descriptors');
  }
}

/** What listings have delivered. No directory has a chunk of another process. @param rows native address, 0 for none */
function resumeListings(rows: i64): void {
  for (let i: u32 = 0; i < <u32>HS_FD_CAPACITY; i++) if (isDirectory(entryAt(i))) store<u64>(entryAt(i), 0, FD_OFFSET);
  if (rows == 0) return;
  let at = rows + 8;
  for (let left = load64(rows); left > 0; left--) {
    const descriptor = load64(at);
    const names = load64(at + 8);
    if (descriptor < 0 || descriptor >= <i64>HS_FD_CAPACITY) failState('a listing');
    const entry = entryAt(<u32>descriptor);
    at += 16;
    for (let i: i64 = 0; i < names; i++, at += 8) if (isDirectory(entry)) deliver(entry, load64(at));
  }
}

/** @param source descriptor of the file that contents of unlinked files are in */
export function wasi_resume(source: i64): void {
  prepare();
  const plan = load64(runtime() + <i64>RT_RESUME_PLAN);
  readState(plan);
  clearUnknown();
  publishListings(STATE);
  const count = load<u32>(STATE, HS_FD_COUNT);
  checkLines();
  startListenLines();
  for (let i: u32 = 0; i < count; i++) if (kindOf(entryAt(i)) == FDK_STDIO) openStdio(entryAt(i));
  for (let i: u32 = 0; i < count; i++) if (kindOf(entryAt(i)) == FDK_PREOPEN) openPreopen(entryAt(i));
  makeFiles(load64(plan + <i64>RP_FILES), source);
  for (let i: u32 = 0; i < count; i++) {
    const kind = kindOf(entryAt(i));
    if (isMade(entryAt(i))) continue;
    if (kind == FDK_FILE || kind == FDK_DIRECTORY) openFile(entryAt(i));
    else if (kind == FDK_LISTENER) openListening(entryAt(i));
    else if (kind == FDK_SOCKET) openReset(entryAt(i));
    else if (kind == FDK_NULL) openNull(entryAt(i));
    else if (kind == FDK_GIVEN) openGiven(entryAt(i));
  }
  for (let i: u32 = 0; i < count; i++) {
    const entry = entryAt(i);
    if (kindOf(entry) == FDK_PREOPEN && isRetired(entry)) closeEntry(entry);
  }
  closeUnusedStreams(count);
  resumeListings(load64(plan + <i64>RP_LISTINGS));

  const monotonic = load64(plan + <i64>RP_MONOTONIC);
  store<i64>(STATE, 0, HS_MONOTONIC_OFFSET);
  store<i64>(STATE, monotonic - now(CLOCK_MONOTONIC), HS_MONOTONIC_OFFSET);
  const pending = load64(plan + <i64>RP_PENDING_TIMEOUT);
  store<i64>(STATE, pending < 0 ? -1 : monotonic + pending, HS_PENDING_TIMEOUT);
  const suspended = load64(plan + <i64>RP_SUSPENDED_TIMEOUT);
  store64(thread() + <i64>TH_SUSPENDED_TIMEOUT, suspended < 0 ? -1 : monotonic + suspended);
  store64(runtime() + <i64>RT_ARGC, load64(plan + <i64>RP_ARGC));
  store64(runtime() + <i64>RT_ARGV, load64(plan + <i64>RP_ARGV));
  store64(runtime() + <i64>RT_ENVP, load64(plan + <i64>RP_ENVP));
}
