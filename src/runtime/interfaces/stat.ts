/** Converts preview 1's filestat to wasi:filesystem's types. AssemblyScript. The filestat is in `found`. */

import { found } from './memory';
import { area, clearArea, giveArea } from './results';

const SECOND: u64 = 1_000_000_000;
const STAT: usize = 104;

/** option<datetime> */
function putTime(at: usize, nanoseconds: u64): void {
  store<u8>(at, 1);
  store<u64>(at, nanoseconds / SECOND, 8);
  store<u32>(at, <u32>(nanoseconds % SECOND), 16);
}

/** result<descriptor-stat, error-code>: an ok. */
export function giveStat(to: usize, type: u8): void {
  clearArea(STAT);
  store<u8>(area, type, 8);
  store<u64>(area, load<u64>(found, 24), 16); // links
  store<u64>(area, load<u64>(found, 32), 24); // size
  putTime(area + 32, load<u64>(found, 40));
  putTime(area + 56, load<u64>(found, 48));
  putTime(area + 80, load<u64>(found, 56));
  giveArea(to, STAT, 8);
}

/** result<metadata-hash-value, error-code>: an ok. Device and inode say which file it is. */
export function giveHash(to: usize): void {
  store<u64>(area, 0);
  store<u64>(area, load<u64>(found), 8);
  store<u64>(area, load<u64>(found, 8), 16);
  giveArea(to, 24, 8);
}
