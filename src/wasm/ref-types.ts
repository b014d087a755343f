/**
 * The numbers of value types in the validator (core spec 3.0, 2.3 and 3.3). Numeric and vector types, and funcref,
 * externref and exnref, are their byte in the binary format: ValType. All other references have codes of ours:
 *
 *     1 + 2 * heap + nullable        an abstract heap type, by its row in HEAPS
 *     -1 - 2 * type - nullable       a type of the module, by the index of the first type that equals it
 *
 * So equal types have equal codes in a module. Between modules types are compared by `key`. A type matches itself and
 * its supertypes. Outside of validation, all of them are represented as funcref, externref or exnref: see `erased`.
 * There are no objects, so every value of `any` and its subtypes is null; it is represented as an externref.
 */

import { createHash } from 'node:crypto';
import { ModuleError } from '../base/errors.js';
import { type FuncType, ValType } from './types.js';

/** Codes of the non-null references to the top types. */
export const enum RefCode {
  Func = 1,
  Extern = 3,
  Exn = 5,
}

/** Rows of HEAPS. */
const enum Heap {
  Func = 0,
  Extern = 1,
  Exn = 2,
  Any = 3,
  Eq = 4,
  None = 11,
}

interface HeapRow {
  readonly name: string;
  /** In the binary format: it is a nullable reference by itself; as a heap type it is 0x80 less. */
  readonly byte: number;
  /** The row of its top type, which all types of its kind match. */
  readonly top: Heap;
  /** Whether null is its only value. */
  readonly isBottom?: boolean;
}

/** Abstract heap types (core spec 5.3.2). The first three are nullable as plain types. */
const HEAPS: readonly HeapRow[] = [
  { name: 'func', byte: ValType.FuncRef, top: Heap.Func },
  { name: 'extern', byte: ValType.ExternRef, top: Heap.Extern },
  { name: 'exn', byte: ValType.ExnRef, top: Heap.Exn },
  { name: 'any', byte: 0x6e, top: Heap.Any },
  { name: 'eq', byte: 0x6d, top: Heap.Any },
  { name: 'i31', byte: 0x6c, top: Heap.Any },
  { name: 'struct', byte: 0x6b, top: Heap.Any },
  { name: 'array', byte: 0x6a, top: Heap.Any },
  { name: 'nofunc', byte: 0x73, top: Heap.Func, isBottom: true },
  { name: 'noextern', byte: 0x72, top: Heap.Extern, isBottom: true },
  { name: 'noexn', byte: 0x74, top: Heap.Exn, isBottom: true },
  { name: 'none', byte: 0x71, top: Heap.Any, isBottom: true },
];

/** By kind of reference: the type that represents its values. */
const REPRESENTED: readonly ValType[] = [ValType.FuncRef, ValType.ExternRef, ValType.ExnRef, ValType.ExternRef];

/** Abstract types have codes from 1 to this. */
export const LAST_ABSTRACT = 2 * HEAPS.length;

/** On the validator's operand stack: some reference, in code that cannot be reached (core spec 3.1.2). */
export const ANY_REF = 0x47;

/** Codes below it are not of the binary format. */
export const FIRST_PLAIN_TYPE = 0x48;

/** First bytes of reference types that are written with a heap type (core spec 5.3.4). */
export const REF = 0x64;
export const REF_NULL = 0x63;

const rowOfByte = new Int8Array(256).fill(-1);
for (const [row, { byte }] of HEAPS.entries()) rowOfByte[byte] = row;

/**
 * Names what a byte that is no supported value type means in later versions of the specification; undefined: nothing.
 */
export function laterType(byte: number): string | undefined {
  if (byte === 0x68 || byte === 0x75) return `stack switching (type ${byte === 0x68 ? 'cont' : 'nocont'})`;
  if (byte === 0x65) return 'shared-everything threads (shared types)';
  return byte === 0x62 ? 'custom descriptors (exact types)' : undefined;
}

/** Whether a code names a type of the module. */
function isOwn(code: number): boolean {
  return code < 0;
}

function ownCode(typeIndex: number, nullable: boolean): number {
  return -1 - 2 * typeIndex - Number(nullable);
}

