/** wasi:io/poll, by poll_oneoff. AssemblyScript. */

import { from_component } from './component';
import { Kind, kindOf, positionOf, heldBy } from './handles';
import { checkAlignment, freeScratch, give, scratch, found } from './memory';
import { giveList } from './results';
import { poll_oneoff } from './wasi_snapshot_preview1';

const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
const CLOCK: u8 = 0;
const READ: u8 = 1;
const WRITE: u8 = 2;
const MONOTONIC: u32 = 1;
const ABSOLUTE: u16 = 1;
/** Userdata of the subscription that ends the wait at once. */
const AT_ONCE: u64 = u64.MAX_VALUE;

function subscribeClock(at: usize, userdata: u64, timeout: u64, flags: u16): void {
  memory.fill(at, 0, SUBSCRIPTION);
  store<u64>(at, userdata);
  store<u8>(at, CLOCK, 8);
  store<u32>(at, MONOTONIC, 16);
  store<u64>(at, timeout, 24);
  store<u16>(at, flags, 40);
}

/** Whether it is ready without asking. */
function isAlways(handle: i32): bool {
  return kindOf(handle) == Kind.Always;
}

function subscribe(at: usize, handle: i32, userdata: u64): void {
  const kind = kindOf(handle);
  if (kind == Kind.Clock) return subscribeClock(at, userdata, <u64>positionOf(handle), ABSOLUTE);
  if (kind != Kind.Readable && kind != Kind.Writable) unreachable();
  memory.fill(at, 0, SUBSCRIPTION);
  store<u64>(at, userdata);
  store<u8>(at, kind == Kind.Readable ? READ : WRITE, 8);
  store<i32>(at, heldBy(handle, kind), 16);
}

/**
 * Waits for any of some handles.
 *
 * @param handles count of u32 @param ready a byte for each, which is 0 @param waits or only looks
 * @returns how many are ready
 */
function wait(handles: usize, count: usize, ready: usize, waits: bool): usize {
  const subscriptions = scratch((count + 1) * SUBSCRIPTION);
  const events = scratch((count + 1) * EVENT);
  let asked: usize = 0;
  let done: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    const handle = load<i32>(handles + i * 4);
    if (isAlways(handle)) {
      store<u8>(ready + i, 1);
      done++;
    } else subscribe(subscriptions + asked++ * SUBSCRIPTION, handle, <u64>i);
  }
  if (asked == 0) return done;
  if (done > 0 || !waits) subscribeClock(subscriptions + asked++ * SUBSCRIPTION, AT_ONCE, 0, 0);
  if (poll_oneoff(subscriptions, events, <i32>asked, found) != 0) unreachable();
  const happened = <usize>load<u32>(found);
  for (let i: usize = 0; i < happened; i++) {
    const userdata = load<u64>(events + i * EVENT);
    if (userdata == AT_ONCE) continue;
    const at = ready + <usize>userdata;
    if (load<u8>(at) == 0) done++;
    store<u8>(at, 1);
  }
  return done;
}

/** list<borrow<pollable>> to list<u32>. An empty list traps. */
export function io_poll_poll(list: usize, count: usize, to: usize): void {
  freeScratch();
  if (count == 0 || count > 65536) unreachable();
  const handles = scratch(count * 4);
  checkAlignment(list, 4);
  from_component(handles, list, count * 4);
  const ready = scratch(count);
  memory.fill(ready, 0, count);
  let done: usize = 0;
  while (done == 0) done = wait(handles, count, ready, true);
  const indexes = scratch(done * 4);
  let at = indexes;
  for (let i: usize = 0; i < count; i++) {
    if (load<u8>(ready + i) == 0) continue;
    store<u32>(at, <u32>i);
    at += 4;
  }
  giveList(to, give(indexes, done * 4, 4), done);
}

function waitForOne(handle: i32, waits: bool): bool {
  freeScratch();
  const handles = scratch(4);
  store<i32>(handles, handle);
  const ready = scratch(1);
  store<u8>(ready, 0);
  return wait(handles, 1, ready, waits) > 0;
}

export function io_poll_pollable_ready(handle: i32): i32 {
  return waitForOne(handle, false) ? 1 : 0;
}

export function io_poll_pollable_block(handle: i32): void {
  while (!waitForOne(handle, true)) {}
}

/** Whether a descriptor can be read (or written) without waiting; or waits for that. */
export function descriptorReady(fd: i32, writes: bool, waits: bool): bool {
  freeScratch();
  const subscriptions = scratch(2 * SUBSCRIPTION);
  const events = scratch(2 * EVENT);
  memory.fill(subscriptions, 0, SUBSCRIPTION);
  store<u8>(subscriptions, writes ? WRITE : READ, 8);
  store<i32>(subscriptions, fd, 16);
  const asked = waits ? 1 : 2;
  if (!waits) subscribeClock(subscriptions + SUBSCRIPTION, AT_ONCE, 0, 0);
  if (poll_oneoff(subscriptions, events, asked, found) != 0) return true; // the call itself says what is wrong
  const happened = <usize>load<u32>(found);
  for (let i: usize = 0; i < happened; i++) if (load<u64>(events + i * EVENT) != AT_ONCE) return true;
  return false;
}
