/**
 * The types that random modules have typed references to ("heaps"): the first of the type section, and the same ones in
 * all modules of a case. For casts some are declared with a supertype, open or final, alone or in recursive groups.
 */

import type { Encoding } from '../support/function-references.js';
import type { Choices } from './choices.js';
import { heapOf, isNonNull, isTyped, referenceTo, writeType } from './reference-types.js';
import { FuncRef, type HeapType, type Types, valueTypes } from './types.js';
import type { WasmWriter } from './wasm-writer.js';

const FUNCTION = 0x60;
const OPEN = 0x50;

/** Types that refer to those before them, or those of the library. @returns how many */
export function addHeaps(choices: Choices, types: Types, kinds: HeapKinds, library: Library | undefined): number {
  if (library !== undefined) {
    for (const type of library.types.list.slice(0, library.heaps)) types.add(type);
  } else if (kinds.casts) addHierarchy(choices, types, kinds.vectorTypes);
  else {
    for (let i = 1 + choices.next(3); i > 0; i--) {
      const known = { vectorTypes: kinds.vectorTypes, heaps: types.list.length };
      types.index(valueTypes(choices, 6, known), valueTypes(choices, 3, known));
    }
  }
  return types.list.length;
}

interface HeapKinds {
  readonly vectorTypes: boolean;
  readonly casts: boolean;
}

interface Library {
  readonly types: Types;
  readonly heaps: number;
}

/**
 * Groups of two or three types, which may refer to all of their own group, and single types with a supertype. The V8 of
 * Node.js 20 takes an open and a final type for the same one, if they are equal but for that. So single types without a
 * supertype are those of the other functions alone, and whether a type is open follows from the rest of it.
 */
function addHierarchy(choices: Choices, types: Types, vectorTypes: boolean): void {
  const count = 2 + choices.next(6);
  while (types.list.length < count) {
    const base = types.list.length;
    const open = types.list.map((_, i) => i).filter((i) => types.list[i].isOpen === true);
    if (open.length > 0 && choices.oneIn(2)) {
      types.add({ ...derived(choices, types, choices.pick(open)), group: 0 });
      continue;
    }
    const end = base + 2 + choices.next(2);
    const kinds = { vectorTypes, heaps: end };
    for (let i = base; i < end; i++) {
      const above = types.list.map((_, k) => k).filter((k) => types.list[k].isOpen === true);
      const type =
        above.length > 0 && choices.next(4) > 0
          ? derived(choices, types, choices.pick(above))
          : declared(valueTypes(choices, 4, kinds), valueTypes(choices, 3, kinds));
      types.add(i === base ? { ...type, group: end - base } : type);
    }
  }
}

function declared(params: readonly number[], results: readonly number[], supertype?: number, depth = 0): HeapType {
  const value = (type: number) => (isTyped(type) ? 1 + Number(isNonNull(type)) : type);
  const sum = [...params, ...results].reduce((total, type) => total + value(type), depth);
  return { params, results, supertype, isOpen: sum % 4 !== 2 };
}

function derived(choices: Choices, types: Types, supertype: number): HeapType {
  const { params, results } = types.list[supertype];
  const narrow = (type: number) => (choices.oneIn(2) ? narrower(choices, types, type) : type);
  const wide = (type: number) => (choices.oneIn(2) ? wider(choices, types, type) : type);
  return declared(params.map(wide), results.map(narrow), supertype, types.ancestors(supertype).length);
}

/** A subtype of a value type, among those declared already. */
function narrower(choices: Choices, types: Types, type: number): number {
  if (type === FuncRef)
    return types.list.length > 0 ? referenceTo(choices.next(types.list.length), choices.oneIn(2)) : type;
  if (!isTyped(type)) return type;
  const heaps = types.list.map((_, i) => i).filter((i) => types.isSubtype(i, heapOf(type)));
  return referenceTo(heaps.length > 0 ? choices.pick(heaps) : heapOf(type), !isNonNull(type) && choices.oneIn(2));
}

function wider(choices: Choices, types: Types, type: number): number {
  if (!isTyped(type)) return type;
  if (choices.oneIn(4)) return FuncRef;
  const heap = heapOf(type);
  return referenceTo(heap < types.list.length ? choices.pick(types.ancestors(heap)) : heap, true);
}

/** The type section. */
export function writeTypes(out: WasmWriter, { list }: Types, encoding: Encoding, casts: boolean): void {
  const starts = [...list.keys()].filter((i) => list[i].group !== undefined || !isHeap(list[i]));
  out.list(1, starts, (to, first, n) => {
    const end = starts[n + 1] ?? list.length;
    if (list[first].group) {
      to.byte(encoding.rec);
      to.u32(end - first);
    }
    for (const type of list.slice(first, end)) writeFunctionType(to, type, encoding, casts);
  });
}

function isHeap(type: HeapType): boolean {
  return type.isOpen !== undefined;
}

/** A final type without a supertype has a short form, which in older encodings means an open one. */
function writeFunctionType(to: WasmWriter, type: HeapType, encoding: Encoding, casts: boolean): void {
  const { params, results, supertype, isOpen = false } = type;
  if (isOpen || supertype !== undefined || (casts && encoding.isOlder)) {
    to.byte(isOpen ? OPEN : encoding.final);
    to.byte(supertype === undefined ? 0 : 1);
    if (supertype !== undefined) to.u32(supertype);
  }
  to.byte(FUNCTION);
  for (const list of [params, results]) {
    to.u32(list.length);
    for (const type of list) writeType(to, type, encoding);
  }
}