function abstractCode(row: number, nullable: boolean): number {
  return nullable && row <= Heap.Exn ? HEAPS[row].byte : 1 + 2 * row + Number(nullable);
}

/** The row of an abstract reference type. */
function rowOf(code: number): number {
  return code >= FIRST_PLAIN_TYPE ? rowOfByte[code] : (code - 1) >> 1;
}

/** The row of a reference type's top type, which all references of its kind match. */
function topOf(code: number): Heap {
  return isOwn(code) ? Heap.Func : HEAPS[rowOf(code)].top;
}

export function isRefType(type: number): boolean {
  return type >= FIRST_PLAIN_TYPE ? rowOfByte[type] >= 0 : type !== 0 && type <= LAST_ABSTRACT;
}

/** Whether a byte is a reference type by itself, nullable and of no type of the module (core spec 3.0, 5.3.4). */
export function isShortRefType(byte: number): boolean {
  return rowOfByte[byte] >= 0;
}

/** The type that represents values of a one-byte type. */
export function erasedByte(byte: number): ValType {
  const row = rowOfByte[byte];
  return row < 0 ? byte : REPRESENTED[HEAPS[row].top];
}

/** Whether a local of the type has a value from the start (core spec 3.2.8). */
export function isDefaultable(types: RefTypes, type: number): boolean {
  return types.isNullable(type);
}

/** The type of the binary format that represents values of `type`. */
export function erased(type: ValType): ValType {
  if (type >= FIRST_PLAIN_TYPE) return type;
  return isOwn(type) ? ValType.FuncRef : REPRESENTED[topOf(type)];
}

/** Whether an abstract heap type is the top type of its kind. @param heap as in the binary format */
export function isTopType(heap: number): boolean {
  const row = rowOfByte[heap + 0x80];
  return HEAPS[row].top === row;
}

/** Whether a type is one of references to objects. Its only value is null, as there are no objects. */
export function isObjectType(type: number): boolean {
  return type < FIRST_PLAIN_TYPE && !isOwn(type) && topOf(type) === Heap.Any;
}

/** Whether null is the only value that a reference type has here, as there are no objects; or it has no value. */
export function isNullOnly(type: number): boolean {
  return isRefType(type) && !isOwn(type) && (topOf(type) === Heap.Any || HEAPS[rowOf(type)].isBottom === true);
}

/** The byte of an abstract reference type's heap type. */
export function heapByte(type: number): number {
  return HEAPS[rowOf(type)].byte;
}

/** `(ref null 5)`, `anyref`; undefined for what is no reference type of these. */
export function refTypeName(type: number): string | undefined {
  if (isOwn(type)) return `(ref ${(-1 - type) % 2 === 1 ? 'null ' : ''}${(-1 - type) >> 1})`;
  if (type === 0 || type > LAST_ABSTRACT) return undefined;
  const { name, isBottom } = HEAPS[rowOf(type)];
  if ((type - 1) % 2 === 0) return `(ref ${name})`;
  if (!isBottom) return `${name}ref`;
  return `null${name.slice(2) === 'ne' ? '' : name.slice(2)}ref`;
}

/** A function type of parameters and results as the validator has them. */
export function funcType(params: Int32Array, results: Int32Array): FuncType {
  const isPlain = params.every((type) => type >= FIRST_PLAIN_TYPE) && results.every((type) => type >= FIRST_PLAIN_TYPE);
  const represented = {
    params: Uint8Array.from(params, erased),
    results: Uint8Array.from(results, erased),
  };
  return isPlain ? represented : { ...represented, exact: { params, results } };
}

/** The parameters and results of a function type as the validator has them. */
export function exactOf(type: FuncType): { readonly params: ArrayLike<number>; readonly results: ArrayLike<number> } {
  return type.exact ?? type;
}

/** Equality of function types, of any two modules. */
export function sameFuncType(a: FuncType, b: FuncType): boolean {
  return keyOf(a) === keyOf(b);
}

