/**
 * Remembers the names that listings of directories have delivered: a hash of each, in order. So a position means the
 * same after entries were added or removed, and on another file system after a restore.
 *
 * AssemblyScript. FD_OFFSET of a directory is the offset of its chunk in the arena, 0 for none, LOST when the arena was
 * full:
 *
 *     0   u32  class: there is room for 64 << class hashes
 *     4   u32  how many there are
 *     8   u32  offset of another chunk: a hash table of those to be passed over, or 0
 *     16  u64  each
 *
 * Freed chunks of a class form a list, linked by their second word. Two names with the same 64-bit hash count as one; a
 * guest that makes such names harms only itself.
 */

import {
  FD_OFFSET,
  HS_LISTINGS,
  HS_LISTINGS_SIZE,
  LISTING_COUNT,
  LISTING_HEADER,
} from '../../image/contract/host-state';
import { memoryBase } from '../native/native';

const ARENA_SIZE: usize = 33554432; // four million names
const ARENA: usize = memory.data(33554432, 16);
const COUNT: usize = LISTING_COUNT;
const TABLE: usize = 8;
const HEADER: usize = LISTING_HEADER;
const SMALLEST: usize = 64;
const CLASSES: usize = 20;
const FREE: usize = memory.data(80, 8);
/** The listing has delivered more than there is room to remember. */
const LOST: u64 = 1;

let end: usize = 16; // 0 and LOST are no chunks

/** Tells tools where the arena is. @param state the HS_* block */
export function publishListings(state: usize): void {
  store<i64>(state, memoryBase() + <i64>ARENA, HS_LISTINGS);
  store<u64>(state, ARENA_SIZE, HS_LISTINGS_SIZE);
}

/** FNV-1a; never 0. */
export function hashName(name: usize, length: usize): u64 {
  let hash: u64 = 0xcbf29ce484222325;
  for (let at = name; at < name + length; at++) hash = (hash ^ load<u8>(at)) * 0x100000001b3;
  return hash == 0 ? 1 : hash;
}

/** A chunk's address, or 0 when the arena is full. */
function allocate(size: usize): usize {
  const list = FREE + size * 4;
  const free = load<u32>(list);
  if (free != 0) {
    store<u32>(list, load<u32>(ARENA + free, COUNT));
    return ARENA + free;
  }
  const bytes = HEADER + (SMALLEST << size) * 8;
  if (size >= CLASSES || end + bytes > ARENA_SIZE) return 0;
  const chunk = ARENA + end;
  end += bytes;
  store<u32>(chunk, <u32>size);
  return chunk;
}

/** How many hashes a chunk has room for. */
function roomOf(chunk: usize): usize {
  return SMALLEST << (<usize>load<u32>(chunk));
}

function giveBack(chunk: usize): void {
  const list = FREE + <usize>load<u32>(chunk) * 4;
  store<u32>(chunk, load<u32>(list), COUNT);
  store<u32>(list, <u32>(chunk - ARENA));
}

function chunkOf(entry: usize): usize {
  const offset = load<u64>(entry, FD_OFFSET);
  return offset <= LOST ? 0 : ARENA + <usize>offset;
}

function tableOf(chunk: usize): usize {
  const offset = load<u32>(chunk, TABLE);
  return offset == 0 ? 0 : ARENA + offset;
}

function dropTable(chunk: usize): void {
  const table = tableOf(chunk);
  if (table != 0) giveBack(table);
  store<u32>(chunk, 0, TABLE);
}

/** Forgets the listing of a directory: it begins anew, or the directory is closed. */
export function dropListing(entry: usize): void {
  const chunk = chunkOf(entry);
  if (chunk != 0) {
    dropTable(chunk);
    giveBack(chunk);
  }
  store<u64>(entry, 0, FD_OFFSET);
}

/** How many names are remembered, -1 when some are not. */
export function delivered(entry: usize): i64 {
  if (load<u64>(entry, FD_OFFSET) == LOST) return -1;
  const chunk = chunkOf(entry);
  return chunk == 0 ? 0 : load<u32>(chunk, COUNT);
}

/** Remembers another name. */
export function deliver(entry: usize, hash: u64): void {
  let chunk = chunkOf(entry);
  let count: usize = 0;
  if (chunk != 0) count = load<u32>(chunk, COUNT);
  if (chunk == 0 || count == roomOf(chunk)) {
    if (load<u64>(entry, FD_OFFSET) == LOST) return;
    const grown = allocate(chunk == 0 ? 0 : <usize>load<u32>(chunk) + 1);
    if (grown == 0) {
      dropListing(entry);
      store<u64>(entry, LOST, FD_OFFSET);
      return;
    }
    store<u32>(grown, <u32>count, COUNT);
    store<u32>(grown, 0, TABLE);
    if (chunk != 0) {
      store<u32>(grown, load<u32>(chunk, TABLE), TABLE);
      for (let i: usize = 0; i < count; i++) store<u64>(grown + i * 8, load<u64>(chunk + i * 8, HEADER), HEADER);
      giveBack(chunk);
    }
    chunk = grown;
    store<u64>(entry, chunk - ARENA, FD_OFFSET);
  }
  store<u64>(chunk + count * 8, hash, HEADER);
  store<u32>(chunk, <u32>count + 1, COUNT);
}

/**
 * Forgets all but the first `count` names, which are passed over from now on, wherever they come. Whether there is room
 * for the table of them.
 */
export function passOver(entry: usize, count: usize): bool {
  const chunk = chunkOf(entry);
  if (chunk == 0) return count == 0;
  dropTable(chunk);
  store<u32>(chunk, <u32>count, COUNT);
  if (count == 0) return true;
  let size: usize = 0;
  while (SMALLEST << size < count * 2) size++;
  const table = allocate(size);
  if (table == 0) return false;
  const slots = SMALLEST << size;
  for (let i: usize = 0; i < slots; i++) store<u64>(table + i * 8, 0, HEADER);
  for (let i: usize = 0; i < count; i++) {
    const hash = load<u64>(chunk + i * 8, HEADER);
    const slot = slotOf(table, hash);
    store<u64>(slot, hash, HEADER);
  }
  store<u32>(chunk, <u32>(table - ARENA), TABLE);
  return true;
}

/** Where a hash is in a table, or the free place for it. */
function slotOf(table: usize, hash: u64): usize {
  const mask = roomOf(table) - 1;
  let at = <usize>(hash ^ (hash >> 32)) & mask;
  while (load<u64>(table + at * 8, HEADER) != 0 && load<u64>(table + at * 8, HEADER) != hash) at = (at + 1) & mask;
  return table + at * 8;
}

/** Whether the name was delivered before the position that the listing was set to. */
export function isPassedOver(entry: usize, hash: u64): bool {
  const chunk = chunkOf(entry);
  if (chunk == 0) return false;
  const table = tableOf(chunk);
  return table != 0 && load<u64>(slotOf(table, hash), HEADER) != 0;
}
