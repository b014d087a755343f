/**
 * Bulk memory and table instructions, called by guest code through stubs (compile/convention/environment.ts BUILTINS).
 *
 * AssemblyScript. Records and segments come as native addresses. Bounds are checked before anything is written (core
 * spec 4.4.6, 4.4.7). Indexes and lengths are unsigned and 64 bits wide, whatever the memory's or table's index type:
 * an i32 in a register has its upper half zero.
 */

import {
  FLAG_INDEX64,
  MEM_BASE,
  MEM_FLAGS,
  MEM_MAX,
  MEM_SIZE,
  SEG_BYTES,
  SEG_LENGTH,
  TAB_BASE,
  TAB_FLAGS,
  TAB_LENGTH,
  TAB_MAX,
} from '../../image/contract/instance';
import { TABLE_MAX } from '../../image/contract/sizes';
import { TRAP_MEMORY, TRAP_TABLE } from '../../image/contract/traps';
import { copy, fill, load32_u, load64, load8_u, store64, store8, syscall } from '../native/native';
import { SYS_mprotect } from '../native/target';
import { isWithinLimit } from './memory-limit';
import { mappedSize, pageSize } from './memory-record';
import { failed, PROT_READ_WRITE } from './runtime-block';
import { raise } from './traps';

/** What memory.grow and table.grow give when they refuse: -1 of the index type, so of an i32 with a zero upper half. */
function refusal(flags: i64): i64 {
  return (flags & FLAG_INDEX64) !== 0 ? -1 : 0xffffffff;
}

/** Whether `count` from `start` on lie within `size`; any 64-bit numbers. */
export function isWithin(start: i64, count: i64, size: i64): bool {
  return <u64>count <= <u64>size && <u64>start <= <u64>(size - count);
}

export function memory_grow(record: i64, delta: i64): i64 {
  const size = load64(record + MEM_SIZE);
  const page = pageSize(record);
  const pages = size / page;
  if (!isWithin(pages, delta, load64(record + MEM_MAX))) return refusal(load64(record + MEM_FLAGS));
  if (delta !== 0) {
    const more = delta * page;
    if (!isWithinLimit(more)) return refusal(load64(record + MEM_FLAGS));
    const end = mappedSize(size);
    const mapped = mappedSize(size + more) - end;
    if (
      mapped !== 0 &&
      failed(syscall(SYS_mprotect, load64(record + MEM_BASE) + end, mapped, PROT_READ_WRITE, 0, 0, 0))
    ) {
      return refusal(load64(record + MEM_FLAGS));
    }
    store64(record + MEM_SIZE, size + more);
  }
  return pages;
}

export function memory_init(record: i64, segment: i64, destination: i64, source: i64, length: i64): void {
  if (!isWithin(source, length, load64(segment + SEG_LENGTH))) return raise(TRAP_MEMORY);
  if (!isWithin(destination, length, load64(record + MEM_SIZE))) return raise(TRAP_MEMORY);
  copy(load64(record + MEM_BASE) + destination, load64(segment + SEG_BYTES) + source, length);
}

export function memory_copy(
  destinationRecord: i64,
  sourceRecord: i64,
  destination: i64,
  source: i64,
  length: i64,
): void {
  if (!isWithin(source, length, load64(sourceRecord + MEM_SIZE))) return raise(TRAP_MEMORY);
  if (!isWithin(destination, length, load64(destinationRecord + MEM_SIZE))) return raise(TRAP_MEMORY);
  move(load64(destinationRecord + MEM_BASE) + destination, load64(sourceRecord + MEM_BASE) + source, length);
}

export function memory_fill(record: i64, destination: i64, value: i32, length: i64): void {
  if (!isWithin(destination, length, load64(record + MEM_SIZE))) return raise(TRAP_MEMORY);
  fill(load64(record + MEM_BASE) + destination, value & 255, length);
}

export function table_grow(record: i64, value: i64, delta: i64): i64 {
  const length = load64(record + TAB_LENGTH);
  const declared = load64(record + TAB_MAX);
  const max: i64 = <u64>declared < <u64>TABLE_MAX ? declared : TABLE_MAX;
  if (length > max || !isWithin(length, delta, max)) return refusal(load32_u(record + TAB_FLAGS));
  if (delta !== 0) {
    const base = load64(record + TAB_BASE);
    const wanted = length + delta;
    if (failed(syscall(SYS_mprotect, base, wanted * 8, PROT_READ_WRITE, 0, 0, 0))) {
      return refusal(load32_u(record + TAB_FLAGS));
    }
    store64(record + TAB_LENGTH, wanted);
    fillElements(base + length * 8, value, delta);
  }
  return length;
}

export function table_init(record: i64, segment: i64, destination: i64, source: i64, length: i64): void {
  if (!initElements(record, segment, destination, source, length)) raise(TRAP_TABLE);
}

export function table_copy(
  destinationRecord: i64,
  sourceRecord: i64,
  destination: i64,
  source: i64,
  length: i64,
): void {
  if (!isWithin(source, length, load64(sourceRecord + TAB_LENGTH))) return raise(TRAP_TABLE);
  if (!isWithin(destination, length, load64(destinationRecord + TAB_LENGTH))) return raise(TRAP_TABLE);
  move(
    load64(destinationRecord + TAB_BASE) + destination * 8,
    load64(sourceRecord + TAB_BASE) + source * 8,
    length * 8,
  );
}

export function table_fill(record: i64, index: i64, value: i64, length: i64): void {
  if (!isWithin(index, length, load64(record + TAB_LENGTH))) return raise(TRAP_TABLE);
  fillElements(load64(record + TAB_BASE) + index * 8, value, length);
}

/** table.init without the trap: false, and nothing written, when out of bounds. */
export function initElements(record: i64, segment: i64, to: i64, from: i64, count: i64): bool {
  if (!isWithin(from, count, load64(segment + SEG_LENGTH)) || !isWithin(to, count, load64(record + TAB_LENGTH))) {
    return false;
  }
  copy(load64(record + TAB_BASE) + to * 8, load64(segment + SEG_BYTES) + from * 8, count * 8);
  return true;
}

function fillElements(address: i64, value: i64, count: i64): void {
  const end = address + count * 8;
  for (; address < end; address += 8) store64(address, value);
}

/**
 * Copies ranges that may overlap. `copy` goes forward. To a higher address, pieces as long as the distance go backward.
 */
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
