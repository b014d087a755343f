/**
 * Lists of value types by number, for the validator: what blocks, labels and functions take and give.
 *
 * List 0 is empty, lists 1 to 8 are the single value types, then come each function type's parameters and results. All
 * stand in one flat array, so that a control frame keeps two small integers and no object. Needs module.ts.
 */

import { type FuncType, ValType } from './module.js';

export const EMPTY_LIST = 0;

const SINGLES: readonly ValType[] = [
  ValType.I32,
  ValType.I64,
  ValType.F32,
  ValType.F64,
  ValType.V128,
  ValType.FuncRef,
  ValType.ExternRef,
  ValType.ExnRef,
];
const FIRST_TYPE = 1 + SINGLES.length;

/** The list of one value type, by its binary code; 0 for bytes that are no value type. */
const singleListOf = new Uint8Array(256);
for (let i = 0; i < SINGLES.length; i++) singleListOf[SINGLES[i]!] = 1 + i;

export function singleList(type: number): number {
  return singleListOf[type]!;
}

export function paramList(typeIndex: number): number {
  return FIRST_TYPE + 2 * typeIndex;
}

export function resultList(typeIndex: number): number {
  return FIRST_TYPE + 2 * typeIndex + 1;
}

export class TypeLists {
  /** List n is types[start[n]] to types[start[n + 1] - 1]. */
  readonly start: Uint32Array;
  readonly types: Uint8Array;

  constructor(funcTypes: readonly FuncType[]) {
    let length = SINGLES.length;
    for (const { params, results } of funcTypes) length += params.length + results.length;
    const start = new Uint32Array(FIRST_TYPE + 2 * funcTypes.length + 1);
    const types = new Uint8Array(length);
    types.set(SINGLES);
    for (let i = 0; i < SINGLES.length; i++) start[1 + i] = i;
    let at = SINGLES.length;
    let list = FIRST_TYPE;
    for (const { params, results } of funcTypes) {
      start[list++] = at;
      types.set(params, at);
      at += params.length;
      start[list++] = at;
      types.set(results, at);
      at += results.length;
    }
    start[list] = at;
    this.start = start;
    this.types = types;
  }

  count(list: number): number {
    return this.start[list + 1]! - this.start[list]!;
  }

  equal(a: number, b: number): boolean {
    if (a === b) return true;
    const { start, types } = this;
    const count = this.count(a);
    if (count !== this.count(b)) return false;
    const startA = start[a]!;
    const startB = start[b]!;
    for (let i = 0; i < count; i++) {
      if (types[startA + i] !== types[startB + i]) return false;
    }
    return true;
  }
}
