/**
 * Tracking by mprotect, where the kernel has nothing better: memories are made read-only in blocks, and the handler of
 * SIGSEGV makes a block writable again at its first write, and remembers it.
 *
 *     row of a memory      base | covered: how far blocks were protected | number of its first block | how many it may have
 *     byte of a block      1: writable, written as far as anybody knows
 *
 * AssemblyScript, for the signal handlers, and for host calls that let the kernel write the guest's memory: the kernel
 * does not ask a handler but fails with EFAULT, so those ranges are made writable first (liftTargets). A block has 64 KiB,
 * or more in a large memory, as each may become a mapping of its own, of which a process may have 65530.
 *
 * Nothing stays protected for good: when the tool that has begun the session is dead, the next write to a protected
 * block, or call that lets the kernel write, lifts all protection.
 */

import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import { WASM_PAGE } from '../../image/contract/sizes';
import { REGION_SIZE, TRACK_REGIONS } from '../../image/contract/tracking';
import { load64, memoryBase, syscall } from '../native/native';
import { SYS_close, SYS_kill, SYS_mprotect, SYS_pidfd_open, SYS_ppoll } from '../native/target';
import { firstInstance, instanceCount, memoriesOf, nextInstance } from './init-plan';
import { ESRCH, failed, PROT_READ, PROT_READ_WRITE } from './runtime-block';
import { REGIONS } from './userfault';

const EINVAL: i64 = -22;
const E2BIG: i64 = -7;

const BLOCKS_MAX: i64 = 16384;
const BLOCK_SHIFT: i64 = 16;
/** A block is no larger than what a tool scans at once. */
const BLOCK_SHIFT_MAX: i64 = 24;
/** A byte for each block: a host call that is interrupted by a scan must change no other block's. */
const WRITTEN: usize = memory.data(16384, 8);
const ALL_WRITTEN: u64 = 0x0101010101010101;

const ROWS_MAX: i32 = 64;
const ROW_SIZE: usize = 32;
const ROWS: usize = memory.data(2048, 8);
const ROW_BASE: usize = 0;
const ROW_COVERED: usize = 8; // native address: from here on nothing is protected
const ROW_FIRST: usize = 16;
const ROW_CAPACITY: usize = 24;
let rowCount: i32 = 0;
/** A block has 1 << shift bytes. */
let shift: i64 = 16;

/** Who has begun the session: a pidfd, or -errno; and the pid, 0 for one that has none here. */
let owner: i64 = -1;
let ownerPid: i32 = 0;
const pollDescriptor: usize = memory.data(8, 8);
const noTime: usize = memory.data(16, 8);

// -- a session

/**
 * Begins a session.
 * @param sender pid of the tool
 * @returns 1 when what was written is known since the last session, 0 when not, or -errno
 */
export function beginProtect(sender: i32): i64 {
  setOwner(sender);
  if (rowCount > 0 && fits()) return 1;
  endProtect();
  setOwner(sender);
  return layOut();
}

/** Called when the session's tool is done: protection stays as it is. */
export function keepProtect(): void {
  setOwner(0);
}

/** Lifts all protection. */
export function endProtect(): void {
  if (inHost !== 0) inHost = ENDS;
  liftAll();
  rowCount = 0;
  setOwner(0);
}

const LIFTS: i32 = 1;
const ENDS: i32 = 2;
/** What a host call is doing with rows and blocks, which TRACK_SIGNAL may interrupt. */
let inHost: i32 = 0;

/**
 * Whether a request has to wait for a host call that is in the midst of lifting: it has a row and a block's number in its
 * hands, which a new session would give to another block. The tool asks again.
 * @param begins whether the request is for a new session
 */
export function mustWait(begins: bool): bool {
  return inHost === ENDS || (begins && inHost !== 0);
}

function setOwner(pid: i32): void {
  if (owner >= 0) syscall(SYS_close, owner, 0, 0, 0, 0, 0);
  owner = pid === 0 ? -1 : syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
  ownerPid = pid;
}

function isOwnerDead(): bool {
  if (ownerPid === 0) return false;
  if (owner === ESRCH) return true;
  if (owner < 0) return syscall(SYS_kill, ownerPid, 0, 0, 0, 0, 0) === ESRCH;
  store<i32>(pollDescriptor, <i32>owner);
  store<i32>(pollDescriptor, 1, 4); // POLLIN
  return syscall(SYS_ppoll, memoryBase() + pollDescriptor, 1, memoryBase() + noTime, 0, 8, 0) > 0;
}