/** A key that is the same for equal function types of any module. */
export function keyOf(type: FuncType): string {
  if (type.identity !== undefined) return type.identity;
  const { params, results } = type.exact ?? type;
  return `${params.join()}>${results.join()}`;
}

/** Whether functions of type `a` are of type `b`, which may be of another module. @param types of the module of `a` */
export function isFuncSubtype(a: FuncType, types: readonly FuncType[], b: FuncType): boolean {
  const key = keyOf(b);
  for (let type: FuncType | undefined = a; type; type = types[type.supertype ?? -1]) {
    if (keyOf(type) === key) return true;
  }
  return false;
}

/** Whether two function types have the same parameters and results, regardless of subtyping; for plain types only. */
export function sameSignature(a: FuncType, b: FuncType): boolean {
  return `${a.params.join()}>${a.results.join()}` === `${b.params.join()}>${b.results.join()}`;
}

/** What heap types are read from, as a Reader. */
interface HeapTypeReader {
  readonly pos: number;
  readonly file: string;
  s33(): number;
  malformed(detail: string, offset: number): ModuleError;
  unsupported(what: string, offset: number): ModuleError;
}

export class RefTypes {
  /** Of each type as far as known: the first one that equals it. */
  private readonly firsts: number[] = [];
  private readonly firstByKey = new Map<string, number>();
  private readonly groups = new Map<string, number>(); // by identity: the first type of each
  /** How many types may be named: while one is read it may name itself. */
  known = 0;

  /** @param types of the module, as they are read */
  constructor(private readonly types: FuncType[]) {}

  /** Of a module whose types have all been read. */
  static of(types: FuncType[]): RefTypes {
    const made = new RefTypes(types);
    made.known = types.length;
    return made;
  }

  /** A reference type whose first byte was REF or REF_NULL, or that of a heap type (core spec 5.4.3). */
  read(reader: HeapTypeReader, nullable: boolean): ValType {
    return this.named(nullable, this.readHeap(reader));
  }

  private readHeap(reader: HeapTypeReader): number {
    const offset = reader.pos;
    const heap = reader.s33();
    if (heap >= 0 && heap >= this.known) throw new ModuleError('invalid', `unknown type ${heap}`, offset, reader.file);
    if (heap < 0 && (heap < -0x40 || !isShortRefType(heap + 0x80))) {
      const later = heap >= -0x40 ? laterType(heap + 0x80) : undefined;
      if (later !== undefined) throw reader.unsupported(later, offset);
      throw reader.malformed(`malformed reference type 0x${(heap & 0x7f).toString(16)}`, offset);
    }
    return heap;
  }

  /** The code of a reference to a heap type, which is a type's index or below 0 as in the binary format. */
  named(nullable: boolean, heap: number): ValType {
    return heap >= 0 ? ownCode(this.first(heap), nullable) : abstractCode(rowOfByte[heap + 0x80], nullable);
  }

  /** The type of a reference to a function of a type: (ref $t). */
  ofFunction(typeIndex: number): ValType {
    return ownCode(this.first(typeIndex), false);
  }

  isNullable(type: number): boolean {
    if (isOwn(type)) return (-1 - type) % 2 === 1;
    return type >= FIRST_PLAIN_TYPE || (type - 1) % 2 === 1;
  }

  /** Whether the type names a type of the module. */
  isOwn(type: number): boolean {
    return isOwn(type);
  }

  /** The type index that a type refers to, -1 for an abstract one. */
  typeIndex(type: number): number {
    return isOwn(type) ? (-1 - type) >> 1 : -1;
  }

  /** The same type without null. */
  nonNull(type: number): number {
    return isOwn(type) ? ownCode((-1 - type) >> 1, false) : abstractCode(rowOf(type), false);
  }

  /** The same type with null. */
  nullable(type: number): number {
    return isOwn(type) ? ownCode((-1 - type) >> 1, true) : abstractCode(rowOf(type), true);
  }

  /** The nullable top type that all references of the same kind match. */
  top(type: number): number {
    return abstractCode(topOf(type), true);
  }

