/**
 * Continues a snapshot: fills memories, tables and the guest's stack by the resume plan (image/contract/resume-plan.ts
 * RP_*), then jumps into the middle of the guest.
 *
 * AssemblyScript. Globals, dropped segments and everything else in DATA is in the image already. The plan comes from
 * our own restore, which has validated the snapshot.
 */

import { HS_PENDING_TIMEOUT } from '../../image/contract/host-state';
import { INST_MEMORY_BASE, MEM_BASE, MEM_SIZE, TAB_BASE, TAB_LENGTH } from '../../image/contract/instance';
import {
  CTX_GENERAL,
  CTX_SP,
  PLAN_GUEST_CAPTURED,
  PLAN_HOOK_CAPTURED,
  PROLOGUE_BYTES,
  RP_CALL,
  RP_CAPTURED,
  RP_CONTEXT,
  RP_HOOK_CONTEXT,
  RP_MEMORIES,
  RP_PHASE,
  RP_PIECES,
  RP_SOURCE_FD,
  RP_SOURCE_PATH,
  RP_SOURCE_PROLOGUE,
  RP_SOURCES,
  RP_STACK,
  RP_STACK_RELOC_COUNT,
  RP_STACK_RELOCS,
  RP_STACK_SIZE,
  RP_SUSPENDED_CALL,
  RP_TABLES,
  SOURCE_FD,
  SOURCE_PATH,
  SOURCE_PROLOGUE,
  SOURCE_SIZE,
} from '../../image/contract/resume-plan';
import { RT_CALL, RT_EXE_FD, RT_RESUME_PLAN } from '../../image/contract/runtime-block';
import {
  PHASE_HOOK,
  TH_PHASE,
  TH_STACK_TOP,
  TH_SUSPENDED_CALL,
  TH_SUSPENDED_CONTEXT,
  TH_SUSPENDED_PHASE,
  TH_SUSPENDED_TIMEOUT,
} from '../../image/contract/thread';
import { STATE } from '../descriptors/table';
import { copy, load32_u, load64, load8_u, memoryBase, resume, store64, syscall } from '../native/native';
import {
  INSTANCE_REGISTER,
  MEMORY_BASE_REGISTER,
  SP_REGISTER,
  SYS_close,
  SYS_mmap,
  SYS_mprotect,
  SYS_openat,
  SYS_pread64,
} from '../native/target';
import { beginCall, callAfter, isCall, replyIfTrapped } from './call';
import { runAfter } from './instantiate';
import { isLazy, mapLazily } from './lazy-pages';
import { mappedSize } from './memory-record';
import { flush, put, putForeign } from './message';
import {
  EINTR,
  exit,
  failed,
  imageBase,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ_WRITE,
  setWord,
  word,
} from './runtime-block';
import { setThreadHalf, setThreadWord, threadWord } from './thread';

const EXIT_LIMIT: i32 = 4;
const EXIT_FAILED: i32 = 1;
const EXIT_INPUT: i32 = 3;
const AT_FDCWD: i64 = -100;
const O_CLOEXEC: i64 = 0x80000;
const prologue: usize = memory.data(64, 8); // PROLOGUE_BYTES
let inSnapshotCall: bool = false;

/** Puts the guest's state in place; the host layer's own follows (wasi_resume). */
export function restoreGuest(): void {
  const plan = word(RT_RESUME_PLAN);
  if (load64(plan + RP_SOURCE_PATH) !== 0) openSource(plan);
  restoreMemories(load64(plan + RP_MEMORIES), sourceFile());
  restorePieces(load64(plan + RP_PIECES), load64(plan + RP_SOURCES), sourceFile());
  restoreTables(load64(plan + RP_TABLES));
  restoreStack(plan);
  setWord(RT_CALL, load64(plan + RP_CALL));
}

/**
 * Opens the snapshot by its path: the tool that made this image has become this process by exec, and has passed no
 * descriptor.
 */
function openSource(plan: i64): void {
  const path = load64(plan + RP_SOURCE_PATH);
  const fd = openFile(path);
  checkFile(fd, path, plan + RP_SOURCE_PROLOGUE);
  store64(plan + RP_SOURCE_FD, fd);
}

