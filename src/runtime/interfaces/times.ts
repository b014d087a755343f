/** new-timestamp of wasi:filesystem: what preview 1 takes. AssemblyScript. */

const NOW: i32 = 1;
const TIMESTAMP: i32 = 2;
const SET_ACCESSED: i32 = 1;
const SET_ACCESSED_NOW: i32 = 2;
const SET_MODIFIED: i32 = 4;
const SET_MODIFIED_NOW: i32 = 8;
const SECOND: u64 = 1_000_000_000;
const MAX_SECONDS: u64 = u64.MAX_VALUE / SECOND - 4; // nanoseconds may be more than a second
const EOVERFLOW: i32 = 61;

/**
 * An errno: EOVERFLOW for a time that preview 1 has no number for, which is after the year 2554. Traps for a case that
 * new-timestamp does not have.
 */
export function checkTimes(accessedKind: i32, accessed: u64, modifiedKind: i32, modified: u64): i32 {
  if (<u32>accessedKind > <u32>TIMESTAMP || <u32>modifiedKind > <u32>TIMESTAMP) unreachable();
  const isTooLate =
    (accessedKind == TIMESTAMP && accessed >= MAX_SECONDS) || (modifiedKind == TIMESTAMP && modified >= MAX_SECONDS);
  return isTooLate ? EOVERFLOW : 0;
}

export function setFlags(accessedKind: i32, modifiedKind: i32): i32 {
  const accessed = accessedKind == NOW ? SET_ACCESSED_NOW : accessedKind == TIMESTAMP ? SET_ACCESSED : 0;
  return accessed | (modifiedKind == NOW ? SET_MODIFIED_NOW : modifiedKind == TIMESTAMP ? SET_MODIFIED : 0);
}

export function setNanoseconds(seconds: u64, nanoseconds: u32): i64 {
  return <i64>(seconds * SECOND + <u64>nanoseconds);
}
