/** A row of the opcode table. */

/**
 * What follows the opcode, in order: indices are u32, `memarg` is alignment and offset, `block` a block type, `lane` a
 * byte, `lanes` 16 of them, `zero` a byte that is zero, `cast` a byte, a label and two
 * heap types.
 */
export type Immediates =
  | 'none'
  | 'block'
  | 'block catches'
  | 'tag'
  | 'label'
  | 'labels'
  | 'func'
  | 'type'
  | 'type table'
  | 'types'
  | 'reftype'
  | 'cast'
  | 'local'
  | 'global'
  | 'table'
  | 'table table'
  | 'elem'
  | 'elem table'
  | 'data'
  | 'data memory'
  | 'memory'
  | 'memory memory'
  | 'memarg'
  | 'memarg lane'
  | 'lane'
  | 'lanes'
  | 'zero'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128';

/**
 * The proposal that an instruction came with; all but the legacy one, threads and wide arithmetic are part of
 * WebAssembly 3.0.
 */
export type Feature =
  | 'mvp'
  | 'sign-extension'
  | 'saturating-truncation'
  | 'bulk-memory'
  | 'reference-types'
  | 'simd'
  | 'relaxed-simd'
  | 'exceptions'
  | 'legacy-exceptions'
  | 'threads'
  | 'tail-call'
  | 'function-references'
  | 'casts'
  | 'wide-arithmetic';

export type Row = [
  code: number,
  name: string,
  immediates: Immediates,
  operands: string | undefined,
  results: string | undefined,
  feature: Feature,
  alignment?: number,
];
