/** Types of the component model, as they are written: indexes are those of the scope that they stand in. */

/** By code (Binary.md, primvaltype). */
export const PRIMITIVES: ReadonlyMap<number, string> = new Map([
  [0x7f, 'bool'],
  [0x7e, 's8'],
  [0x7d, 'u8'],
  [0x7c, 's16'],
  [0x7b, 'u16'],
  [0x7a, 's32'],
  [0x79, 'u32'],
  [0x78, 's64'],
  [0x77, 'u64'],
  [0x76, 'f32'],
  [0x75, 'f64'],
  [0x74, 'char'],
  [0x73, 'string'],
]);

/** The name of a primitive type, or the index of a type. */
export type ValueType = string | number;

export interface Field {
  readonly name: string;
  readonly type: ValueType;
}

export interface Case {
  readonly name: string;
  readonly type: ValueType | undefined;
}

export interface FunctionType {
  readonly kind: 'func';
  readonly params: readonly Field[];
  readonly result: ValueType | undefined;
}

/** What an import or export is. */
export type ExternType =
  | { readonly kind: 'func'; readonly index: number }
  | { readonly kind: 'component'; readonly index: number }
  | { readonly kind: 'instance'; readonly index: number }
  | { readonly kind: 'type'; readonly equals: number | undefined }; // undefined: a resource

/** In a scope of its own, which starts with no types. */
export type Declaration =
  | { readonly kind: 'type'; readonly type: DefinedType }
  | { readonly kind: 'outer type'; readonly count: number; readonly index: number; readonly offset: number }
  | { readonly kind: 'type of instance'; readonly instance: number; readonly name: string; readonly offset: number }
  | { readonly kind: 'import'; readonly name: string; readonly type: ExternType; readonly offset: number }
  | { readonly kind: 'export'; readonly name: string; readonly type: ExternType; readonly offset: number };

export interface ComponentType {
  readonly kind: 'component' | 'instance';
  readonly declarations: readonly Declaration[];
}

export type DefinedType =
  | { readonly kind: 'primitive'; readonly type: string }
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  | { readonly kind: 'variant'; readonly cases: readonly Case[] }
  | { readonly kind: 'list'; readonly element: ValueType; readonly length: number | undefined }
  | { readonly kind: 'tuple'; readonly types: readonly ValueType[] }
  | { readonly kind: 'flags'; readonly names: readonly string[] }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'option'; readonly type: ValueType }
  | { readonly kind: 'result'; readonly ok: ValueType | undefined; readonly error: ValueType | undefined }
  | { readonly kind: 'own' | 'borrow'; readonly resource: number }
  | { readonly kind: 'resource' }
  | FunctionType
  | ComponentType;
