/** Value types and function types of random modules. */

import { ValType } from '../../src/wasm/module.js';
import type { Choices } from './choices.js';
import { isTyped, referenceTo } from './reference-types.js';

export const I32 = ValType.I32;
export const I64 = ValType.I64;
export const F32 = ValType.F32;
export const F64 = ValType.F64;
export const V128 = ValType.V128;
export const FuncRef = ValType.FuncRef;
export const ExternRef = ValType.ExternRef;
export const NUMBERS: readonly ValType[] = [I32, I64, F64, F32];
const SCALARS: readonly ValType[] = [I32, I64, F64, F32, FuncRef, ExternRef];
const ALL_TYPES: readonly ValType[] = [...SCALARS, V128];

export function isFloat(type: ValType): boolean {
  return type === F32 || type === F64;
}

export function isReference(type: ValType): boolean {
  return type === FuncRef || type === ExternRef || type === ValType.ExnRef || isTyped(type);
}

export interface Signature {
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** A type as it is declared. */
export interface HeapType extends Signature {
  readonly supertype?: number;
  /** Whether it may be a supertype; only of the types for casts. */
  readonly isOpen?: boolean;
  /** Of the first of a recursive group: how many are in it, 0 for a type in none. */
  readonly group?: number;
}

/** The type section: equal signatures share an index, but for types that are declared for casts. */
export class Types {
  readonly list: HeapType[] = [];
  private readonly indexes = new Map<string, number>();

  add(type: HeapType): void {
    if (type.isOpen === undefined) this.index(type.params, type.results);
    else this.list.push(type);
  }

  /** The type itself and all above it. */
  ancestors(index: number): number[] {
    const { supertype } = this.list[index];
    return supertype === undefined ? [index] : [index, ...this.ancestors(supertype)];
  }

  isSubtype(index: number, of: number): boolean {
    return this.ancestors(index).includes(of);
  }

  index(params: readonly ValType[], results: readonly ValType[]): number {
    const key = `${params}>${results}`;
    let index = this.indexes.get(key);
    if (index === undefined) {
      this.indexes.set(key, (index = this.list.length));
      this.list.push({ params, results });
    }
    return index;
  }
}

/** Which value types there are beyond scalars. */
export interface ValueKinds {
  readonly vectorTypes: boolean;
  /** How many types there are typed references to. */
  readonly heaps: number;
}

export function valueType(choices: Choices, { vectorTypes, heaps }: ValueKinds): ValType {
  if (heaps > 0 && choices.oneIn(4)) return referenceTo(choices.next(heaps), choices.oneIn(2));
  return vectorTypes
    ? ALL_TYPES[choices.weighted([25, 12, 10, 10, 2, 1, 40])]
    : SCALARS[choices.weighted([30, 25, 20, 15, 3, 2])];
}

export function valueTypes(choices: Choices, most: number, kinds: ValueKinds): ValType[] {
  return Array.from({ length: choices.small(most + 1) }, () => valueType(choices, kinds));
}
