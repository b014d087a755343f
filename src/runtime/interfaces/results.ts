/**
 * Results as the canonical ABI lays them out: made here, then copied to the component's return area at once.
 *
 * AssemblyScript. Discriminants are bytes: 0 is ok, 1 an error.
 */

import { to_component } from './component';
import { Kind, open } from './handles';
import { checkAlignment } from './memory';

/** What is being made. */
export const area: usize = memory.data(112, 8);

const STREAM_CLOSED: u8 = 1;

/** The area is filled to `size` bytes: copies it to the component. @param alignment of the type: traps at other places */
export function giveArea(to: usize, size: usize, alignment: usize): void {
  checkAlignment(to, alignment);
  to_component(to, area, size);
}

export function clearArea(size: usize): void {
  memory.fill(area, 0, size);
}

/** result<u64, ...> and its like: an ok with 64 bits. */
export function giveOk64(to: usize, value: u64): void {
  store<u64>(area, 0);
  store<u64>(area, value, 8);
  giveArea(to, 16, 8);
}

/** result<own<..>, ...>: an ok with 32 bits. */
export function giveOk32(to: usize, value: u32): void {
  store<u32>(area, 0);
  store<u32>(area, value, 4);
  giveArea(to, 8, 4);
}

/** A list or string in the return area itself. */
export function giveList(to: usize, list: usize, length: usize): void {
  store<u32>(area, <u32>list);
  store<u32>(area, <u32>length, 4);
  giveArea(to, 8, 4);
}

/** result<list, ...> or result<string, ...>: an ok. */
export function giveOkList(to: usize, list: usize, length: usize): void {
  store<u32>(area, 0);
  store<u32>(area, <u32>list, 4);
  store<u32>(area, <u32>length, 8);
  giveArea(to, 12, 4);
}

/** result<_, stream-error> at `payload`, which is its alignment: that the stream has ended. */
export function giveClosed(to: usize, payload: usize): void {
  clearArea(payload + 8);
  store<u8>(area, 1);
  store<u8>(area + payload, STREAM_CLOSED);
  giveArea(to, payload + 8, payload);
}

/** The same: last-operation-failed, with an error. */
export function giveFailed(to: usize, payload: usize, errno: i32): void {
  clearArea(payload + 8);
  store<u8>(area, 1);
  store<i32>(area + payload, open(Kind.Error, errno), 4);
  giveArea(to, payload + 8, payload);
}

/** result<_, error-code> of the filesystem. @param payload where the code is, and the alignment */
export function giveError(to: usize, payload: usize, code: u8): void {
  checkAlignment(to, payload);
  store<u8>(area, 1);
  store<u8>(area + payload, code);
  to_component(to, area, 1);
  to_component(to + payload, area + payload, 1);
}

/** result<_, error-code> without anything in its ok. */
export function giveOutcome(to: usize, errno: i32, code: u8): void {
  store<u8>(area, errno == 0 ? 0 : 1);
  store<u8>(area, code, 1);
  giveArea(to, 2, 1);
}
