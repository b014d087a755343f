/**
 * The lines of WAGSNAP_DIR, one after the other: HOST, HOST::GUEST, or either with :ro or :rw after it.
 *
 * AssemblyScript. An invalid line ends the process with 2.
 */

import { load8_u } from '../native/native';
import { variable } from '../process/environment';
import { flush, put, putForeign } from '../process/message';
import { exit } from '../process/runtime-block';

const COLON: i32 = 0x3a;
const NEWLINE: i32 = 0x0a;

/** The line being read: native addresses and lengths of its parts. */
export let host: i64 = 0;
export let hostLength: i64 = 0;
export let guest: i64 = 0;
export let guestLength: i64 = 0;
export let isLineReadOnly: bool = false;
/** Where the next line starts. */
let nextLine: i64 = 0;

/** Parses the next line that is not empty. Returns whether there was one. */
export function readLine(): bool {
  while (load8_u(nextLine) == NEWLINE) nextLine++;
  if (load8_u(nextLine) == 0) return false;
  const line = nextLine;
  let end = line;
  while (load8_u(end) != 0 && load8_u(end) != NEWLINE) end++;
  nextLine = end;
  isLineReadOnly = endsWith(line, end, 0x6f);
  const stop = isLineReadOnly || endsWith(line, end, 0x77) ? end - 3 : end;
  host = line;
  guest = line;
  hostLength = stop - line;
  for (let at = line; at + 1 < stop; at++) {
    if (load8_u(at) != COLON || load8_u(at + 1) != COLON) continue;
    hostLength = at - line;
    guest = at + 2;
    break;
  }
  guestLength = stop - guest;
  if (hostLength == 0 || guestLength == 0) {
    put('wag-snap: WAGSNAP_DIR: "');
    putForeign(line, end - line);
    put('": expected HOST or HOST::GUEST, with :ro or :rw after it\n');
    flush();
    exit(2);
  }
  return true;
}

/** Whether there is `:r` and a last letter after something. */
function endsWith(line: i64, end: i64, last: i32): bool {
  return end - line > 3 && load8_u(end - 3) == COLON && load8_u(end - 2) == 0x72 && load8_u(end - 1) == last;
}

export function startLines(): bool {
  nextLine = variable('WAGSNAP_DIR=');
  return nextLine != 0;
}
