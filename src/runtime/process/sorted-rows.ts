/** Tables of rows that begin with a u32 and are sorted by it. AssemblyScript. Addresses are native. */

import { load32_u } from '../native/native';

/** The last row whose first u32 is <= value, or 0. @param table 0 for none @param size bytes of a row */
export function lastNotAbove(table: i64, count: i64, size: i64, value: i64): i64 {
  if (table === 0) return 0;
  let low: i64 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (unsigned(table + middle * size) <= value) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : table + (low - 1) * size;
}

/** The u32 at an address. */
export function unsigned(address: i64): i64 {
  return <i64>(<u32>load32_u(address));
}
