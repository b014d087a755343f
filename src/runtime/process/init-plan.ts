/**
 * Walking the init plan (image/contract/site-tables.ts, "init plan"): where each part of an instance's entry starts.
 *
 * AssemblyScript. A part is a count and that many rows of u64 words. Touches no linear memory.
 */

import { RT_INIT_PLAN } from '../../image/contract/runtime-block';
import { load64 } from '../native/native';
import { word } from './runtime-block';

export function instanceCount(): i32 {
  return <i32>load64(word(RT_INIT_PLAN));
}

export function firstInstance(): i64 {
  return word(RT_INIT_PLAN) + 8;
}

/** The entry of instance `index` of the image; the host layer's is 0. */
export function instanceAt(index: i32): i64 {
  let entry = firstInstance();
  for (let i = 0; i < index; i++) entry = nextInstance(entry);
  return entry;
}

/** The instance block. */
export function blockOf(entry: i64): i64 {
  return load64(entry);
}

/** Rows {record, minPages}. */
export function memoriesOf(entry: i64): i64 {
  return entry + 8;
}

/** Rows {record, min, what all elements are at first}. */
export function tablesOf(entry: i64): i64 {
  return after(memoriesOf(entry), 2);
}

/** Rows {tableRecord, offset, segmentRecord}. */
export function elementsOf(entry: i64): i64 {
  return after(tablesOf(entry), 3);
}

/** Rows {memoryRecord, offset, segmentRecord}. */
export function datasOf(entry: i64): i64 {
  return after(elementsOf(entry), 3);
}

/** Rows {segmentRecord}. */
export function declaredOf(entry: i64): i64 {
  return after(datasOf(entry), 3);
}

/** Rows {where a size is, the least that it may be}. */
export function sizesOf(entry: i64): i64 {
  return after(declaredOf(entry), 1);
}

/** Function record of the start function, or 0. */
export function startOf(entry: i64): i64 {
  return load64(after(sizesOf(entry), 2));
}

/** Function record of _start, or 0. */
export function entryOf(entry: i64): i64 {
  return load64(after(sizesOf(entry), 2) + 8);
}

export function nextInstance(entry: i64): i64 {
  return after(sizesOf(entry), 2) + 16;
}

function after(part: i64, columns: i64): i64 {
  return part + 8 + load64(part) * columns * 8;
}
