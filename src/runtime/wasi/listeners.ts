/**
 * WAGSNAP_LISTEN: the addresses at which a guest may accept connections, one a line, as descriptors after the
 * preopens.
 *
 *     127.0.0.1:8080   [::1]:8080   numbers only: the tool has looked names up
 *     unix:PATH
 *     fd:N             a listening socket that the process inherits
 *
 * AssemblyScript. Runs before the guest does: what is wrong is said on descriptor 2 and ends the process, 2 for a line
 * that cannot be read and 1 for an address that cannot be listened at.
 */

import { FDK_LISTENER, FD_PATH_LENGTH } from '../../image/contract/host-state';
import { copy, fill, load8_u, syscall } from '../native/native';
import { SYS_bind, SYS_fcntl, SYS_listen, SYS_setsockopt, SYS_socket } from '../native/target';
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
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOL_SOCKET, call, native, statusFlags, wasiFlags } from '../descriptors/linux';
import { putErrno, variable } from './preopens';

const LISTENER_RIGHTS: u64 =
  RIGHT_SOCK_ACCEPT | RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_FD_FILESTAT_GET | RIGHT_POLL_FD_READWRITE;

const AF_UNIX: i64 = 1;
const AF_INET: i64 = 2;
const AF_INET6: i64 = 10;
const SOCK_STREAM: i64 = 1;
const SO_REUSEADDR: i64 = 2;
const BACKLOG: i64 = 128;
const UNIX_PATH_MAX: i64 = 108;
const F_SETFD: i64 = 2;
const FD_CLOEXEC: i64 = 1;

const NEWLINE: i32 = 0x0a;
const COLON: i32 = 0x3a;
const DOT: i32 = 0x2e;

/** struct sockaddr of any family. */
const ADDRESS: usize = memory.data(112, 8);
let addressLength: i64 = 0;
const ON: usize = memory.data<u32>([1]);

// the text being read: native addresses
let at: i64 = 0;
let end: i64 = 0;

function isNext(byte: i32): bool {
  return at < end && load8_u(at) == byte;
}

function take(byte: i32): bool {
  if (!isNext(byte)) return false;
  at++;
  return true;
}

function takeWord(word: string): bool {
  if (end - at < word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (load8_u(at + i) != <i32>load<u16>(changetype<usize>(word) + (i << 1))) return false;
  }
  at += word.length;
  return true;
}

/** A number of a base up to 16, or -1. */
function takeNumber(base: i32, most: i32): i32 {
  let value = 0;
  const start = at;
  for (; at < end; at++) {
    const byte = load8_u(at);
    const letter = byte | 0x20;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16;
    if (digit >= base) break;
    value = value * base + digit;
    if (value > most) return -1;
  }
  return at == start ? -1 : value;
}

function storeBig16(to: usize, value: i32): void {
  store<u8>(to, <u8>(value >> 8));
  store<u8>(to + 1, <u8>value);
}

function takePort(): bool {
  const port = takeNumber(10, 65535);
  storeBig16(ADDRESS + 2, port);
  return port >= 0 && at == end;
}

function takeIp4(): bool {
  for (let i: usize = 0; i < 4; i++) {
    if (i > 0 && !take(DOT)) return false;
    const byte = takeNumber(10, 255);
    if (byte < 0) return false;
    store<u8>(ADDRESS + 4 + i, <u8>byte);
  }
  addressLength = 16;
  return take(COLON) && takePort();
}

/** Groups of 16 bits; "::" once stands for as many zero groups as are missing. */
function takeIp6(): bool {
  const groups = ADDRESS + 8;
  let count: usize = 0;
  let gap: usize = 9; // group number, 9 for none
  if (takeWord('::')) gap = 0;
  while (!isNext(0x5d)) {
    const group = count < 8 ? takeNumber(16, 0xffff) : -1;
    if (group < 0) return false;
    storeBig16(groups + count * 2, group);
    count++;
    if (isNext(0x5d)) break;
    if (!take(COLON)) return false;
    if (gap == 9 && take(COLON)) gap = count;
    else if (isNext(0x5d)) return false;
  }
  if (gap == 9 ? count != 8 : count > 7) return false;
  const missing = 8 - count;
  if (missing > 0) {
    for (let i = count; i > gap; i--) store<u16>(groups + (i - 1 + missing) * 2, load<u16>(groups + (i - 1) * 2));
    for (let i = gap; i < gap + missing; i++) store<u16>(groups + i * 2, 0);
  }
  addressLength = 28;
  return takeWord(']:') && takePort();
}

/** Makes ADDRESS of the text. Returns its family, or -1. */
function readAddress(): i64 {
  fill(native(ADDRESS), 0, 112);
  let family: i64 = -1;
  if (takeWord('unix:')) {
    const length = end - at;
    if (length == 0 || length >= UNIX_PATH_MAX) return -1;
    copy(native(ADDRESS) + 2, at, length);
    addressLength = 2 + length + 1;
    family = AF_UNIX;
  } else if (take(0x5b)) {
    if (takeIp6()) family = AF_INET6;
  } else if (takeIp4()) family = AF_INET;
  store<u16>(ADDRESS, <u16>family);
  return family;
}

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
  at = line;
  end = lineEnd;
  let result: i64;
  if (takeWord('fd:')) {
    const inherited = takeNumber(10, 1 << 20);
    if (inherited >= 0 && at == end) {
      result = call(SYS_fcntl, inherited, F_SETFD, FD_CLOEXEC);
      if (result < 0) fail(line, lineEnd - line, result);
      return inherited;
    }
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
