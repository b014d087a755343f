/**
 * Typed function references in random modules: (ref $t) and (ref null $t) as value type codes above a byte, of the
 * types that every module of a case has at the same index ("heaps"). What they are in bytes depends on who reads them.
 */

import type { Encoding } from '../support/function-references.js';
import type { WasmWriter } from './wasm-writer.js';

const NULLABLE = 0x100;
const NON_NULL = 0x200;

export function referenceTo(heap: number, nullable: boolean): number {
  return (nullable ? NULLABLE : NON_NULL) + heap;
}

export function isTyped(type: number): boolean {
  return type >= NULLABLE;
}

export function isNonNull(type: number): boolean {
  return type >= NON_NULL;
}

/** Index of the type of the functions that a typed reference refers to. */
export function heapOf(type: number): number {
  return type & 0xff;
}

export function withoutNull(type: number): number {
  return isTyped(type) ? referenceTo(heapOf(type), false) : type;
}

/** Any value type. */
export function writeType(to: WasmWriter, type: number, { ref, refNull }: Encoding): void {
  if (!isTyped(type)) return to.byte(type);
  to.byte(isNonNull(type) ? ref : refNull);
  to.u32(heapOf(type));
}
