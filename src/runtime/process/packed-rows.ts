/**
 * Finds a row of a packed table (image/contract/site-tables.ts PK_*; image/tables/packed-rows.ts writes it).
 *
 * AssemblyScript. Addresses are native.
 */

import { PK_BLOCK, PK_ENTRY, PK_HEAD } from '../../image/contract/site-tables';
import { load8_u } from '../native/native';
import { lastNotAbove, unsigned } from './sorted-rows';

/** The columns of the row that findRow has found. */
export let second: i64 = 0;
export let third: i64 = 0;

let at: i64 = 0;

/** @param table 0 for none. @returns whether there is a row for exactly this text offset */
export function findRow(table: i64, textOffset: i64): bool {
  if (table === 0) return false;
  const count = unsigned(table);
  const blocks = (count + PK_BLOCK - 1) / PK_BLOCK;
  const block = lastNotAbove(table + PK_HEAD, blocks, PK_ENTRY, textOffset);
  if (block === 0) return false;
  const first = ((block - table - PK_HEAD) / PK_ENTRY) * PK_BLOCK;
  const rows = first + PK_BLOCK > count ? count - first : <i64>PK_BLOCK;
  at = table + PK_HEAD + blocks * PK_ENTRY + unsigned(block + 4);
  let text = unsigned(block);
  second = 0;
  third = 0;
  for (let row: i64 = 0; row < rows; row++) {
    if (row !== 0) text += number();
    if (text > textOffset) return false;
    const code = number();
    second += signed(code >> 1);
    if ((code & 1) !== 0) third += signed(number());
    if (text === textOffset) return true;
  }
  return false;
}

/** Unsigned LEB128. */
function number(): i64 {
  let value: i64 = 0;
  let shift: i64 = 0;
  let byte: i64;
  do {
    byte = <i64>load8_u(at++);
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80);
  return value;
}

/** Of a zigzag number. */
function signed(code: i64): i64 {
  return (code >> 1) ^ -(code & 1);
}
