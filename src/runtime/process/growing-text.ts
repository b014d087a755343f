/**
 * Text that grows while the process runs: the slot of a function that is not there traps, the tool compiles the
 * function, and new pages of the image's file are mapped (ARCHITECTURE.md, "Growing images").
 *
 * AssemblyScript, on the signal stack but for `openGrowingText`. Nothing here but the runtime block is shared with other
 * code. Images that have all of their functions have no slots, and none of this happens in them.
 */

import {
  LOG_COMPLETE,
  LOG_COUNT,
  LOG_END,
  LOG_FUNCTION,
  LOG_HEAD,
  LOG_OFFSET,
  LOG_ROW,
  LOG_STATE,
  REQUEST_ALL,
  REQUEST_TABLES,
  RT_CELLS,
  RT_GROWTH_FD,
  RT_GROWTH_LOG,
  RT_GROWTH_START,
  RT_SLOT_COUNT,
  RT_SLOTS,
  SLOT_SIZE,
} from '../../image/contract/growing-text';
import {
  RT_AUXV,
  RT_EXE_FD,
  RT_FUNCS_FILE,
  RT_PLACES_FILE,
  RT_BLOCKING_WINDOWS,
} from '../../image/contract/runtime-block';
import { moveHigh } from '../native/high-descriptor';
import { load64, memoryBase, runtime, store64, syscall } from '../native/native';
import { SYS_mmap, SYS_ppoll, SYS_preadv, SYS_read, SYS_write, UCONTEXT_PC } from '../native/target';
import { flush, put, putDecimal } from './message';
import {
  EAGAIN,
  EINTR,
  exit,
  failed,
  imageBase,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ_EXEC,
  setWord,
  word,
} from './runtime-block';

const AT_PAGESZ: i64 = 6;
const LEAST_PAGE: i64 = 4096;
const POLLIN: i32 = 1;
const EXIT_FAILED: i32 = 1;
const EXIT_LIMIT: i32 = 4;

const ROWS: i32 = 512; // that are read at once
const rows: usize = memory.data(4096, 8);
const head: usize = memory.data(16, 8);
const vector: usize = memory.data(16, 8); // struct iovec
const message: usize = memory.data(8, 8);
const poll: usize = memory.data(8, 8); // struct pollfd

let channel: i64 = -1;
/** Rows of the log that have been read. */
let known: i64 = 0;
/** Image offset up to which text is mapped. */
let mapped: i64 = 0;
let complete: bool = false;
let hasAskedForAll: bool = false;

/** Whether functions are compiled while the process runs. */
export function isGrowing(): bool {
  return word(RT_SLOTS) !== 0;
}

/** The descriptor that leads to the tool. */
export function growthChannel(): i64 {
  return channel;
}

/** Takes over the descriptors that the process has inherited, and says which pages it has. Fills RT_EXE_FD. */
export function openGrowingText(): void {
  const inherited = word(RT_GROWTH_FD);
  mapped = word(RT_GROWTH_START);
  setWord(RT_EXE_FD, moveHigh(inherited));
  channel = moveHigh(inherited + 1);
  let page = LEAST_PAGE;
  for (let at = word(RT_AUXV); load64(at) !== 0; at += 16) if (load64(at) === AT_PAGESZ) page = load64(at + 8);
  if (!send(<u32>page)) alone(-1);
}

/** The trap of a slot: gets the function. @returns false when it is another trap */
export function fetchFunction(context: i64): bool {
  const slots = word(RT_SLOTS);
  if (slots === 0) return false;
  const offset = load64(context + UCONTEXT_PC) - imageBase() - slots;
  if (<u64>offset >= <u64>(word(RT_SLOT_COUNT) * <i64>SLOT_SIZE)) return false;
  const index = offset / <i64>SLOT_SIZE;
  readLog();
  if (isMissing(index)) {
    if (!ask(<u32>index)) alone(index);
    readLog();
    if (isMissing(index)) alone(index);
  }
  store64(context + UCONTEXT_PC, imageBase() + slots + index * <i64>SLOT_SIZE);
  return true;
}

function cellOf(index: i64): i64 {
  return imageBase() + word(RT_CELLS) + index * 8;
}

