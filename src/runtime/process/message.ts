/**
 * Messages on descriptor 2, for the last words of a process: text, numbers and foreign bytes, gathered into one write.
 *
 * AssemblyScript. Text is a string literal (static UTF-16 bytes, ASCII only); no string is ever made. Not for use while
 * another message is being written: only paths that end the process use it.
 */

import { load8_u, memoryBase, syscall } from '../native/native';
import { SYS_write } from '../native/target';

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

/**
 * UTF-8 that somebody else chose, as src/base/terminal-text.ts has it for the tool: control characters are printed as
 * `\u{1b}`. Invalid UTF-8 becomes U+FFFD. `address` is native.
 */
export function putForeign(address: i64, bytes: i64): void {
  const end = address + bytes;
  while (address < end) {
    const size = sequenceLength(address, end);
    const code = codePoint(address, size);
    if (size === 0) {
      put('\\u{fffd}');
      address++;
    } else if (isUnsafe(code)) {
      put('\\u{');
      putHex(code);
      put('}');
      address += size;
    } else {
      for (const next = address + size; address < next; address++) putByte(load8_u(address));
    }
  }
}

/** Bytes of the character at an address, 0 when it is none: broken, overlong, a surrogate, or too large. */
function sequenceLength(address: i64, end: i64): i32 {
  const first = load8_u(address);
  if (first < 0x80) return 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || address + size > end) return 0;
  for (let i = 1; i < size; i++) if ((load8_u(address + i) & 0xc0) !== 0x80) return 0;
  const code = codePoint(address, size);
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  if (isSurrogate || code > 0x10ffff || code < (size === 4 ? 0x10000 : size === 3 ? 0x800 : 0x80)) return 0;
  return size;
}

function codePoint(address: i64, size: i32): u32 {
  const first = load8_u(address);
  if (size <= 1) return first;
  let code: u32 = first & (0x7f >> size);
  for (let i = 1; i < size; i++) code = (code << 6) | (load8_u(address + i) & 0x3f);
  return code;
}

/** Controls, separators of lines, and formatting: directions, joiners, tags. */
function isUnsafe(code: u32): bool {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || code === 0xad) return true;
  if (code < 0x600) return false;
  return (
    code === 0x61c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    (code >= 0xfff9 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );
}

export function flush(): void {
  syscall(SYS_write, 2, memoryBase() + buffer, length, 0, 0, 0);
  length = 0;
}
