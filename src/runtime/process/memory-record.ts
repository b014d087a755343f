/**
 * What a memory's record says of its pages and of what is mapped.
 *
 * AssemblyScript. Sizes are in bytes.
 */

import { FLAG_BYTE_PAGES, MEM_FLAGS } from '../../image/contract/instance';
import { WASM_PAGE } from '../../image/contract/sizes';
import { load64 } from '../native/native';

/** Bytes of a page of the memory with that record. */
export function pageSize(record: i64): i64 {
  return (load64(record + MEM_FLAGS) & FLAG_BYTE_PAGES) !== 0 ? 1 : WASM_PAGE;
}

/**
 * How many bytes are mapped of a memory of that size. Nothing writes after its end, so what it grows into is zero.
 */
export function mappedSize(size: i64): i64 {
  return (size + (WASM_PAGE - 1)) & ~(WASM_PAGE - 1);
}