/** Whether the cell still holds an address in the slots. */
function isMissing(index: i64): bool {
  const offset = load64(cellOf(index)) - imageBase() - word(RT_SLOTS);
  return <u64>offset < <u64>(word(RT_SLOT_COUNT) * <i64>SLOT_SIZE);
}

/** Asks for all functions and the tables, and does not wait. */
export function askForAll(): void {
  if (isComplete() || hasAskedForAll) return;
  hasAskedForAll = true;
  send(<u32>REQUEST_ALL);
}

/** Whether all is there that a stop needs. */
export function isComplete(): bool {
  if (!isGrowing() || complete) return true;
  readLog();
  return complete;
}

/** For a process that ends, or stays at its trap: waits for the tables of what is there. */
export function awaitTables(): void {
  if (!isComplete() && ask(<u32>REQUEST_TABLES)) readLog();
}

/** Maps and enters what the log has of new functions. */
function readLog(): void {
  if (complete || !readFile(head, LOG_HEAD, word(RT_GROWTH_LOG))) return;
  const count = <i64>load<u32>(head, LOG_COUNT);
  const end = load<i64>(head, LOG_END);
  if (end > mapped) {
    mapUpTo(end);
    mapped = end;
  }
  while (known < count) {
    const some = count - known < <i64>ROWS ? count - known : <i64>ROWS;
    if (!readFile(rows, some * LOG_ROW, word(RT_GROWTH_LOG) + LOG_HEAD + known * LOG_ROW)) return;
    for (let i: i64 = 0; i < some; i++) {
      const row = rows + <usize>(i * LOG_ROW);
      store64(cellOf(load<u32>(row, LOG_FUNCTION)), imageBase() + <i64>load<u32>(row, LOG_OFFSET));
    }
    known += some;
  }
  if (load<u32>(head, LOG_STATE) === LOG_COMPLETE) readPlaces();
}

function mapUpTo(end: i64): void {
  const start = imageBase() + mapped;
  const flags = MAP_PRIVATE | MAP_FIXED;
  const result = syscall(SYS_mmap, start, end - mapped, PROT_READ_EXEC, flags, word(RT_EXE_FD), mapped);
  if (!failed(result)) return;
  put('wag-snap: not enough memory or address space for code that was just compiled (ulimit -v)\n');
  flush();
  exit(EXIT_LIMIT);
}

/** Where the tables are is in the file's runtime block. */
function readPlaces(): void {
  const block = runtime() - imageBase();
  const tables = <i64>RT_BLOCKING_WINDOWS - RT_FUNCS_FILE;
  complete =
    readNative(runtime() + RT_FUNCS_FILE, tables, block + RT_FUNCS_FILE) &&
    readNative(runtime() + RT_PLACES_FILE, 16, block + RT_PLACES_FILE);
}

function readFile(to: usize, bytes: i64, offset: i64): bool {
  return readNative(memoryBase() + to, bytes, offset);
}

/** @returns whether all of it was read */
function readNative(address: i64, bytes: i64, offset: i64): bool {
  store<i64>(vector, address);
  store<i64>(vector, bytes, 8);
  return syscall(SYS_preadv, word(RT_EXE_FD), memoryBase() + vector, 1, offset, 0, 0) === bytes;
}

/** Sends a request and waits for the byte that answers it. @returns false when there is nobody */
function ask(request: u32): bool {
  if (!send(request)) return false;
  while (true) {
    const count = syscall(SYS_read, channel, memoryBase() + message, 1, 0, 0, 0);
    if (count === EAGAIN) {
      store<i32>(poll, <i32>channel);
      store<i32>(poll, POLLIN, 4);
      syscall(SYS_ppoll, memoryBase() + poll, 1, 0, 0, 0, 0);
    } else if (count !== EINTR) return count === 1;
  }
}

function send(request: u32): bool {
  store<u32>(message, request);
  let count: i64 = EINTR;
  while (count === EINTR) count = syscall(SYS_write, channel, memoryBase() + message, 4, 0, 0, 0);
  return count === 4;
}

/** The tool has ended: nobody compiles any more. @param index the function that is missing, or -1 */
function alone(index: i64): void {
  put('wag-snap: the tool that compiles this program has ended');
  if (index >= 0) {
    put(', and it needs a function that is not compiled yet (function ');
    putDecimal(index);
    put(' of those that the module defines)');
  }
  put(': run it again\n');
  flush();
  exit(EXIT_FAILED);
}
