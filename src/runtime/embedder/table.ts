/**
 * The image's table of the embedder's import functions (image/contract/embedder.ts EI_*).
 *
 * AssemblyScript. Rows are named by their ordinals, addresses are native.
 */

import {
  EI_COUNT,
  EI_MEMORIES,
  EI_MODULE_LENGTH,
  EI_NAME_LENGTH,
  EI_PARAMS,
  EI_RESULTS,
  EI_ROWS,
  EI_ROW_SIZE,
  EI_TEXT,
  EI_TYPE,
} from '../../image/contract/embedder';
import { RT_EMBEDDER_IMPORTS } from '../../image/contract/runtime-block';
import { load16_u, load32_u, load8_u } from '../native/native';
import { putByte, putForeign } from '../process/message';
import { imageBase, word } from '../process/runtime-block';

/** Value types in descriptions, as the binary format has them. */
export const TYPE_I32: i32 = 0x7f;
export const TYPE_F32: i32 = 0x7d;
export const TYPE_V128: i32 = 0x7b;
export const TYPE_FUNCREF: i32 = 0x70;
export const TYPE_EXTERNREF: i32 = 0x6f;

/** Of the table; 0 when the program has no such imports. */
export function table(): i64 {
  return word(RT_EMBEDDER_IMPORTS);
}

export function importCount(): i32 {
  return load32_u(table() + EI_COUNT);
}

function rowAt(ordinal: i32): i64 {
  return table() + EI_ROWS + <i64>ordinal * EI_ROW_SIZE;
}

function typeAt(ordinal: i32): i64 {
  return table() + <i64>(<u32>load32_u(rowAt(ordinal) + EI_TYPE));
}

export function paramCount(ordinal: i32): i32 {
  return load16_u(typeAt(ordinal) + EI_PARAMS);
}

export function resultCount(ordinal: i32): i32 {
  return load16_u(typeAt(ordinal) + EI_RESULTS);
}

function moduleLength(ordinal: i32): i64 {
  return load16_u(typeAt(ordinal) + EI_MODULE_LENGTH);
}

function nameLength(ordinal: i32): i64 {
  return load16_u(typeAt(ordinal) + EI_NAME_LENGTH);
}

/** Address of the codes of its parameters' types; those of its results come after them. */
export function typesOf(ordinal: i32): i64 {
  return typeAt(ordinal) + EI_TEXT + moduleLength(ordinal) + nameLength(ordinal);
}

/** Cells of 8 bytes of `count` values. @param types address of their codes */
export function cellsOf(types: i64, count: i32): i32 {
  let cells = count;
  for (let i = 0; i < count; i++) if (load8_u(types + i) === TYPE_V128) cells++;
  return cells;
}

export function isReference(type: i32): bool {
  return type === TYPE_FUNCREF || type === TYPE_EXTERNREF;
}

/** Address of the record (MEM_*) of a memory of the import's instance, or 0 when it has none of that index. */
export function memoryRecord(ordinal: i32, index: u32): i64 {
  const list = table() + <i64>(<u32>load32_u(rowAt(ordinal) + EI_MEMORIES));
  if (index >= <u32>load32_u(list)) return 0;
  return imageBase() + <i64>(<u32>load32_u(list + 4 + 4 * <i64>index));
}

/** Address of the name of its module; its own comes after it. */
export function namesOf(ordinal: i32): i64 {
  return typeAt(ordinal) + EI_TEXT;
}

export function modulePart(ordinal: i32): i64 {
  return moduleLength(ordinal);
}

export function namePart(ordinal: i32): i64 {
  return nameLength(ordinal);
}

/** `module.name`, for people. */
export function putImport(ordinal: i32): void {
  putForeign(namesOf(ordinal), moduleLength(ordinal));
  putByte(46); // .
  putForeign(namesOf(ordinal) + moduleLength(ordinal), nameLength(ordinal));
}