function openFile(path: i64): i64 {
  const fd = syscall(SYS_openat, AT_FDCWD, path, O_CLOEXEC, 0, 0, 0);
  if (failed(fd)) failSource(path, 'cannot be opened any more', EXIT_FAILED);
  return fd;
}

/** Checks by its first bytes that the file of this name is still the same. */
function checkFile(fd: i64, path: i64, expected: i64): void {
  const count = syscall(SYS_pread64, fd, memoryBase() + prologue, PROLOGUE_BYTES, 0, 0, 0);
  let differs: i64 = count ^ PROLOGUE_BYTES;
  for (let at = 0; at < PROLOGUE_BYTES; at += 8) differs |= load<i64>(prologue + at) ^ load64(expected + at);
  if (differs !== 0) failSource(path, 'was replaced while it was being restored: try again', EXIT_INPUT);
}

function failSource(path: i64, what: string, code: i32): void {
  let length: i64 = 0;
  while (load8_u(path + length) !== 0) length++;
  put('wag-snap: ');
  putForeign(path, length);
  put(': ');
  put(what);
  put('\n');
  flush();
  exit(code);
}

/** The file that the snapshot's pages and files are in: one that was given, or the image's own. */
export function sourceFile(): i64 {
  const source = load64(word(RT_RESUME_PLAN) + RP_SOURCE_FD);
  return source < 0 ? word(RT_EXE_FD) : source;
}

/** Nothing is read from it any more. */
export function closeSource(): void {
  const source = load64(word(RT_RESUME_PLAN) + RP_SOURCE_FD);
  if (source >= 0) syscall(SYS_close, source, 0, 0, 0, 0, 0);
}

/**
 * Runs the guest from where it was, and then what was to come after it. Before that runs wag_snap_restored, with its
 * frames below the guest's.
 */
export function continueGuest(): void {
  const plan = word(RT_RESUME_PLAN);
  const phase = <i32>load64(plan + RP_PHASE);
  const context = placed(load64(plan + RP_CONTEXT));
  const hook = load64(plan + RP_HOOK_CONTEXT);
  const captured = <i32>load64(plan + RP_CAPTURED);
  if (isCall()) beginCall();
  setThreadWord(TH_SUSPENDED_CALL, load64(plan + RP_SUSPENDED_CALL));
  if (hook !== 0) {
    setThreadHalf(TH_PHASE, PHASE_HOOK);
    setThreadHalf(TH_SUSPENDED_PHASE, phase);
    setThreadWord(TH_SUSPENDED_CONTEXT, context);
    inSnapshotCall = (captured & PLAN_HOOK_CAPTURED) !== 0;
    resume(placed(hook));
    if (isCall()) replyIfTrapped();
    setThreadWord(TH_SUSPENDED_CONTEXT, 0);
    store<i64>(STATE, threadWord(TH_SUSPENDED_TIMEOUT), HS_PENDING_TIMEOUT);
  }
  setThreadHalf(TH_PHASE, phase);
  inSnapshotCall = (captured & PLAN_GUEST_CAPTURED) !== 0;
  resume(context);
  if (isCall()) callAfter(phase);
  runAfter(phase);
}

/** Completes the registers of a stack: the addresses that are known only now. @returns their block */
function placed(context: i64): i64 {
  const sp = threadWord(TH_STACK_TOP) + load64(context + CTX_SP);
  store64(context + CTX_SP, sp);
  store64(context + CTX_GENERAL + SP_REGISTER * 8, sp);
  const instance = load64(context + CTX_GENERAL + INSTANCE_REGISTER * 8);
  store64(context + CTX_GENERAL + MEMORY_BASE_REGISTER * 8, load64(instance + INST_MEMORY_BASE));
  return context;
}

/** Whether the guest is about to make the call of wag_snap.snapshot again that its snapshot was taken in. */
export function isCaptured(): bool {
  return inSnapshotCall;
}

export function leaveCaptured(): void {
  inSnapshotCall = false;
}

