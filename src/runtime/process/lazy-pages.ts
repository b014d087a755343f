/**
 * Lazy pages: memory that arrives while the guest runs (image/contract/lazy-pages.ts, WAGSNAP_LAZY=n).
 *
 *     mapped        mapLazily     privately from the snapshot's file, and without access
 *     first access  openAt        SIGSEGV: waits until the unit is there, makes it and what is next to it accessible
 *     all there     openArrived   at TRACK_SIGNAL: all of it is accessible, nothing of this is left
 *
 * A private mapping shows what is written to the file later, as long as no page of it was copied: so nobody copies
 * anything here.
 *
 * AssemblyScript. The kernel does not ask a handler but fails with EFAULT: so host calls touch what they pass to it
 * (guestRange). Everything else is done by handlers that do not interrupt each other, with STOP_SIGNAL blocked: a
 * process that waits for a page stops after it.
 *
 * Each unit that is opened alone may take two mappings more, of which a process may have 65530. When there are no more,
 * larger pieces are waited for and opened.
 */

import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import {
  LAZY_MAGIC,
  LAZY_UNIT,
  LAZY_UNIT_SHIFT,
  LZ_BITS,
  LZ_MAGIC,
  LAZY_REQUEST_SIZE,
  LZ_SOURCE,
  LZ_SOURCE_LENGTH,
  LZ_UNITS,
  RT_LAZY,
} from '../../image/contract/lazy-pages';
import { RP_MEMORIES } from '../../image/contract/resume-plan';
import { RT_RESUME_PLAN } from '../../image/contract/runtime-block';
import { moveHigh } from '../native/high-descriptor';
import { load64, load8_u, memoryBase, store64, syscall } from '../native/native';
import { SYS_close, SYS_mmap, SYS_mprotect, SYS_pread64, SYS_read, SYS_sendmsg } from '../native/target';
import { flush, put, putForeign } from './message';
import {
  EINTR,
  exit,
  failed,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_NONE,
  PROT_READ,
  PROT_READ_WRITE,
  setWord,
  word,
} from './runtime-block';

const MAP_SHARED: i64 = 1;
const MSG_NOSIGNAL: i64 = 0x4000;
const EXIT_FAILED: i32 = 1;
/** Units that are opened together at most, besides those that were waited for. */
const RUN_MAX: i64 = 4096;

/** What openAt has done. */
export const LAZY_NOT_OURS: i32 = 0;
export const LAZY_OPENED: i32 = 1;
export const LAZY_LOST: i32 = 2;

/** Native address of the list, 0 when nothing is missing. */
let list: i64 = 0;
/** Native address of u64 words: bit n is set once unit n is accessible. */
let opened: i64 = 0;
let socket: i64 = 0;
/** Units that are not accessible yet. */
let left: i64 = 0;
/** How many units are waited for at once, a power of two. */
let width: i64 = 1;
/** Whether a page could not be had. */
let isLost: bool = false;

// struct msghdr with one iovec, of the request
const MESSAGE: usize = memory.data(56, 8);
const VECTOR: usize = memory.data(16, 8);
const REQUEST: usize = memory.data(8, 8);
const HEADER: usize = memory.data(16, 8);

// -- before the guest runs

