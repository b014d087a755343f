/**
 * Exceptions: objects outside of every memory, made by throw and freed by a collector that marks and sweeps.
 *
 * AssemblyScript. Memory comes in blocks of 64 KiB. A block has cells of one size, which depends on the number of
 * values; a block whose cells are all free can take another size. An exnref is a cell's address. Roots are every word
 * of the guest's stack that is the address of an exception (no register survives a call, and only a call makes one),
 * tables and globals of type exnref; and the values of marked exceptions. Blocks count as memory of the program
 * (memory-limit.ts), also when they are free again. The exceptions of a snapshot lie in the resumable image
 * (RT_RESTORED_EXCEPTIONS): they are never freed, and as nothing changes an exception, they refer to each other only.
 *
 *     block: cell size u32, 0 when free | 12 bytes | cells   (EXN_*; a free one: 0, the next free one or 0)
 */

import {
  EXN_COUNT,
  EXN_MARK,
  EXN_TAG,
  EXN_VALUE_SIZE,
  EXN_VALUES,
  TAG_COUNT,
} from '../../image/contract/exception-tables';
import { TAB_BASE, TAB_LENGTH, TAB_TYPE } from '../../image/contract/instance';
import { RT_EXCEPTION_TABLES, RT_EXCEPTIONS, RT_EXCEPTIONS_END } from '../../image/contract/runtime-block';
import { TH_GUEST_SP, TH_STACK_TOP } from '../../image/contract/thread';
import { TRAP_EXCEPTION_MEMORY } from '../../image/contract/traps';
import { load32_u, load64, store32, store64, syscall } from '../native/native';
import { SYS_mmap, SYS_mprotect } from '../native/target';
import { exnrefGlobal, exnrefGlobalCount } from './exception-tables';
import { firstInstance, instanceCount, nextInstance, tablesOf } from './init-plan';
import { isWithinLimit } from './memory-limit';
import {
  failed,
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  PROT_NONE,
  PROT_READ_WRITE,
  setWord,
  word,
} from './runtime-block';
import { threadWord } from './thread';
import { raise } from './traps';

const EXNREF: i32 = 0x69;
const BLOCK: i64 = 65536;
const FIRST_CELL: i64 = 16;
/** The most bytes that exceptions may take. The address space is reserved; pages are allocated when they are used. */
const CAPACITY: i64 = 268435456;
/** Least number of bytes allocated before the first collection, and between two collections. */
const LEAST_THRESHOLD: i64 = 1048576;
/** Marked and the last one whose values are to be looked at; other marks are the next such one's offset / 16. */
const LAST: i32 = -1;

/** By number of values, 0 to 1000: address of the first free cell, or 0. */
const freeCells: usize = memory.data(8008, 8);
let made: i64 = 0; // bytes since the last collection
let threshold: i64 = 1048576; // LEAST_THRESHOLD
let pending: i32 = -1; // LAST, or the marked one to look at next
let base: i64 = 0;
let end: i64 = 0;

/** Reserves the room; to be called before the sandbox, for images with tags. */
export function reserveExceptions(): void {
  if (word(RT_EXCEPTION_TABLES) === 0) return;
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const address = syscall(SYS_mmap, 0, CAPACITY, PROT_NONE, flags, -1, 0);
  if (failed(address)) return; // the first throw says so
  base = address;
  end = address;
  setWord(RT_EXCEPTIONS, address);
  setWord(RT_EXCEPTIONS_END, address);
}

/**
 * A new exception. Traps when there is no room.
 * @param payload address of the values, `stride` bytes from one to the next: 16 where each has room for a v128, else 8
 */
export function makeException(tag: i64, payload: i64, stride: i64): i64 {
  const count = load32_u(tag + TAG_COUNT);
  const exception = allocate(count);
  store64(exception + EXN_TAG, tag);
  store32(exception + EXN_COUNT, count);
  store32(exception + EXN_MARK, 0);
  let to = exception + EXN_VALUES;
  for (let i = 0; i < count; i++) {
    store64(to, load64(payload));
    store64(to + 8, stride === 16 ? load64(payload + 8) : 0);
    payload += stride;
    to += EXN_VALUE_SIZE;
  }
  return exception;
}

function allocate(count: i32): i64 {
  const size = EXN_VALUES + <i64>count * EXN_VALUE_SIZE;
  if (made + size > threshold) collect();
  let cell = freeCell(count);
  if (cell === 0 && !addBlock(count)) {
    collect();
    if (freeCell(count) === 0 && !addBlock(count)) raise(TRAP_EXCEPTION_MEMORY);
  }
  cell = freeCell(count);
  setFreeCell(count, load64(cell + 8));
  made += size;
  return cell;
}

