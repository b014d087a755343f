/** What the code generator must know of the image around a module: provided by the linker. */

import type { SiteTables } from '../metadata/site-tables.js';
import type { Variation } from '../variation.js';

/** Functions of the host layer that generated code calls through a stub; exported by it under these names. */
export const BUILTINS = [
  'memory_grow', // (record i64, delta i32) -> i32
  'memory_init', // (record i64, segment i64, destination i32, source i32, length i32)
  'memory_copy', // (destination record i64, source record i64, destination i32, source i32, length i32)
  'memory_fill', // (record i64, destination i32, value i32, length i32)
  'table_grow', // (record i64, value i64, delta i32) -> i32
  'table_init', // (record i64, segment i64, destination i32, source i32, length i32)
  'table_copy', // (destination record i64, source record i64, destination i32, source i32, length i32)
  'table_fill', // (record i64, index i32, value i64, length i32)
] as const;
export type Builtin = (typeof BUILTINS)[number];

export interface CodeEnvironment {
  /** Compiling the host layer: imports from "native" are intrinsics (baseline/intrinsics.ts), nothing is a safepoint. */
  readonly isHost: boolean;
  readonly deterministic: boolean;
  /** Undefined when no tables are wanted: the code is the same. */
  readonly sites: SiteTables | undefined;
  /** For tests. */
  readonly variation?: Variation;
  /** Text offset of the thunk of an imported function, or -1: it is another module's, called through its record. */
  thunkOffset(funcIndex: number): number;
  builtinOffset(builtin: Builtin): number;
  /** Text offset of a host-layer stub that an intrinsic calls (see runtime/stubs). */
  stubOffset(name: 'blocking_syscall' | 'invoke' | 'resume' | 'unwind'): number;
  /** Raw bits of an immutable global whose value is known when linking (numbers only), else undefined. */
  constantGlobal(index: number): { readonly lo: number; readonly hi: number } | undefined;
}
