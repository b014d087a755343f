/**
 * Bulk memory and table instructions, called by guest code through stubs (compile/baseline/environment.ts BUILTINS).
 *
 * AssemblyScript. Records and segments come as native addresses. Bounds are checked before anything is written (core
 * spec 4.4.6, 4.4.7). `i32` operands are unsigned.
 */

import {
  MEM_BASE,
  MEM_MAX,
  MEM_SIZE,
  SEG_BYTES,
  SEG_LENGTH,
  TAB_BASE,
  TAB_LENGTH,
  TAB_MAX,
  TABLE_MAX,
  TRAP_MEMORY,
  TRAP_TABLE,
  WASM_PAGE,
} from '../layout';
import { copy, fill, load64, load8_u, store64, store8, SYS_mprotect, syscall } from '../native';
import { isWithinLimit } from './memory-limit';
import { failed, PROT_READ_WRITE } from './runtime-block';
import { raise } from './traps';

/** Pages of a 32-bit memory at most. */
const MAX_PAGES: i64 = 65536;

export function memory_grow(record: i64, delta: i32): i32 {
  const size = load64(record + MEM_SIZE);
  const pages = size / WASM_PAGE;
  const declared = load64(record + MEM_MAX);
  const max: i64 = <u64>declared < <u64>MAX_PAGES ? declared : MAX_PAGES;
  const wanted = pages + <i64>(<u32>delta);
  if (wanted > max) return -1;
  if (delta !== 0) {
    if (!isWithinLimit(<i64>(<u32>delta) * WASM_PAGE)) return -1;
    if (failed(syscall(SYS_mprotect, load64(record) + size, wanted * WASM_PAGE - size, PROT_READ_WRITE, 0, 0, 0))) return -1;
    store64(record + MEM_SIZE, wanted * WASM_PAGE);
  }
  return <i32>pages;
}

export function memory_init(record: i64, segment: i64, destination: i32, source: i32, length: i32): void {
  const bytes = <i64>(<u32>length);
  const from = <i64>(<u32>source);
  const to = <i64>(<u32>destination);
  if (from + bytes > load64(segment + SEG_LENGTH) || to + bytes > load64(record + MEM_SIZE)) return raise(TRAP_MEMORY);
  copy(load64(record + MEM_BASE) + to, load64(segment + SEG_BYTES) + from, bytes);
}

export function memory_copy(destinationRecord: i64, sourceRecord: i64, destination: i32, source: i32, length: i32): void {
  const bytes = <i64>(<u32>length);
  const from = <i64>(<u32>source);
  const to = <i64>(<u32>destination);
  if (from + bytes > load64(sourceRecord + MEM_SIZE) || to + bytes > load64(destinationRecord + MEM_SIZE)) {
    return raise(TRAP_MEMORY);
  }
  move(load64(destinationRecord + MEM_BASE) + to, load64(sourceRecord + MEM_BASE) + from, bytes);
}

export function memory_fill(record: i64, destination: i32, value: i32, length: i32): void {
  const bytes = <i64>(<u32>length);
  const to = <i64>(<u32>destination);
  if (to + bytes > load64(record + MEM_SIZE)) return raise(TRAP_MEMORY);
  fill(load64(record + MEM_BASE) + to, value & 255, bytes);
}

export function table_grow(record: i64, value: i64, delta: i32): i32 {
  const length = load64(record + TAB_LENGTH);
  const declared = load64(record + TAB_MAX);
  const max: i64 = <u64>declared < <u64>TABLE_MAX ? declared : TABLE_MAX;
  const wanted = length + <i64>(<u32>delta);
  if (wanted > max) return -1;
  if (delta !== 0) {
    const base = load64(record + TAB_BASE);
    if (failed(syscall(SYS_mprotect, base, wanted * 8, PROT_READ_WRITE, 0, 0, 0))) return -1;
    store64(record + TAB_LENGTH, wanted);
    fillElements(base + length * 8, value, <i64>(<u32>delta));
  }
  return <i32>length;
}

export function table_init(record: i64, segment: i64, destination: i32, source: i32, length: i32): void {
  if (!initElements(record, segment, <u32>destination, <u32>source, <u32>length)) raise(TRAP_TABLE);
}

export function table_copy(destinationRecord: i64, sourceRecord: i64, destination: i32, source: i32, length: i32): void {
  const count = <i64>(<u32>length);
  const from = <i64>(<u32>source);
  const to = <i64>(<u32>destination);
  if (from + count > load64(sourceRecord + TAB_LENGTH) || to + count > load64(destinationRecord + TAB_LENGTH)) {
    return raise(TRAP_TABLE);
  }
  move(load64(destinationRecord + TAB_BASE) + to * 8, load64(sourceRecord + TAB_BASE) + from * 8, count * 8);
}

export function table_fill(record: i64, index: i32, value: i64, length: i32): void {
  const count = <i64>(<u32>length);
  const to = <i64>(<u32>index);
  if (to + count > load64(record + TAB_LENGTH)) return raise(TRAP_TABLE);
  fillElements(load64(record + TAB_BASE) + to * 8, value, count);
}

/** table.init without the trap: false, and nothing written, when out of bounds. */
export function initElements(record: i64, segment: i64, to: i64, from: i64, count: i64): bool {
  if (from + count > load64(segment + SEG_LENGTH) || to + count > load64(record + TAB_LENGTH)) return false;
  copy(load64(record + TAB_BASE) + to * 8, load64(segment + SEG_BYTES) + from * 8, count * 8);
  return true;
}

function fillElements(address: i64, value: i64, count: i64): void {
  const end = address + count * 8;
  for (; address < end; address += 8) store64(address, value);
}

/** Copies ranges that may overlap. `copy` goes forward; behind the source, pieces as long as the distance go backward. */
function move(to: i64, from: i64, bytes: i64): void {
  const distance = to - from;
  if (distance <= 0 || distance >= bytes) return copy(to, from, bytes);
  let left = bytes;
  if (distance >= 64) {
    for (; left >= distance; left -= distance) copy(to + left - distance, from + left - distance, distance);
    return copy(to, from, left);
  }
  if (distance >= 8) for (; left >= 8; left -= 8) store64(to + left - 8, load64(from + left - 8));
  for (; left > 0; left--) store8(to + left - 1, load8_u(from + left - 1));
}
