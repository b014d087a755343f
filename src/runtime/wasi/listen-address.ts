/**
 * Parses an address to listen at (listeners.ts has the forms) to the kernel's structure. AssemblyScript.
 */

import { copy, fill, load8_u } from '../native/native';
import { native } from '../descriptors/linux';

const AF_UNIX: i64 = 1;
const AF_INET: i64 = 2;
const AF_INET6: i64 = 10;
const UNIX_PATH_MAX: i64 = 108;

const COLON: i32 = 0x3a;
const DOT: i32 = 0x2e;

/** struct sockaddr of any family, and its length. */
export const ADDRESS: usize = memory.data(112, 8);
export let addressLength: i64 = 0;

// the text being read: native addresses
let at: i64 = 0;
let end: i64 = 0;

/** What is read next: native addresses. */
export function startAddress(text: i64, textEnd: i64): void {
  at = text;
  end = textEnd;
}

/** The number in `fd:N`, or -1 when the text is something else. */
export function readInherited(): i32 {
  if (!takeWord('fd:')) return -1;
  const descriptor = takeNumber(10, 1 << 20);
  return at == end ? descriptor : -1;
}

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
export function readAddress(): i64 {
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
