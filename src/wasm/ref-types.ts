/**
 * Reference types that have no code of a byte in the binary format: (ref func), (ref null $t) and their like (core spec
 * 3.0, 2.3.3 and 3.1.1), as codes of a byte of ours.
 *
 *     0x01 .. 0x3c   the module's own: a type index, nullable or not, in the order in which they are met
 *     0x3d .. 0x3f   (ref func), (ref exn), (ref extern); the nullable ones are funcref, exnref and externref
 *     0x41 .. 0x43   (ref null nofunc), (ref null noextern), (ref null noexn): only null is of these types
 *     0x44 .. 0x46   (ref nofunc), (ref noextern), (ref noexn): nothing is
 *
 * So value types stay bytes. Equal types have equal codes in a module, as type indices are replaced by the first type
 * of the same structure. Between modules types are compared by `key`. A type matches itself and its supertypes. Outside of validation all of them are funcref,
 * exnref or externref: `erased`.
 */

import { createHash } from 'node:crypto';
import { ModuleError } from '../base/errors.js';
import { limitError, limits } from './limits.js';
import { type FuncType, ValType } from './types.js';

export const enum RefCode {
  Func = 0x3d,
  Exn = 0x3e,
  Extern = 0x3f,
  NullFunc = 0x41,
  NullExtern = 0x42,
  NullExn = 0x43,
  NoFunc = 0x44,
  NoExtern = 0x45,
  NoExn = 0x46,
}

/** On the validator's operand stack: some reference, in code that cannot be reached (core spec 3.1.2). */
export const ANY_REF = 0x47;

/** Codes below it are not of the binary format. */
export const FIRST_PLAIN_TYPE = 0x48;

/** First bytes of reference types that are written with a heap type (core spec 5.3.4). */
export const REF = 0x64;
export const REF_NULL = 0x63;

/** Abstract heap types as s33 numbers. */
const enum Heap {
  NoExn = -0x0c,
  NoFunc = -0x0d,
  NoExtern = -0x0e,
  Func = -0x10,
  Extern = -0x11,
  Exn = -0x17,
}

/** How many of the module's own codes functions that are only referred to may take, from types that nobody names. */
const UNNAMED_CODES = limits.refTypes / 2;

/** Reference types of one byte, and the plain type of each. */
const SHORT: ReadonlyMap<number, ValType> = new Map([
  [0x74, ValType.ExnRef],
  [0x73, ValType.FuncRef],
  [0x72, ValType.ExternRef],
  [ValType.FuncRef, ValType.FuncRef],
  [ValType.ExternRef, ValType.ExternRef],
  [ValType.ExnRef, ValType.ExnRef],
]);
/** Heap types of objects, by the byte that they are as a nullable reference. */
const OBJECTS: ReadonlyMap<number, string> = new Map([
  [0x71, 'none'],
  [0x6e, 'any'],
  [0x6d, 'eq'],
  [0x6c, 'i31'],
  [0x6b, 'struct'],
  [0x6a, 'array'],
  [0x68, 'cont'],
  [0x75, 'nocont'],
]);

/**
 * In words, what a byte that is no value type of ours is in later versions of the specification; undefined: nothing.
 */
export function laterType(byte: number): string | undefined {
  if (byte === 0x68 || byte === 0x75) return `stack switching (type ${OBJECTS.get(byte)})`;
  if (byte === 0x65) return 'shared-everything threads (shared types)';
  if (byte === 0x62) return 'custom descriptors (exact types)';
  const name = OBJECTS.get(byte);
  return name === undefined ? undefined : `garbage-collected objects (type ${name})`;
}

export function isRefType(type: number): boolean {
  const plain = type === ValType.FuncRef || type === ValType.ExternRef || type === ValType.ExnRef;
  return plain || (type > 0 && type < ANY_REF);
}

/** Whether a byte is a reference type by itself, nullable and of no type of the module (core spec 3.0, 5.3.4). */
export function isShortRefType(byte: number): boolean {
  return SHORT.has(byte);
}

/** What values of a reference type of one byte are represented as. */
export function erasedByte(byte: number): ValType {
  return SHORT.get(byte) ?? byte;
}

/** Whether a local of the type has a value from the start (core spec 3.2.8). */
export function isDefaultable(types: RefTypes, type: number): boolean {
  return types.isNullable(type);
}

