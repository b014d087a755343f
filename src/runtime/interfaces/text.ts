/**
 * Strings of the component: Unicode as UTF-8. Lifting anything else traps (Component Model, load_string), and what is
 * lowered is made such. AssemblyScript.
 */

import { from_component } from './component';
import { buffer, checkList, CHUNK } from './memory';

/**
 * The length of the character at `at`. Negative: of bytes that are none, so many as begin a character, at least 1 (the
 * maximal subpart of The Unicode Standard, 3.9). No surrogates, nothing in more bytes than it needs: RFC 3629, 4.
 */
function character(at: usize, end: usize): i32 {
  const first = load<u8>(at);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const length: usize = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const lowest: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const highest: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (at + 1 >= end || load<u8>(at + 1) < lowest || load<u8>(at + 1) > highest) return -1;
  for (let i: usize = 2; i < length; i++) {
    if (at + i >= end || (load<u8>(at + i) & 0xc0) != 0x80) return -(<i32>i);
  }
  return <i32>length;
}

/** Whether bytes are UTF-8. */
export function isText(at: usize, length: usize): bool {
  const end = at + length;
  while (at < end) {
    const size = character(at, end);
    if (size < 0) return false;
    at += <usize>size;
  }
  return true;
}

/** The most bytes that a byte becomes in `asText`. */
export const TEXT_MOST: usize = 3;

/** Copies bytes as UTF-8: what is no character becomes U+FFFD. @returns how many bytes that are */
export function asText(to: usize, from: usize, length: usize): usize {
  const start = to;
  const end = from + length;
  while (from < end) {
    const size = character(from, end);
    if (size > 0) {
      memory.copy(to, from, <usize>size);
      to += <usize>size;
      from += <usize>size;
      continue;
    }
    store<u8>(to, 0xef);
    store<u8>(to, 0xbf, 1);
    store<u8>(to, 0xbd, 2);
    to += 3;
    from += <usize>-size;
  }
  return to - start;
}

/** Copies a string from the component. @returns false when it is longer than `most` @throws a trap when it is none */
export function takeText(to: usize, from: usize, length: usize, most: usize): bool {
  checkList(from, length);
  if (length > most) return false;
  from_component(to, from, length);
  if (!isText(to, length)) unreachable();
  return true;
}

/** Traps when it is no string. One that is longer than a chunk is only looked for. */
export function checkText(from: usize, length: usize): void {
  takeText(buffer, from, length, CHUNK);
}
