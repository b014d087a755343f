/**
 * Instantiation (core spec 4.5.4): sizes of imports, active element segments, active data segments, then the start function.
 *
 * AssemblyScript. Each segment is checked when it is its turn; what was written before a trap stays.
 */

import { MEM_BASE, MEM_SIZE, SEG_BYTES, SEG_LENGTH, TAB_BASE, TAB_LENGTH } from '../../image/contract/instance';
import { TH_PHASE, TH_TRAP_KIND } from '../../image/contract/thread';
import { TRAP_IMPORT_SIZE, TRAP_MEMORY, TRAP_TABLE } from '../../image/contract/traps';
import { copy, invoke, load64, memoryBase, store64 } from '../native/native';
import { initElements, isWithin } from './builtins';
import {
  datasOf,
  declaredOf,
  elementsOf,
  entryOf,
  instanceAt,
  instanceCount,
  sizesOf,
  startOf,
  tablesOf,
} from './init-plan';
import { setThreadHalf, threadHalf } from './thread';
import { trapAtStart } from './traps';

/** Arguments and results of a call without either: never read or written. */
const noValues: usize = memory.data(16);

/** TH_PHASE of an instance's start function; its entry's is one more. */
function startPhase(index: i32): i32 {
  return index * 2;
}

export function entryPhase(index: i32): i32 {
  return startPhase(index) + 1;
}

/** @returns TRAP_*, or 0 when the instance is ready (the driver's way: a trap in the start function is returned too) */
export function instantiate(index: i32): i32 {
  const entry = instanceAt(index);
  const kind = applySegments(entry);
  if (kind !== 0) return kind;
  const start = startOf(entry);
  if (start === 0) return 0;
  setThreadHalf(TH_PHASE, startPhase(index));
  return callFunction(start);
}

/** Calls a function without parameters and results. @returns TRAP_*, or 0 */
export function callFunction(record: i64): i32 {
  setThreadHalf(TH_TRAP_KIND, 0);
  invoke(record, memoryBase() + noValues);
  return threadHalf(TH_TRAP_KIND);
}

/** Runs all that comes after a phase: first every later instance with its start function, then the entries. */
export function runAfter(phase: i32): void {
  const count = instanceCount();
  let index = (phase >> 1) + 1;
  if ((phase & 1) === 0) {
    for (; index < count; index++) {
      const kind = instantiate(index);
      if (kind !== 0) trapAtStart(kind);
    }
    index = 0;
  }
  for (; index < count; index++) {
    const entry = entryOf(instanceAt(index));
    if (entry === 0) continue;
    setThreadHalf(TH_PHASE, entryPhase(index));
    callFunction(entry);
  }
}

function applySegments(entry: i64): i32 {
  if (!areLargeEnough(sizesOf(entry))) return TRAP_IMPORT_SIZE;
  fillTables(tablesOf(entry));
  let part = elementsOf(entry);
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const segment = load64(row + 16);
    const length = load64(segment + SEG_LENGTH);
    if (!initElements(load64(row), segment, load64(row + 8), 0, length)) return TRAP_TABLE;
    drop(segment);
    row += 24;
  }
  part = datasOf(entry);
  row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const memory = load64(row);
    const offset = load64(row + 8);
    const segment = load64(row + 16);
    const length = load64(segment + SEG_LENGTH);
    if (!isWithin(offset, length, load64(memory + MEM_SIZE))) return TRAP_MEMORY;
    copy(load64(memory + MEM_BASE) + offset, load64(segment + SEG_BYTES), length);
    drop(segment);
    row += 24;
  }
  part = declaredOf(entry);
  row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    drop(load64(row));
    row += 8;
  }
  return 0;
}

/** Imports of memories and tables that earlier start functions must have grown. */
function areLargeEnough(part: i64): bool {
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    if (<u64>load64(load64(row)) < <u64>load64(row + 8)) return false;
    row += 16;
  }
  return true;
}

/** Elements of tables with an initialiser: they are null so far. */
function fillTables(part: i64): void {
  let row = part + 8;
  for (let i = load64(part); i > 0; i--) {
    const value = load64(row + 16);
    if (value !== 0) {
      const record = load64(row);
      const base = load64(record + TAB_BASE);
      const length = load64(record + TAB_LENGTH);
      for (let at: i64 = 0; at < length; at++) store64(base + at * 8, value);
    }
    row += 24;
  }
}

function drop(segment: i64): void {
  store64(segment + SEG_LENGTH, 0);
}
