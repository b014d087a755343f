/**
 * Messages on descriptor 2, for the last words of a process: text, numbers and foreign bytes, gathered into one write.
 *
 * AssemblyScript. Text is a string literal (static UTF-16 bytes, ASCII only); no string is ever made. Not for use while
 * another message is being written: only paths that end the process use it.
 */

import { load8_u, memoryBase, SYS_write, syscall } from '../native';

const CAPACITY: i32 = 4096;
const buffer: usize = memory.data(4096);
let length: i32 = 0;

export function putByte(byte: i32): void {
  if (length === CAPACITY) flush();
  store<u8>(buffer + length, <u8>byte);
  length++;
}

export function put(text: string): void {
  for (let i = 0; i < text.length; i++) putByte(load<u16>(changetype<usize>(text) + (i << 1)));
}

export function putDecimal(value: u64): void {
  if (value >= 10) putDecimal(value / 10);
  putByte(48 + <i32>(value % 10));
}

/** Without "0x". */
export function putHex(value: u64): void {
  if (value >= 16) putHex(value >> 4);
  const digit = <i32>(value & 15);
  putByte(digit < 10 ? 48 + digit : 87 + digit);
}

/** Bytes that somebody else chose: control characters become question marks. `address` is native. */
export function putForeign(address: i64, bytes: i64): void {
  for (let i: i64 = 0; i < bytes; i++) {
    const byte = load8_u(address + i);
    putByte(byte < 32 || byte === 127 ? 63 : byte);
  }
}

export function flush(): void {
  syscall(SYS_write, 2, memoryBase() + buffer, length, 0, 0, 0);
  length = 0;
}