/** Whether all memories have rows that have room for them. */
function fits(): bool {
  let row = ROWS;
  let entry = nextInstance(firstInstance());
  for (let i = instanceCount() - 1; i > 0; i--) {
    let at = memoriesOf(entry) + 8;
    for (let k = load64(at - 8); k > 0; k--) {
      if (load64(load64(at) + MEM_SIZE) > load<i64>(row, ROW_CAPACITY) << shift) return false;
      row += ROW_SIZE;
      at += 16;
    }
    entry = nextInstance(entry);
  }
  return true;
}

/** Gives each memory blocks for twice its size, as small as they may be. All of it counts as written. */
function layOut(): i64 {
  shift = BLOCK_SHIFT;
  while (!giveBlocks()) {
    if (rowCount > ROWS_MAX || ++shift > BLOCK_SHIFT_MAX) {
      rowCount = 0;
      return E2BIG;
    }
  }
  for (let at: usize = 0; at < <usize>BLOCKS_MAX; at += 8) store<u64>(WRITTEN + at, ALL_WRITTEN);
  return 0;
}

/** @returns false when there are not enough blocks, or rows */
function giveBlocks(): bool {
  let first: i64 = 0;
  rowCount = 0;
  let entry = nextInstance(firstInstance()); // the host layer has its own
  for (let i = instanceCount() - 1; i > 0; i--) {
    let at = memoriesOf(entry) + 8;
    for (let k = load64(at - 8); k > 0; k--) {
      if (rowCount === ROWS_MAX) {
        rowCount++;
        return false;
      }
      const record = load64(at);
      const base = load64(record + MEM_BASE);
      const capacity = ((2 * load64(record + MEM_SIZE) + WASM_PAGE) >> shift) + 1;
      const row = ROWS + <usize>rowCount * ROW_SIZE;
      store<i64>(row, base, ROW_BASE);
      store<i64>(row, base, ROW_COVERED);
      store<i64>(row, first, ROW_FIRST);
      store<i64>(row, capacity, ROW_CAPACITY);
      first += capacity;
      rowCount++;
      if (first > BLOCKS_MAX) return false;
      at += 16;
    }
    entry = nextInstance(entry);
  }
  return true;
}

// -- scanning

let regionCount: i64 = 0;
let reached: i64 = 0;

/** Where the last scan has stopped. */
export function protectReached(): i64 {
  return reached;
}

/**
 * Finds the blocks of a range that were written since the last scan, and protects them.
 * @param limit stops when it has found so many bytes; 0: never
 * @returns how many regions are in REGIONS, or -errno; then nothing is protected
 */
export function scanProtect(start: i64, end: i64, limit: i64): i64 {
  const row = rowOf(start, true);
  if (row === 0) return EINVAL;
  const base = load<i64>(row, ROW_BASE);
  const first = load<i64>(row, ROW_FIRST);
  const capacity = load<i64>(row, ROW_CAPACITY);
  const covered = load<i64>(row, ROW_COVERED);
  regionCount = 0;
  let protectFrom: i64 = 0; // of a run of written blocks, 0 for none
  let found: i64 = 0;
  let at = start;
  while (at < end) {
    const block = (at - base) >> shift;
    const blockEnd = min<i64>(base + ((block + 1) << shift), end);
    const isTracked = block < capacity;
    if (!isTracked || blockEnd > covered || isWritten(first + block)) {
      if ((limit !== 0 && found >= limit) || !addRegion(at, blockEnd)) break;
      found += blockEnd - at;
      if (isTracked) {
        setWritten(first + block, false);
        if (protectFrom === 0) protectFrom = at;
      }
    } else if (protectFrom !== 0) {
      if (!protectRange(protectFrom, at)) return giveUp();
      protectFrom = 0;
    }
    at = blockEnd;
  }
  const last = base + (capacity << shift);
  if (protectFrom !== 0 && !protectRange(protectFrom, min(at, last))) return giveUp();
  if (min(at, last) > covered) store<i64>(row, min(at, last), ROW_COVERED);
  reached = at;
  return regionCount;
}

function addRegion(start: i64, end: i64): bool {
  const last = REGIONS + <usize>(regionCount - 1) * <usize>REGION_SIZE;
  if (regionCount > 0 && load<i64>(last, 8) === start) {
    store<i64>(last, end, 8);
    return true;
  }
  if (regionCount === TRACK_REGIONS) return false;
  const at = REGIONS + <usize>regionCount * <usize>REGION_SIZE;
  store<i64>(at, start);
  store<i64>(at, end, 8);
  regionCount++;
  return true;
}