function restoreMemories(list: i64, source: i64): void {
  let at = list + 8;
  for (let i = load64(list); i > 0; i--) {
    const record = load64(at);
    const base = load64(record + MEM_BASE);
    const size = load64(at + 8);
    grow(base, mappedSize(load64(record + MEM_SIZE)), mappedSize(size));
    store64(record + MEM_SIZE, size);
    const extentCount = load64(at + 16);
    at += 24;
    for (let k = extentCount; k > 0; k--) {
      const address = base + load64(at);
      if (isLazy()) mapLazily(address, source, load64(at + 8), load64(at + 16));
      else mapExtent(address, source, load64(at + 8), load64(at + 16));
      at += 24;
    }
  }
}

/** Pieces that lie in several files. @param list RP_PIECES @param sources RP_SOURCES @param own the snapshot's file */
function restorePieces(list: i64, sources: i64, own: i64): void {
  if (sources !== 0) openSources(sources);
  if (list === 0) return;
  let at = list + 8;
  for (let i = load64(list); i > 0; i--) {
    const address = load64(load64(at) + MEM_BASE) + load64(at + 8);
    const file = load64(at + 32);
    const fd = file === 0 ? own : load64(sources + 8 + (file - 1) * SOURCE_SIZE + SOURCE_FD);
    if (load64(at + 40) !== 0) readExtent(address, fd, load64(at + 16), load64(at + 24));
    else mapExtent(address, fd, load64(at + 16), load64(at + 24));
    at += 48;
  }
  if (sources !== 0) closeSources(sources);
}

function openSources(list: i64): void {
  let at = list + 8;
  for (let i = load64(list); i > 0; i--) {
    const path = load64(at + SOURCE_PATH);
    if (load64(at + SOURCE_FD) < 0) store64(at + SOURCE_FD, openFile(path));
    checkFile(load64(at + SOURCE_FD), path, at + SOURCE_PROLOGUE);
    at += SOURCE_SIZE;
  }
}

function closeSources(list: i64): void {
  let at = list + 8;
  for (let i = load64(list); i > 0; i--) {
    syscall(SYS_close, load64(at + SOURCE_FD), 0, 0, 0, 0, 0);
    at += SOURCE_SIZE;
  }
}

/**
 * Maps a piece of the source file copy-on-write over the memory, or reads it where the kernel's pages are too large.
 */
function mapExtent(address: i64, source: i64, fileOffset: i64, bytes: i64): void {
  const flags = MAP_PRIVATE | MAP_FIXED;
  if (failed(syscall(SYS_mmap, address, bytes, PROT_READ_WRITE, flags, source, fileOffset))) {
    readExtent(address, source, fileOffset, bytes);
  }
}

function readExtent(address: i64, source: i64, fileOffset: i64, bytes: i64): void {
  while (bytes > 0) {
    const count = syscall(SYS_pread64, source, address, bytes, fileOffset, 0, 0);
    if (count === EINTR) continue;
    if (failed(count) || count === 0) {
      put('wag-snap: cannot read the snapshot of the memory\n');
      flush();
      exit(EXIT_FAILED);
    }
    address += count;
    fileOffset += count;
    bytes -= count;
  }
}

function restoreTables(list: i64): void {
  let at = list + 8;
  for (let i = load64(list); i > 0; i--) {
    const record = load64(at);
    const length = load64(at + 8);
    const base = load64(record + TAB_BASE);
    grow(base, load64(record + TAB_LENGTH) * 8, length * 8);
    store64(record + TAB_LENGTH, length);
    copy(base, load64(at + 16), length * 8);
    at += 24;
  }
}

function restoreStack(plan: i64): void {
  const size = load64(plan + RP_STACK_SIZE);
  const low = threadWord(TH_STACK_TOP) - size;
  copy(low, load64(plan + RP_STACK), size);
  const image = imageBase();
  let at = load64(plan + RP_STACK_RELOCS);
  for (let i = load64(plan + RP_STACK_RELOC_COUNT); i > 0; i--) {
    const target = low + <i64>(<u32>load32_u(at));
    store64(target, load64(target) + image);
    at += 4;
  }
}

/** Makes the bytes up to `size` of a reservation usable; boot has done so up to `present`. */
function grow(base: i64, present: i64, size: i64): void {
  if (size <= present) return;
  if (!failed(syscall(SYS_mprotect, base, size, PROT_READ_WRITE, 0, 0, 0))) return;
  put('wag-snap: not enough memory for the snapshot\n');
  flush();
  exit(EXIT_LIMIT);
}
