/** Value types and function types (core spec 2.3). */

/** Value types by their binary code (core spec 5.3); codes below 0x48 are reference types of ref-types.ts. */
export const enum ValType {
  I32 = 0x7f,
  I64 = 0x7e,
  F32 = 0x7d,
  F64 = 0x7c,
  V128 = 0x7b,
  FuncRef = 0x70,
  ExternRef = 0x6f,
  ExnRef = 0x69,
}

/** Those that are a byte in the binary format. */
export const PLAIN_TYPES: readonly ValType[] = [
  ValType.I32,
  ValType.I64,
  ValType.F32,
  ValType.F64,
  ValType.V128,
  ValType.FuncRef,
  ValType.ExternRef,
  ValType.ExnRef,
];

export interface FuncType {
  /** What values are represented as: no code of ref-types.ts. */
  readonly params: Uint8Array; // of ValType
  readonly results: Uint8Array; // of ValType
  /** The types that the module gives, where some of them are codes of ref-types.ts. */
  readonly exact?: { readonly params: Int32Array; readonly results: Int32Array };
  /**
   * A key that equal types of any module share. Present where parameters and results do not say everything: the type
   * names types, is not alone in its group of recursive types, has a supertype or may have subtypes.
   */
  readonly identity?: string;
  /** Type index of its supertype. */
  readonly supertype?: number;
  /** Whether it may have subtypes: it is not final. */
  readonly isOpen?: boolean;
}
