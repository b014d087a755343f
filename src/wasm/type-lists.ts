/**
 * Lists of value types by number, for the validator: what blocks, labels and functions take and give.
 *
 * List 0 is empty, then come those of single value types, each function type's parameters and results, and those of a
 * single reference to each type. All stand in one flat array, so that a control frame keeps two small integers and no
 * object. Needs module.ts.
 */

import { type FuncType, PLAIN_TYPES, type ValType } from './module.js';
import { exactOf, FIRST_PLAIN_TYPE, LAST_ABSTRACT, type RefTypes } from './ref-types.js';

export const EMPTY_LIST = 0;

const SINGLES: readonly ValType[] = [...PLAIN_TYPES, ...Array.from({ length: LAST_ABSTRACT }, (_, i) => i + 1)];
const FIRST_TYPE = 1 + SINGLES.length;

/** The list of one value type, by its code; 0 for bytes that are no value type. */
const singleListOf = new Uint8Array(256);
for (let i = 0; i < SINGLES.length; i++) singleListOf[SINGLES[i]] = 1 + i;

/** @param typeCount how many types the module has */
export function singleList(type: number, typeCount: number): number {
  return type < 0 ? FIRST_TYPE + 2 * typeCount - 1 - type : singleListOf[type];
}

/** The list of a value type that is one byte in the binary format; 0 for other bytes. */
export function plainList(byte: number): number {
  return byte < FIRST_PLAIN_TYPE ? EMPTY_LIST : singleListOf[byte];
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
  readonly types: Int32Array;

  constructor(funcTypes: readonly FuncType[]) {
    const references = 2 * funcTypes.length;
    let length = SINGLES.length + references;
    for (const { params, results } of funcTypes) length += params.length + results.length;
    const start = new Uint32Array(FIRST_TYPE + 2 * funcTypes.length + references + 1);
    const types = new Int32Array(length);
    types.set(SINGLES);
    for (let i = 0; i < SINGLES.length; i++) start[1 + i] = i;
    let at = SINGLES.length;
    let list = FIRST_TYPE;
    for (const type of funcTypes) {
      const { params, results } = exactOf(type);
      start[list++] = at;
      types.set(params, at);
      at += params.length;
      start[list++] = at;
      types.set(results, at);
      at += results.length;
    }
    for (let i = 0; i < references; i++) {
      start[list++] = at;
      types[at++] = -1 - i;
    }
    start[list] = at;
    this.start = start;
    this.types = types;
  }

  count(list: number): number {
    return this.start[list + 1] - this.start[list];
  }

  /** Whether values of list `a` may stand where those of list `b` are expected. */
  matches(a: number, b: number, refTypes: RefTypes): boolean {
    if (a === b) return true;
    const { start, types } = this;
    const count = this.count(a);
    if (count !== this.count(b)) return false;
    const startA = start[a];
    const startB = start[b];
    for (let i = 0; i < count; i++) {
      if (!refTypes.matches(types[startA + i], types[startB + i])) return false;
    }
    return true;
  }
}
