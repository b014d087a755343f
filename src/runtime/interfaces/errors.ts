/** Errors of preview 1 as error codes of wasi:filesystem. AssemblyScript. */

import { Kind, kindOf, heldBy } from './handles';
import { area, giveArea } from './results';

/** By errno of preview 1: the case of error-code. Those that it has no case for are `io`. */
// biome-ignore format: a row for ten
const CODES: usize = memory.data<u8>([
  13, 13, 0, 13, 13, 13, 1, 2, 3, 13,
  4, 13, 13, 13, 13, 13, 5, 13, 13, 6,
  7, 13, 8, 13, 13, 9, 10, 11, 12, 13,
  13, 14, 15, 13, 16, 17, 13, 18, 13, 13,
  13, 13, 13, 19, 20, 13, 21, 13, 22, 13,
  13, 23, 27, 13, 24, 25, 26, 13, 27, 28,
  29, 30, 13, 31, 32, 13, 13, 13, 13, 33,
  34, 13, 13, 13, 35, 36, 31,
]);
const COUNT: i32 = 77;
const IO: u8 = 13;

export function codeOf(errno: i32): u8 {
  return <u32>errno < <u32>COUNT ? load<u8>(CODES + <usize>errno) : IO;
}

/** option<error-code> of an error of a stream. */
export function filesystem_types_filesystem_error_code(error: i32, to: usize): void {
  if (kindOf(error) != Kind.Error) unreachable();
  store<u8>(area, 1);
  store<u8>(area, codeOf(heldBy(error, Kind.Error)), 1);
  giveArea(to, 2, 1);
}