  /** Whether values of `type` may stand where `expected` is (core spec 3.3.3); both of this module. */
  matches(type: number, expected: number): boolean {
    if (type === expected) return true;
    if (!isRefType(type) || !isRefType(expected)) return false;
    return matchesAcross(this, type, this, expected);
  }

  /** The first type of the module that equals type `index`. */
  first(index: number): number {
    const { firsts, firstByKey, types } = this;
    for (let i = firsts.length; i <= index && i < types.length; i++) {
      const key = keyOf(types[i]);
      const first = firstByKey.get(key);
      if (first === undefined) firstByKey.set(key, i);
      firsts.push(first ?? i);
    }
    return firsts[index] ?? index; // a type that names itself is not there yet
  }

  /**
   * Adds the types of a group to the module's, each with what equals it in any module. Groups of equal structure are
   * the same types (core spec 3.0, 3.1.4).
   *
   * @returns whether the group is a new one
   */
  addGroup(group: readonly FuncType[]): boolean {
    const { types, groups } = this;
    const base = types.length;
    if (group.length === 0) return false;
    const [{ exact, supertype, isOpen }] = group;
    const namesTypes = exact !== undefined && (exact.params.some(isOwn) || exact.results.some(isOwn));
    if (group.length === 1 && supertype === undefined && isOpen !== true && !namesTypes) {
      types.push(group[0]);
      return true;
    }
    const hash = createHash('sha256');
    for (const type of group) hash.update(`${this.describe(type, base)};`);
    const identity = hash.digest('hex');
    const first = groups.get(identity);
    if (first === undefined) groups.set(identity, base);
    group.forEach((type, i) => {
      if (first === undefined) types.push({ ...type, identity: `${identity}${i}` });
      else types.push(types[first + i]); // its codes may name the group itself instead
    });
    return first === undefined;
  }

  /** All of a type, with names of types that mean the same in any module. @param base where its group begins */
  private describe(type: FuncType, base: number): string {
    const { supertype, isOpen } = type;
    const { params, results } = exactOf(type);
    const list = (codes: ArrayLike<number>) => Array.from(codes, (code) => this.key(code, base)).join();
    const above = supertype === undefined ? '' : `sub ${this.heapName(supertype, base)} `;
    return `${isOpen ? 'open ' : ''}${above}${list(params)}>${list(results)}`;
  }

  private heapName(heap: number, base: number): string {
    return heap >= base ? `rec.${heap - base}` : `(${keyOf(this.types[heap])})`;
  }

  /** The type index of a type's supertype, -1 for none. */
  supertype(index: number): number {
    return this.types[index]?.supertype ?? -1;
  }

  heapKey(index: number): string {
    return keyOf(this.types[index]);
  }

  /** A key that is the same for equal value types of any module. @param base where the group being described begins */
  key(code: number, base = Number.POSITIVE_INFINITY): string {
    if (!isOwn(code)) return `${code}`;
    const name = this.heapName(this.typeIndex(code), base);
    return this.isNullable(code) ? `null ${name}` : name;
  }
}

/** As RefTypes.matches, of types of two modules. */
export function matchesAcross(types: RefTypes, type: number, expectedTypes: RefTypes, expected: number): boolean {
  if (!isRefType(type) || !isRefType(expected)) return type === expected;
  if (types.isNullable(type) && !expectedTypes.isNullable(expected)) return false;
  const top = topOf(type);
  if (top !== topOf(expected)) return false;
  if (!isOwn(type) && HEAPS[rowOf(type)].isBottom === true) return true;
  if (!isOwn(expected)) {
    const row = rowOf(expected);
    // Between `any` and the types of objects there is `eq`.
    if (row === top || (!isOwn(type) && row === rowOf(type))) return true;
    return row === Heap.Eq && rowOf(type) > Heap.Eq;
  }
  if (!isOwn(type)) return false;
  const wanted = expectedTypes.typeIndex(expected);
  const isSame = types === expectedTypes;
  const first = types.first(wanted);
  for (let at = types.typeIndex(type); at >= 0; at = types.supertype(at)) {
    if (isSame ? types.first(at) === first : types.heapKey(at) === expectedTypes.heapKey(wanted)) return true;
  }
  return false;
}
