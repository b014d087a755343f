/** What the code generator must know of the image around a module: provided by the linker. */

import type { HandlerTable } from '../../image/tables/handler-table.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { Variation } from './variation.js';

/**
 * Functions of the host layer that generated code calls through a stub; exported by it under these names. Records,
 * segments, indexes and lengths are i64, results too: an i32 in a register is an i64 below 2^32.
 */
export const BUILTINS = [
  'memory_grow', // (record, delta) -> pages before, or -1 of the index type
  'memory_init', // (record, segment, destination, source, length)
  'memory_copy', // (destination record, source record, destination, source, length)
  'memory_fill', // (record, destination, value i32, length)
  'table_grow', // (record, value, delta) -> elements before, or -1 of the index type
  'table_init', // (record, segment, destination, source, length)
  'table_copy', // (destination record, source record, destination, source, length)
  'table_fill', // (record, index, value, length)
  'atomic_wait32', // (memory record, static offset, address, expected i32, timeout) -> WAIT_*
  'atomic_wait64', // (memory record, static offset, address, expected, timeout) -> WAIT_*
  'throw_tag', // (tag record, address of the payload, bytes from value to value i32), does not return
  'throw_ref', // (exception), does not return
] as const;
export type Builtin = (typeof BUILTINS)[number];

export interface CodeEnvironment {
  /**
   * Compiling the host layer: imports from "native" are intrinsics (baseline/intrinsics.ts), nothing is a safepoint.
   */
  readonly isHost: boolean;
  readonly deterministic: boolean;
  /** Undefined when no tables are wanted: the code is the same. */
  readonly sites: SiteTables | undefined;
  readonly handlers: HandlerTable;
  /** For tests. */
  readonly variation?: Variation;
  /**
   * Least number of slots in the outgoing area of every function that makes calls. A callee may use that many for the
   * arguments of a tail call. See tail-calls.ts.
   */
  readonly tailSlots: number;
  /**
   * Text offset of the thunk of an imported function, or -1 when another module provides it: then it is called through
   * its record.
   */
  thunkOffset(funcIndex: number): number;
  /** Image offset of the record of a tag, by index; equal for equal tags. */
  tagRecord(tag: number): number;
  builtinOffset(builtin: Builtin): number;
  /** Text offset of a stub that an intrinsic calls (see compile/stubs). */
  stubOffset(name: 'call_c' | 'invoke' | 'land' | 'resume' | 'unwind'): number;
  /** The host layer's system call that may block (compile/stubs/blocking-syscall.ts). */
  emitBlockingSyscall(): void;
  /** Raw bits of an immutable global whose value is known when linking (numbers only), else undefined. */
  constantGlobal(index: number): { readonly lo: number; readonly hi: number } | undefined;
}
