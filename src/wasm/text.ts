/**
 * Types as text for people: value types, and those of functions, tables, memories and globals.
 *
 * Is not a text-format printer: whole modules are never printed.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { type FuncType, type GlobalType, type Limits, type MemoryType, type TableType, ValType } from './module.js';
import { ANY_REF, exactOf, refTypeName } from './ref-types.js';

/** `i32`, `funcref`, ...; of a byte that is no value type, its number. */
export function valTypeName(type: number): string {
  switch (type) {
    case ValType.I32:
      return 'i32';
    case ValType.I64:
      return 'i64';
    case ValType.F32:
      return 'f32';
    case ValType.F64:
      return 'f64';
    case ValType.V128:
      return 'v128';
    case ValType.FuncRef:
      return 'funcref';
    case ValType.ExternRef:
      return 'externref';
    case ValType.ExnRef:
      return 'exnref';
    case ANY_REF:
      return 'a reference';
    default:
      return refTypeName(type) ?? `type 0x${type.toString(16)}`;
  }
}

/** `i32, f64`; nothing for none. */
export function formatTypes(types: ArrayLike<number>): string {
  return Array.from(types, valTypeName).join(', ');
}

/** `(i32, i32, i32, i32) i32`; without results nothing follows the parenthesis. */
export function formatFuncType(type: FuncType): string {
  const { params, results } = exactOf(type);
  return `(${formatTypes(params)})${results.length === 0 ? '' : ` ${formatTypes(results)}`}`;
}

/** `mut i32`, `i32`. */
export function formatGlobalType(type: GlobalType): string {
  return `${type.mutable ? 'mut ' : ''}${valTypeName(type.type)}`;
}

/** `1`, `1..16`, `i64 1..16`. */
export function formatLimits({ min, max, address }: Limits): string {
  const range = max === undefined ? `${min}` : `${min}..${max}`;
  return address === ValType.I64 ? `i64 ${range}` : range;
}

/** `1..16 funcref`. */
export function formatTableType(type: TableType): string {
  return `${formatLimits(type)} ${valTypeName(type.element)}`;
}

/** `1`, `1..16 shared`, `1000 (pagesize 1)`. */
export function formatMemoryType(type: MemoryType): string {
  const pages = type.pageSize === WASM_PAGE ? '' : ` (pagesize ${type.pageSize})`;
  return `${formatLimits(type)}${type.shared ? ' shared' : ''}${pages}`;
}