function freeCell(count: i32): i64 {
  return load<i64>(freeCells + (count << 3));
}

function setFreeCell(count: i32, cell: i64): void {
  store<i64>(freeCells + (count << 3), cell);
}

/** Gives a free block, or a new one, to exceptions with `count` values. @returns false when there is none */
function addBlock(count: i32): bool {
  let block = base;
  while (block < end && load32_u(block) !== 0) block += BLOCK;
  if (block === end) {
    if (end === base + CAPACITY || base === 0 || !isWithinLimit(BLOCK)) return false;
    if (failed(syscall(SYS_mprotect, end, BLOCK, PROT_READ_WRITE, 0, 0, 0))) return false;
    end += BLOCK;
    setWord(RT_EXCEPTIONS_END, end);
  }
  const size = EXN_VALUES + <i64>count * EXN_VALUE_SIZE;
  store32(block, <i32>size);
  for (let cell = block + FIRST_CELL; cell + size <= block + BLOCK; cell += size) release(cell, count);
  return true;
}

function release(cell: i64, count: i32): void {
  store64(cell + EXN_TAG, 0);
  store64(cell + 8, freeCell(count));
  setFreeCell(count, cell);
}

function collect(): void {
  markStack();
  markGlobals();
  markTables();
  while (pending !== LAST) {
    const exception = base + ((<i64>(<u32>pending)) << 4);
    pending = load32_u(exception + EXN_MARK);
    const last = exception + EXN_VALUES + <i64>load32_u(exception + EXN_COUNT) * EXN_VALUE_SIZE;
    for (let at = exception + EXN_VALUES; at < last; at += EXN_VALUE_SIZE) mark(load64(at));
  }
  const kept = sweep();
  const stack = threadWord(TH_STACK_TOP) - threadWord(TH_GUEST_SP);
  threshold = LEAST_THRESHOLD;
  if (kept > threshold) threshold = kept;
  if (stack > threshold) threshold = stack; // so that looking through it costs little for each exception
  made = 0;
}

function markStack(): void {
  const top = threadWord(TH_STACK_TOP);
  for (let at = threadWord(TH_GUEST_SP); at < top; at += 8) mark(load64(at));
}

function markGlobals(): void {
  for (let i = exnrefGlobalCount() - 1; i >= 0; i--) mark(load64(exnrefGlobal(i)));
}

function markTables(): void {
  let entry = firstInstance();
  for (let i = instanceCount(); i > 0; i--) {
    let row = tablesOf(entry) + 8;
    for (let k = load64(row - 8); k > 0; k--) {
      const record = load64(row);
      if (load32_u(record + TAB_TYPE) === EXNREF) {
        const elements = load64(record + TAB_BASE);
        for (let n = load64(record + TAB_LENGTH) - 1; n >= 0; n--) mark(load64(elements + n * 8));
      }
      row += 24;
    }
    entry = nextInstance(entry);
  }
}

/** Marks an exception, if `value` is the address of one. */
function mark(value: i64): void {
  if (<u64>value < <u64>base || <u64>value >= <u64>end) return;
  const inBlock = (value - base) & (BLOCK - 1);
  const size = <i64>load32_u(value - inBlock);
  if (size === 0 || inBlock < FIRST_CELL || (inBlock - FIRST_CELL) % size !== 0 || inBlock + size > BLOCK) return;
  if (load64(value + EXN_TAG) === 0 || load32_u(value + EXN_MARK) !== 0) return;
  store32(value + EXN_MARK, pending);
  pending = <i32>((value - base) >> 4);
}

/** Frees what is not marked and takes the marks away. @returns bytes of what is left */
function sweep(): i64 {
  for (let count = 0; count <= 1000; count++) setFreeCell(count, 0);
  let kept: i64 = 0;
  for (let block = base; block < end; block += BLOCK) {
    const size = <i64>load32_u(block);
    if (size === 0) continue;
    const before = kept;
    for (let cell = block + FIRST_CELL; cell + size <= block + BLOCK; cell += size) {
      if (load64(cell + EXN_TAG) !== 0 && load32_u(cell + EXN_MARK) !== 0) kept += size;
    }
    if (kept === before) store32(block, 0);
    else sweepBlock(block, size);
  }
  return kept;
}

function sweepBlock(block: i64, size: i64): void {
  const count = <i32>((size - EXN_VALUES) / EXN_VALUE_SIZE);
  for (let cell = block + FIRST_CELL; cell + size <= block + BLOCK; cell += size) {
    if (load64(cell + EXN_TAG) === 0 || load32_u(cell + EXN_MARK) === 0) release(cell, count);
    else store32(cell + EXN_MARK, 0);
  }
}
