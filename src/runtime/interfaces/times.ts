/** new-timestamp of wasi:filesystem: what preview 1 takes. AssemblyScript. */

const NOW: i32 = 1;
const TIMESTAMP: i32 = 2;
const SET_ACCESSED: i32 = 1;
const SET_ACCESSED_NOW: i32 = 2;
const SET_MODIFIED: i32 = 4;
const SET_MODIFIED_NOW: i32 = 8;
const SECOND: u64 = 1_000_000_000;

export function setFlags(accessedKind: i32, modifiedKind: i32): i32 {
  const accessed = accessedKind == NOW ? SET_ACCESSED_NOW : accessedKind == TIMESTAMP ? SET_ACCESSED : 0;
  return accessed | (modifiedKind == NOW ? SET_MODIFIED_NOW : modifiedKind == TIMESTAMP ? SET_MODIFIED : 0);
}

export function setNanoseconds(seconds: u64, nanoseconds: u32): i64 {
  return <i64>(seconds * SECOND + <u64>nanoseconds);
}