/** The type of the binary format that values of `type` are represented as. */
export function erased(type: ValType): ValType {
  if (type >= FIRST_PLAIN_TYPE) return type;
  switch (type as number) {
    case RefCode.Extern:
    case RefCode.NullExtern:
    case RefCode.NoExtern:
      return ValType.ExternRef;
    case RefCode.Exn:
    case RefCode.NullExn:
    case RefCode.NoExn:
      return ValType.ExnRef;
    default:
      return ValType.FuncRef;
  }
}

export function erasedTypes(types: Uint8Array): Uint8Array {
  return types.map(erased);
}

/** Equality of function types, of any two modules. */
export function sameFuncType(a: FuncType, b: FuncType): boolean {
  return keyOf(a) === keyOf(b);
}

/** What equal function types of any module have in common. */
export function keyOf({ params, results, identity }: FuncType): string {
  return identity ?? `${params.join()}>${results.join()}`;
}

/** Whether functions of type `a` are of type `b`, which may be of another module. @param types of the module of `a` */
export function isFuncSubtype(a: FuncType, types: readonly FuncType[], b: FuncType): boolean {
  const key = keyOf(b);
  for (let type: FuncType | undefined = a; type; type = types[type.supertype ?? -1]) {
    if (keyOf(type) === key) return true;
  }
  return false;
}

