/** WebAssembly values as JavaScript values with types. */

/** Integers are signed. `bits` distinguish NaNs, which numbers do not. */
export type Value =
  | { readonly type: 'i32'; readonly value: number }
  | { readonly type: 'i64'; readonly value: bigint }
  | { readonly type: 'f32'; readonly value: number; readonly bits: number }
  | { readonly type: 'f64'; readonly value: number; readonly bits: bigint }
  /** 16 bytes, lowest first. */
  | { readonly type: 'v128'; readonly value: Uint8Array }
  /** The instance, and the function's index in its module. */
  | { readonly type: 'funcref'; readonly value: FunctionReference | null }
  /** A number that stands for the embedder's object. */
  | { readonly type: 'externref'; readonly value: number | null }
  /** An index in the snapshot's exceptions. */
  | { readonly type: 'exnref'; readonly value: number | null };

export interface FunctionReference {
  readonly instance: number;
  readonly function: number;
}