function protectRange(start: i64, end: i64): bool {
  return !failed(syscall(SYS_mprotect, start, end - start, PROT_READ, 0, 0, 0));
}

/** No more mappings are allowed. */
function giveUp(): i64 {
  endProtect();
  return E2BIG;
}

// -- lifting

/**
 * Makes the block of an address writable, which is written from now on.
 * @returns false when it is not protected
 */
export function liftAt(address: i64): bool {
  const row = rowOf(address, false);
  if (row === 0) return false;
  const base = load<i64>(row, ROW_BASE);
  const block = (address - base) >> shift;
  const number = load<i64>(row, ROW_FIRST) + block;
  if (isWritten(number)) return false;
  if (isOwnerDead()) {
    endProtect();
    return true;
  }
  const start = base + (block << shift);
  const end = min<i64>(start + ((<i64>1) << shift), load<i64>(row, ROW_COVERED));
  setWritten(number, true);
  if (failed(syscall(SYS_mprotect, start, end - start, PROT_READ_WRITE, 0, 0, 0))) endProtect();
  return true;
}

function liftRange(address: i64, length: i64): void {
  const step = (<i64>1) << shift;
  for (let at = address & ~(step - 1); at < address + length; at += step) liftAt(max(at, address));
  if (length > 0) liftAt(address + length - 1); // blocks count from the memory's base
}

function liftAll(): void {
  for (let i: i32 = 0; i < rowCount; i++) {
    const row = ROWS + <usize>i * ROW_SIZE;
    const base = load<i64>(row, ROW_BASE);
    const covered = load<i64>(row, ROW_COVERED);
    if (covered > base) syscall(SYS_mprotect, base, covered - base, PROT_READ_WRITE, 0, 0, 0);
    store<i64>(row, base, ROW_COVERED);
  }
}

/** @param any also what is not covered yet @returns 0 for none */
function rowOf(address: i64, any: bool): usize {
  for (let i: i32 = 0; i < rowCount; i++) {
    const row = ROWS + <usize>i * ROW_SIZE;
    const base = load<i64>(row, ROW_BASE);
    if (address < base) continue;
    if (address < load<i64>(row, ROW_COVERED) || (any && isInMemory(i, address))) return row;
  }
  return 0;
}

/** Whether an address is in the memory of a row as it is now. */
function isInMemory(index: i32, address: i64): bool {
  let row: i32 = 0;
  let entry = nextInstance(firstInstance());
  for (let i = instanceCount() - 1; i > 0; i--) {
    let at = memoriesOf(entry) + 8;
    for (let k = load64(at - 8); k > 0; k--) {
      const record = load64(at);
      if (row++ === index) return address < load64(record + MEM_BASE) + load64(record + MEM_SIZE);
      at += 16;
    }
    entry = nextInstance(entry);
  }
  return false;
}

function isWritten(number: i64): bool {
  return load<u8>(WRITTEN + <usize>number) !== 0;
}

function setWritten(number: i64, written: bool): void {
  store<u8>(WRITTEN + <usize>number, written ? 1 : 0);
}

// -- what the kernel writes

/** Native iovecs of the guest's memory that the kernel is about to write. */
let targets: usize = 0;
let targetCount: i64 = 0;
const single: usize = memory.data(16, 8);

/** Before the kernel writes a range: it counts as written. */
export function aimAt(address: i64, length: i64): void {
  store<i64>(single, address);
  store<i64>(single, length, 8);
  aim(single, 1);
}

/**
 * The same of several. Until here a scan may protect them again, after this one it lifts them itself.
 * @param iovecs of the host layer's memory: address, length, 8 bytes each
 */
export function aim(iovecs: usize, count: i64): void {
  targets = iovecs;
  targetCount = count;
  if (rowCount === 0) return;
  inHost = LIFTS;
  if (isOwnerDead()) endProtect();
  else liftTargets();
  inHost = 0;
}

/** The kernel is done. */
export function aimless(): void {
  targetCount = 0;
}

/** After a scan within a host call: the call is about to be made, or waits and is made again. */
export function liftTargets(): void {
  for (let i: i64 = 0; i < targetCount; i++) {
    const at = targets + <usize>i * 16;
    liftRange(load<i64>(at), load<i64>(at, 8));
  }
}