/** Whether two functions take and give the same, whatever the modules say of the types besides; of plain types only. */
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
  /** Of code n + 1: the type index, or that of the first type that equals it. */
  private readonly heaps: number[] = [];
  private readonly nullables: boolean[] = [];
  private readonly codes = new Map<number, number>(); // by heap * 2 + nullable
  /** Of each type as far as known: the first one that equals it. */
  private readonly firsts: number[] = [];
  private readonly firstByKey = new Map<string, number>();
  private readonly groups = new Map<string, number>(); // by identity: the first type of each
  /** How many types may be named: while one is read it may name itself. */
  known = 0;

  /** @param types of the module, as they are read */
  constructor(private readonly types: FuncType[]) {}

  /** A reference type whose first byte was REF or REF_NULL. */
  read(reader: HeapTypeReader, nullable: boolean): ValType {
    return this.named(reader, nullable, this.readHeap(reader));
  }

  /** The type of a ref.null of a heap type (core spec 5.4.3). */
  readNull(reader: HeapTypeReader): ValType {
    return this.named(reader, true, this.readHeap(reader));
  }

  private readHeap(reader: HeapTypeReader): number {
    const offset = reader.pos;
    const heap = reader.s33();
    if (heap >= 0 && heap >= this.known) throw new ModuleError('invalid', `unknown type ${heap}`, offset, reader.file);
    if (heap < 0 && !isShortRefType(heap + 0x80)) {
      const later = heap >= -0x40 ? laterType(heap + 0x80) : undefined;
      if (later !== undefined) throw reader.unsupported(later, offset);
      throw reader.malformed(`malformed reference type 0x${(heap & 0x7f).toString(16)}`, offset);
    }
    return heap;
  }

  /** The code of a type that the module names. Throws LimitError. */
  named(reader: HeapTypeReader, nullable: boolean, heap: number): ValType {
    switch (heap) {
      case Heap.Func:
        return nullable ? ValType.FuncRef : (RefCode.Func as number);
      case Heap.Extern:
        return nullable ? ValType.ExternRef : (RefCode.Extern as number);
      case Heap.Exn:
        return nullable ? ValType.ExnRef : (RefCode.Exn as number);
      case Heap.NoFunc:
        return (nullable ? RefCode.NullFunc : RefCode.NoFunc) as number;
      case Heap.NoExtern:
        return (nullable ? RefCode.NullExtern : RefCode.NoExtern) as number;
      case Heap.NoExn:
        return (nullable ? RefCode.NullExn : RefCode.NoExn) as number;
    }
    const code = this.code(nullable, this.first(heap));
    if (code === 0) throw limitError('refTypes', limits.refTypes + 1, reader.pos, reader.file);
    return code;
  }

  /**
   * The type of a reference to a function of a type: (ref $t), but (ref func) for a $t that nobody has named once many
   * such have been met.
   */
  ofFunction(typeIndex: number): ValType {
    const heap = this.first(typeIndex);
    const mentioned = this.codes.has(heap * 2) || this.codes.has(heap * 2 + 1);
    if (!mentioned && this.heaps.length >= UNNAMED_CODES) return RefCode.Func as number;
    return this.code(false, heap) || (RefCode.Func as number);
  }

  /** 0 when there are no codes left. */
  private code(nullable: boolean, heap: number): number {
    const key = heap * 2 + Number(nullable);
    let code = this.codes.get(key);
    if (code === undefined) {
      if (this.heaps.length === limits.refTypes) return 0;
      this.nullables.push(nullable);
      code = this.heaps.push(heap);
      this.codes.set(key, code);
    }
    return code;
  }

  /** How many types of the module's own have been met: numbered in this order. */
  get size(): number {
    return this.heaps.length;
  }

  /** The types of the module's own that have been met: heap type * 2 + nullable. */
  met(): number[] {
    return this.heaps.map((heap, i) => heap * 2 + Number(this.nullables[i]));
  }

  /** Of a module whose types have all been read, as its own: where others meet more, it does not. @param met of met() */
  static from(types: FuncType[], met: readonly number[]): RefTypes {
    const copy = new RefTypes(types);
    copy.known = types.length;
    for (const key of met) copy.code(key % 2 === 1, Math.floor(key / 2));
    return copy;
  }

  isNullable(type: number): boolean {
    if (isOwn(type)) return this.nullables[type - 1];
    return type >= FIRST_PLAIN_TYPE || (type >= RefCode.NullFunc && type <= RefCode.NullExn);
  }

  /** Whether the type names a type of the module. */
  isOwn(type: number): boolean {
    return isOwn(type);
  }

  /** The type index that a type refers to, -1 for an abstract one. */
  typeIndex(type: number): number {
    return isOwn(type) ? this.heaps[type - 1] : -1;
  }

  /** The same type without null. */
  nonNull(type: number): number {
    switch (type) {
      case ValType.FuncRef:
        return RefCode.Func;
      case ValType.ExternRef:
        return RefCode.Extern;
      case ValType.ExnRef:
        return RefCode.Exn;
      case RefCode.NullFunc:
      case RefCode.NullExtern:
      case RefCode.NullExn:
        return type + (RefCode.NoFunc - RefCode.NullFunc);
    }
    if (type >= RefCode.Func || !this.nullables[type - 1]) return type;
    return this.code(false, this.heaps[type - 1]) || RefCode.Func;
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
    const [{ params, results, supertype, isOpen }] = group;
    const isPlain = supertype === undefined && isOpen !== true && !params.some(isOwn) && !results.some(isOwn);
    if (group.length === 1 && isPlain) {
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
  private describe({ params, results, supertype, isOpen }: FuncType, base: number): string {
    const list = (codes: Uint8Array) => Array.from(codes, (code) => this.key(code, base)).join();
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

  /** What equal value types of any module have in common. @param base where the group being described begins */
  key(code: number, base = Number.POSITIVE_INFINITY): string {
    if (!isOwn(code)) return `${code}`;
    const name = this.heapName(this.heaps[code - 1], base);
    return this.nullables[code - 1] ? `null ${name}` : name;
  }
}

/** Whether the type is of its hierarchy's lowest heap type, which matches all others. */
function isBottom(code: number): boolean {
  return code >= RefCode.NullFunc && code <= RefCode.NoExn;
}

function isOwn(code: number): boolean {
  return code < RefCode.Func;
}

/** As RefTypes.matches, of types of two modules. */
export function matchesAcross(types: RefTypes, type: number, expectedTypes: RefTypes, expected: number): boolean {
  if (!isRefType(type) || !isRefType(expected)) return type === expected;
  if (types.isNullable(type) && !expectedTypes.isNullable(expected)) return false;
  if (erased(type) !== erased(expected)) return false;
  if (isBottom(type)) return true;
  if (isBottom(expected)) return false;
  const wanted = expectedTypes.typeIndex(expected);
  if (wanted < 0) return true;
  const heap = types.typeIndex(type);
  if (heap < 0) return false;
  const isSame = types === expectedTypes;
  const first = types.first(wanted);
  for (let at = heap; at >= 0; at = types.supertype(at)) {
    if (isSame ? types.first(at) === first : types.heapKey(at) === expectedTypes.heapKey(wanted)) return true;
  }
  return false;
}
