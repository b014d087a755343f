/** wasi:clocks and wasi:random. AssemblyScript. */

import { to_component, allocate } from './component';
import { Kind, open } from './handles';
import { buffer, CHUNK, found } from './memory';
import { area, giveArea, giveList } from './results';
import { clock_res_get, clock_time_get, random_get } from './wasi_snapshot_preview1';

const REALTIME: i32 = 0;
const MONOTONIC: i32 = 1;
const SECOND: u64 = 1_000_000_000;

function time(clock: i32): u64 {
  if (clock_time_get(clock, 1, found) != 0) unreachable();
  return load<u64>(found);
}

function resolution(clock: i32): u64 {
  if (clock_res_get(clock, found) != 0) unreachable();
  return load<u64>(found);
}

/** datetime */
function giveTime(to: usize, nanoseconds: u64): void {
  store<u64>(area, nanoseconds / SECOND);
  store<u64>(area, nanoseconds % SECOND, 8);
  giveArea(to, 16, 8);
}

export function clocks_wall_clock_now(to: usize): void {
  giveTime(to, time(REALTIME));
}

export function clocks_wall_clock_resolution(to: usize): void {
  giveTime(to, resolution(REALTIME));
}

export function clocks_monotonic_clock_now(): u64 {
  return time(MONOTONIC);
}

export function clocks_monotonic_clock_resolution(): u64 {
  return resolution(MONOTONIC);
}

export function clocks_monotonic_clock_subscribe_instant(when: u64): i32 {
  return open(Kind.Clock, 0, <i64>when);
}

export function clocks_monotonic_clock_subscribe_duration(duration: u64): i32 {
  const now = time(MONOTONIC);
  return open(Kind.Clock, 0, <i64>(now + duration < now ? u64.MAX_VALUE : now + duration));
}

/** list<u8> */
export function random_random_get_random_bytes(length: u64, to: usize): void {
  if (length > <u64>u32.MAX_VALUE) unreachable();
  const size = <usize>length;
  const list = allocate(1, size);
  for (let done: usize = 0; done < size; ) {
    const part = min(size - done, CHUNK);
    if (random_get(buffer, <i32>part) != 0) unreachable();
    to_component(list + done, buffer, part);
    done += part;
  }
  giveList(to, list, size);
}

export function random_random_get_random_u64(): u64 {
  if (random_get(found, 8) != 0) unreachable();
  return load<u64>(found);
}

export function random_insecure_get_insecure_random_bytes(length: u64, to: usize): void {
  random_random_get_random_bytes(length, to);
}

export function random_insecure_get_insecure_random_u64(): u64 {
  return random_random_get_random_u64();
}

/** tuple<u64, u64> */
export function random_insecure_seed_insecure_seed(to: usize): void {
  if (random_get(area, 16) != 0) unreachable();
  giveArea(to, 16, 8);
}
