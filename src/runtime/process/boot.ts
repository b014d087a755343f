/**
 * The first thing a process runs: relocates the image's data and maps every memory, every table and the signal stack.
 *
 * AssemblyScript, called by the entry stub on the kernel's initial stack. There is no linear memory yet: until `reload`
 * this uses native loads and stores only, no static data. The start stub has stored RT_IMAGE_BASE.
 */

import {
  FLAG_INDEX64,
  INST_MEMORY_BASE,
  INST_MEMORY_RECORD,
  MEM_BASE,
  MEM_FLAGS,
  MEM_MAX,
  MEM_SIZE,
  SEG_BYTES,
  SEG_LENGTH,
  TAB_BASE,
  TAB_LENGTH,
  TAB_MAX,
} from '../../image/contract/instance';
import { RT_BASE_RELOC_COUNT, RT_BASE_RELOCS } from '../../image/contract/runtime-block';
import { MEMORY64_GUARD, MEMORY_RESERVATION, STACK_GUARD, TABLE_MAX } from '../../image/contract/sizes';
import { TH_SIGNAL_STACK } from '../../image/contract/thread';
import { copy, load32_u, load64, reload, runtime, store64, syscall } from '../native/native';
import { SYS_mmap, SYS_mprotect, SYS_write } from '../native/target';
import { blockOf, datasOf, firstInstance, instanceCount, memoriesOf, nextInstance, tablesOf } from './init-plan';
import { mappedSize, pageSize } from './memory-record';
import {
  exit,
  failed,
  imageBase,
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  PROT_NONE,
  PROT_READ_WRITE,
  word,
} from './runtime-block';
import { setThreadWord } from './thread';

/**
 * Size in bytes: room for nested handlers, each with a frame that holds all vector and matrix registers (11 KiB with
 * AMX).
 */
export const SIGNAL_STACK_SIZE: i64 = 262144;

/** @param _sp the kernel's initial stack pointer */
export function boot(_sp: i64): void {
  relocate();
  mapSignalStack();
  let entry = firstInstance();
  for (let i = instanceCount(); i > 0; i--) {
    mapMemories(memoriesOf(entry));
    mapTables(tablesOf(entry));
    entry = nextInstance(entry);
  }
  linkMemories();
  reload();
  copyDatas(datasOf(firstInstance()));
}

/** Adds the load address to every word of DATA that the base relocations name. */
function relocate(): void {
  const image = imageBase();
  let at = image + word(RT_BASE_RELOCS);
  const end = at + word(RT_BASE_RELOC_COUNT) * 4;
  for (; at < end; at += 4) {
    const target = image + <i64>(<u32>load32_u(at));
    store64(target, load64(target) + image);
  }
}

function mapSignalStack(): void {
  const signals = reserve(STACK_GUARD + SIGNAL_STACK_SIZE) + STACK_GUARD;
  open(signals, SIGNAL_STACK_SIZE);
  setThreadWord(TH_SIGNAL_STACK, signals);
}

function mapMemories(part: i64): void {
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const record = load64(row);
    const size = load64(row + 8) * pageSize(record);
    const base = reserve(reservation(record));
    if (size > 0) open(base, mappedSize(size));
    store64(record + MEM_BASE, base);
    store64(record + MEM_SIZE, size);
    row += 16;
  }
}

/**
 * Size of a memory's reservation. With 32-bit addresses every access stays inside of it; with 64-bit addresses, every
 * access up to 4 GiB after the memory's end.
 */
export function reservation(record: i64): i64 {
  if ((load64(record + MEM_FLAGS) & FLAG_INDEX64) === 0) return MEMORY_RESERVATION;
  return mappedSize(load64(record + MEM_MAX) * pageSize(record)) + MEMORY64_GUARD;
}

function mapTables(part: i64): void {
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const record = load64(row);
    const length = load64(row + 8);
    const max = load64(record + TAB_MAX);
    let capacity: i64 = <u64>max < <u64>TABLE_MAX ? max : TABLE_MAX;
    if (capacity < length) capacity = length;
    const base = capacity > 0 ? reserve(capacity * 8) : 0;
    if (length > 0) open(base, length * 8);
    store64(record + TAB_BASE, base);
    store64(record + TAB_LENGTH, length);
    row += 24;
  }
}

/** Memory 0 of an instance may be another's: only now all bases are known. */
function linkMemories(): void {
  let entry = firstInstance();
  for (let i = instanceCount(); i > 0; i--) {
    const block = blockOf(entry);
    const record = load64(block + INST_MEMORY_RECORD);
    if (record != 0) store64(block + INST_MEMORY_BASE, load64(record + MEM_BASE));
    entry = nextInstance(entry);
  }
}

/** The host layer's own active data segments; the compiler has made sure that they fit. */
function copyDatas(part: i64): void {
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const segment = load64(row + 16);
    copy(load64(load64(row) + MEM_BASE) + load64(row + 8), load64(segment + SEG_BYTES), load64(segment + SEG_LENGTH));
    row += 24;
  }
}

/** Reserves address space without access. Ends the process when there is none left. */
export function reserve(size: i64): i64 {
  const base = syscall(SYS_mmap, 0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (failed(base)) fail();
  return base;
}

/** Makes a part of a reservation usable. */
export function open(base: i64, size: i64): void {
  if (failed(syscall(SYS_mprotect, base, size, PROT_READ_WRITE, 0, 0, 0))) fail();
}

/**
 * Says "wag-snap: not enough memory or address space (ulimit -v)" and ends with the exit code of a limit. There is no
 * memory to hold the text: it is built in the unused end of the runtime block.
 */
function fail(): void {
  const at = runtime() + 4032;
  store64(at, 0x70616e732d676177);
  store64(at + 8, 0x6e6520746f6e203a);
  store64(at + 16, 0x6d656d206867756f);
  store64(at + 24, 0x6120726f2079726f);
  store64(at + 32, 0x7320737365726464);
  store64(at + 40, 0x6c75282065636170);
  store64(at + 48, 0x29762d2074696d69);
  store64(at + 56, 0x0a);
  syscall(SYS_write, 2, at, 57, 0, 0, 0);
  exit(4);
}
