/**
 * WAGSNAP_LISTEN: the addresses at which a guest may accept connections, one a line, as descriptors after the
 * preopens.
 *
 *     127.0.0.1:8080   [::1]:8080   numbers only: the tool has looked names up
 *     unix:PATH
 *     fd:N             a listening socket that the process inherits
 *
 * AssemblyScript. Runs before the guest does. An error is reported on descriptor 2 and ends the process, with 2 for an
 * invalid line and 1 for an address that cannot be listened at.
 */

import { FDK_LISTENER, FD_PATH_LENGTH } from '../../image/contract/host-state';
import { copy, load8_u, syscall } from '../native/native';
import { SYS_bind, SYS_fcntl, SYS_listen, SYS_setsockopt, SYS_socket } from '../native/target';
import { variable } from '../process/environment';
import { flush, put, putForeign } from '../process/message';
import { exit } from '../process/runtime-block';
import {
  RIGHT_FD_FDSTAT_SET_FLAGS,
  RIGHT_FD_FILESTAT_GET,
  RIGHT_POLL_FD_READWRITE,
  RIGHT_SOCK_ACCEPT,
} from '../descriptors/abi';
import { freeEntry, pathOf, setAccess, setEntry, setFlags } from '../descriptors/table';
import { PATH_MAX } from './guest';
import { ADDRESS, addressLength, readAddress, readInherited, startAddress } from './listen-address';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, call, native, statusFlags, wasiFlags } from '../descriptors/linux';
import { putErrno } from './preopens';

const LISTENER_RIGHTS: u64 =
  RIGHT_SOCK_ACCEPT | RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE;

const SOCK_STREAM: i64 = 1;
const SO_REUSEADDR: i64 = 2;
const BACKLOG: i64 = 128;
const F_SETFD: i64 = 2;
const FD_CLOEXEC: i64 = 1;

const NEWLINE: i32 = 0x0a;

const ON: usize = memory.data<u32>([1]);

function fail(line: i64, length: i64, result: i64): void {
  put('wag-snap: --listen: cannot listen at "');
  putForeign(line, length);
  put('": ');
  if (result == -98) put('Address already in use');
  else if (result == -99) put('Cannot assign requested address');
  else putErrno(result);
  put('\n');
  flush();
  exit(1);
}

/** The listening socket of a line, or the process ends. */
export function openListener(line: i64, lineEnd: i64): i64 {
  startAddress(line, lineEnd);
  let result: i64;
  const inherited = readInherited();
  if (inherited >= 0) {
    result = call(SYS_fcntl, inherited, F_SETFD, FD_CLOEXEC);
    if (result < 0) fail(line, lineEnd - line, result);
    return inherited;
  }
  const family = readAddress();
  if (family < 0) {
    put('wag-snap: WAGSNAP_LISTEN: "');
    putForeign(line, lineEnd - line);
    put('": expected IP:PORT, [IPv6]:PORT, unix:PATH or fd:N\n');
    flush();
    exit(2);
  }
  // as wasmtime gives them: Go waits in poll, never in accept
  const socket = call(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  result = socket;
  // a port is free again as soon as its last listener is gone
  if (result >= 0) result = syscall(SYS_setsockopt, socket, SOL_SOCKET, SO_REUSEADDR, native(ON), 4, 0);
  if (result >= 0) result = call(SYS_bind, socket, native(ADDRESS), addressLength);
  if (result >= 0) result = call(SYS_listen, socket, BACKLOG);
  if (result < 0) fail(line, lineEnd - line, result);
  return socket;
}

/** The line that is read next, and the last one that was: native addresses. 0: there are none. */
let nextLine: i64 = 0;
let lastLine: i64 = 0;

export function startListenLines(): void {
  nextLine = variable('WAGSNAP_LISTEN=');
}

/** The listening socket of the next line, or -1 when there is none. */
export function openNextListener(): i64 {
  if (nextLine == 0) return -1;
  while (load8_u(nextLine) == NEWLINE) nextLine++;
  if (load8_u(nextLine) == 0) return -1;
  lastLine = nextLine;
  while (load8_u(nextLine) != 0 && load8_u(nextLine) != NEWLINE) nextLine++;
  return openListener(lastLine, nextLine);
}

/** What a snapshot says about the last line that was opened. */
export function recordLine(entry: usize): void {
  const length = min<i64>(nextLine - lastLine, <i64>PATH_MAX - 1);
  copy(native(pathOf(entry)), lastLine, length);
  store<u32>(entry, <u32>length, FD_PATH_LENGTH);
}

/** Opens all listeners, at the lowest free descriptors. */
export function openListeners(): void {
  startListenLines();
  while (true) {
    const socket = openNextListener();
    if (socket < 0) return;
    const entry = freeEntry(3);
    if (entry == 0) fail(lastLine, nextLine - lastLine, -24);
    setEntry(entry, FDK_LISTENER, socket, LISTENER_RIGHTS, 0);
    setFlags(entry, wasiFlags(statusFlags(socket)));
    setAccess(entry, 1);
    recordLine(entry);
  }
}