/** Maps the list. @param descriptor of the socket; the list's is the next one */
export function beginLazy(descriptor: i64): void {
  const file = descriptor + 1;
  const count = syscall(SYS_pread64, file, memoryBase() + HEADER, 16, 0, 0, 0);
  if (count !== 16 || load<i64>(HEADER, LZ_MAGIC) !== LAZY_MAGIC) return refuse('there is no list of pages');
  const bytes = load<i64>(HEADER, LZ_UNITS) >> 3;
  list = syscall(SYS_mmap, 0, LZ_BITS + bytes, PROT_READ, MAP_SHARED, file, 0);
  opened = syscall(SYS_mmap, 0, bytes + 8, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (failed(list) || failed(opened)) return refuse('no memory for the list of pages');
  syscall(SYS_close, file, 0, 0, 0, 0, 0);
  socket = moveHigh(descriptor);
  setWord(RT_LAZY, list);
}

function refuse(why: string): void {
  put('wag-snap: WAGSNAP_LAZY: ');
  put(why);
  put('\n');
  flush();
  exit(EXIT_FAILED);
}

export function isLazy(): bool {
  return list !== 0;
}

/** The socket's descriptor for the rest of the process's life; 0 when there is none. */
export function lazyDescriptor(): i64 {
  return socket;
}

/** Maps an extent without access. It is mapped writable first: so the kernel counts it now, and no access later fails. */
export function mapLazily(address: i64, source: i64, fileOffset: i64, bytes: i64): void {
  const flags = MAP_PRIVATE | MAP_FIXED;
  if (
    failed(syscall(SYS_mmap, address, bytes, PROT_READ_WRITE, flags, source, fileOffset)) ||
    failed(syscall(SYS_mprotect, address, bytes, PROT_NONE, 0, 0, 0))
  ) {
    refuse('not enough memory for the snapshot');
  }
  left += bytes >> LAZY_UNIT_SHIFT;
}

// -- while it runs

/** The extent of an address: where it begins in memory, the number of its first unit, and how many it has. */
let extentAddress: i64 = 0;
let extentUnit: i64 = 0;
let extentLength: i64 = 0;

/**
 * Makes the unit of an address accessible.
 * @returns LAZY_NOT_OURS when it is accessible, or no memory that arrives; LAZY_LOST when it cannot be had
 */
export function openAt(address: i64): i32 {
  if (list === 0 || !findExtent(address)) return LAZY_NOT_OURS;
  const index = (address - extentAddress) >> LAZY_UNIT_SHIFT;
  if (isOpen(extentUnit + index)) return LAZY_NOT_OURS;
  while (true) {
    const from = index & ~(width - 1);
    const to = min<i64>(from + width, extentLength);
    for (let i = from; i < to; i++) if (!awaitUnit(extentUnit + i)) return lose();
    if (openRun(from, to)) break;
    if (width >= extentLength) return lose();
    width <<= 1;
  }
  finish();
  return LAZY_OPENED;
}

/** Makes everything accessible that is there. */
export function openArrived(): void {
  if (list === 0) return;
  let at = load64(word(RT_RESUME_PLAN) + RP_MEMORIES);
  let memories = load64(at);
  at += 8;
  for (; memories > 0; memories--) {
    const base = load64(load64(at) + MEM_BASE);
    let extents = load64(at + 16);
    at += 24;
    for (; extents > 0; extents--) {
      setExtent(base, at);
      for (let i: i64 = 0; i < extentLength; i++) {
        const unit = extentUnit + i;
        if (isThere(unit) && !isOpen(unit)) openRun(i, i + 1);
      }
      at += 24;
    }
  }
  finish();
}

/** Before the kernel reads or writes a range: all of it is accessible then. */
export function touch(address: i64, length: i64): void {
  if (list === 0 || length <= 0) return;
  const last = address + length - 1;
  for (let at = address; at < last; at += LAZY_UNIT) load8_u(at);
  load8_u(last);
}

/** Why the process ends when a page is lost. */
export function describeLost(): void {
  put('pages lost: the rest of its memory was on ');
  putForeign(list + LZ_SOURCE, min<i64>(load64(list + LZ_SOURCE_LENGTH), LZ_BITS - LZ_SOURCE));
  put(', and no more of it will ever come');
}

function lose(): i32 {
  isLost = true;
  return LAZY_LOST;
}

/** All of it is accessible: whoever looks sees an ordinary process. */
function finish(): void {
  if (left > 0) return;
  list = 0;
  setWord(RT_LAZY, 0);
}

/** Opens [from, to) of the extent, and what has arrived next to it. @returns false when no more mappings are allowed */
function openRun(from: i64, to: i64): bool {
  const first = max<i64>(from - RUN_MAX, 0);
  const end = min<i64>(to + RUN_MAX, extentLength);
  while (from > first && canOpen(from - 1)) from--;
  while (to < end && canOpen(to)) to++;
  const start = extentAddress + (from << LAZY_UNIT_SHIFT);
  if (failed(syscall(SYS_mprotect, start, (to - from) << LAZY_UNIT_SHIFT, PROT_READ_WRITE, 0, 0, 0))) return false;
  for (let i = from; i < to; i++) {
    const at = opened + (((extentUnit + i) >> 6) << 3);
    const bit = (<i64>1) << ((extentUnit + i) & 63);
    if ((load64(at) & bit) === 0) left--;
    store64(at, load64(at) | bit);
  }
  return true;
}

function canOpen(index: i64): bool {
  return isThere(extentUnit + index) && !isOpen(extentUnit + index);
}

/** Waits for a unit. @returns false when nobody brings it any more */
function awaitUnit(unit: i64): bool {
  let isAsked = isLost;
  while (!isThere(unit)) {
    if (!isAsked && !ask(unit)) return isThere(unit);
    isAsked = true;
    const count = syscall(SYS_read, socket, memoryBase() + REQUEST, 1, 0, 0, 0);
    if (count !== 1 && count !== EINTR) return isThere(unit);
  }
  return true;
}

/** @returns false when there is nobody to ask */
function ask(unit: i64): bool {
  store<u32>(REQUEST, <u32>unit);
  store<i64>(VECTOR, memoryBase() + REQUEST);
  store<i64>(VECTOR, LAZY_REQUEST_SIZE, 8);
  store<i64>(MESSAGE, memoryBase() + VECTOR, 16);
  store<i64>(MESSAGE, 1, 24);
  let sent: i64 = EINTR;
  while (sent === EINTR) sent = syscall(SYS_sendmsg, socket, memoryBase() + MESSAGE, MSG_NOSIGNAL, 0, 0, 0);
  return sent === LAZY_REQUEST_SIZE;
}

function isThere(unit: i64): bool {
  return ((load64(list + LZ_BITS + ((unit >> 6) << 3)) >> (unit & 63)) & 1) !== 0;
}

function isOpen(unit: i64): bool {
  return ((load64(opened + ((unit >> 6) << 3)) >> (unit & 63)) & 1) !== 0;
}

// -- extents of the resume plan: each memory's ascend

function findExtent(address: i64): bool {
  let at = load64(word(RT_RESUME_PLAN) + RP_MEMORIES);
  let memories = load64(at);
  at += 8;
  for (; memories > 0; memories--) {
    const record = load64(at);
    const base = load64(record + MEM_BASE);
    const extents = load64(at + 16);
    at += 24;
    if (address >= base && address < base + load64(record + MEM_SIZE)) return searchExtent(base, at, extents, address);
    at += extents * 24;
  }
  return false;
}

function searchExtent(base: i64, rows: i64, count: i64, address: i64): bool {
  let low: i64 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    setExtent(base, rows + middle * 24);
    if (address < extentAddress) high = middle;
    else if (address >= extentAddress + (extentLength << LAZY_UNIT_SHIFT)) low = middle + 1;
    else return true;
  }
  return false;
}

function setExtent(base: i64, row: i64): void {
  extentAddress = base + load64(row);
  extentUnit = load64(row + 8) >> LAZY_UNIT_SHIFT;
  extentLength = load64(row + 16) >> LAZY_UNIT_SHIFT;
}
