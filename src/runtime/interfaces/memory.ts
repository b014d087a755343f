/**
 * The interfaces' own memory: fixed buffers, and scratch space that lasts until the next call of an interface.
 *
 * AssemblyScript without an allocator: nothing is ever kept in scratch space.
 */

import { allocate, from_component, to_component } from './component';

/** Bytes that one call reads or writes at most. */
export const CHUNK: usize = 65536;

/** Where data passes on its way between the component and preview 1. */
export const buffer: usize = memory.data(65536, 16);
/** Where preview 1 puts what it finds. */
export const found: usize = memory.data(128, 16);
/** A vector of one buffer: address, length. */
export const vector: usize = memory.data(8, 8);

const PAGE: usize = 65536;
/** Longest path, as the host layer has it. */
export const MAX_PATH: usize = 4096;

let scratchEnd: usize = 0;

/** At the start of a call that needs some. */
export function freeScratch(): void {
  scratchEnd = (__heap_base + 15) & ~15;
}

/** So many bytes; traps when there is no memory. */
export function scratch(size: usize): usize {
  const start = scratchEnd;
  const end = (start + size + 15) & ~15;
  if (end < start) unreachable();
  const have = <usize>memory.size() * PAGE;
  if (end > have && memory.grow(<i32>((end - have + PAGE - 1) / PAGE)) < 0) unreachable();
  scratchEnd = end;
  return start;
}

/** Traps for what does not lie in the component's memory as its type asks (Component Model, store). */
export function checkAlignment(at: usize, alignment: usize): void {
  if ((at & (alignment - 1)) != 0) unreachable();
}

/** Traps for a list of bytes that ends past the component's memory. */
export function checkList(from: usize, length: usize): void {
  if (from + length < from) unreachable();
  from_component(buffer, from + length, 0);
}

/** One buffer as a vector. */
export function vectorOf(address: usize, length: usize): usize {
  store<u32>(vector, <u32>address);
  store<u32>(vector, <u32>length, 4);
  return vector;
}

/** A copy in the component's memory, that it owns: of strings and lists. */
export function give(from: usize, length: usize, alignment: usize): usize {
  const to = allocate(alignment, length);
  checkAlignment(to, alignment);
  to_component(to, from, length);
  return to;
}
