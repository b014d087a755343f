/**
 * Strings of the component: Unicode as UTF-8, else lifting one traps (Component Model, load_string). AssemblyScript.
 */

import { from_component } from './component';
import { buffer, checkList, CHUNK } from './memory';

/** Whether bytes are UTF-8: no surrogates, nothing in more bytes than it needs. RFC 3629, 4. */
export function isText(at: usize, length: usize): bool {
  const end = at + length;
  while (at < end) {
    const first = load<u8>(at++);
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;
    const more: usize = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (end - at < more) return false;
    const second = load<u8>(at);
    const lowest: u8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const highest: u8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest) return false;
    for (let i: usize = 1; i < more; i++) if ((load<u8>(at + i) & 0xc0) != 0x80) return false;
    at += more;
  }
  return true;
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
