/**
 * Reads the state of a parked process's guest instances: globals, tables, segments, and the addresses of memories.
 *
 * Addresses come from the image's identity (image/tables/identity.ts). page-stream.ts reads the contents of memories.
 */

import { InputError, LimitError } from '../base/errors.js';
import {
  FLAG_BYTE_PAGES,
  MEM_BASE,
  MEM_FLAGS,
  MEM_MAX,
  MEM_RECORD_SIZE,
  MEM_SIZE,
  SEG_LENGTH,
  SEG_RECORD_SIZE,
  TAB_BASE,
  TAB_LENGTH,
  TAB_MAX,
  TAB_RECORD_SIZE,
} from '../image/contract/instance.js';
import { MEMORY64_PAGES, TABLE_MAX, WASM_PAGE } from '../image/contract/sizes.js';
import type { InstanceIdentity } from '../image/tables/identity.js';
import type { HeaderBudget } from '../snapshot/header-budget.js';
import { type SnapshotTable, type Value, valueAt } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';
import type { ExceptionReader } from './live-exceptions.js';
import type { ProcessMemory } from './process-memory.js';
import type { ReferenceTable } from './reference-table.js';

const GLOBAL_SIZE = 16;
/** The approximate size of a global's object, in bytes. */
const GLOBAL_OBJECT = 128;
/** What an empty table counts for, in elements. */
const TABLE_OBJECT = 16;
/** How many elements of a table are read between two checks whether the user wants to give up. */
const ELEMENTS_AT_ONCE = 1 << 16;
/** The greatest number of pages of all memories together: 1 TiB. */
const PAGES_MAX = 1 << 24;

/** A linear memory in the process. */
export interface NativeMemory {
  readonly address: number;
  /** Size in pages of 64 KiB, rounded up where the memory's own page size is one byte; the size is then `bytes`. */
  readonly pages: number;
  readonly maxPages: number;
  readonly bytes?: number;
}

export interface InstanceState {
  readonly globals: Value[];
  readonly tables: SnapshotTable[];
  readonly memories: NativeMemory[];
  readonly droppedData: Uint8Array;
  readonly droppedElements: Uint8Array;
}

/** What is needed to read instances. */
export interface InstanceReader {
  readonly memory: ProcessMemory;
  /** Load address of the image. */
  readonly base: number;
  readonly references: ReferenceTable;
  readonly exceptions: ExceptionReader;
  readonly budget: HeaderBudget;
  /** Lets pending events in now and then; may throw. */
  readonly settle: () => Promise<void>;
}

export async function readInstance(reader: InstanceReader, identity: InstanceIdentity): Promise<InstanceState> {
  const { base, memory, budget, settle } = reader;
  const { dataSegments, elementSegments, name } = identity;
  const block = base + identity.start;
  budget.take(dataSegments.count + elementSegments.count, `segments of ${name}`);
  const state = {
    globals: await readGlobals(reader, block, identity),
    tables: await readTables(reader, block, identity),
    memories: readMemories(memory, block, identity),
    droppedData: readDropped(memory, block + dataSegments.records, dataSegments.count),
    droppedElements: readDropped(memory, block + elementSegments.records, elementSegments.count),
  };
  await settle();
  return state;
}

/** @throws LimitError when the memories are too large to scan */
export function limitMemories(states: readonly InstanceState[]): void {
  const pages = states.reduce((sum, { memories }) => memories.reduce((own, memory) => own + memory.pages, sum), 0);
  if (pages <= PAGES_MAX) return;
  throw new LimitError('memory', `its memories have ${pages} pages together, more than ${PAGES_MAX}`);
}

async function readGlobals(
  { memory, references, exceptions, budget }: InstanceReader,
  block: number,
  { globals, name }: InstanceIdentity,
): Promise<Value[]> {
  const types = globals.types.subarray(globals.imported);
  budget.take(types.length * GLOBAL_OBJECT, `globals of ${name}`);
  const bytes = memory.read(block + globals.records, types.length * GLOBAL_SIZE);
  const words = new Uint32Array(GLOBAL_SIZE / 4);
  const values: Value[] = [];
  for (const [i, type] of types.entries()) {
    for (let k = 0; k < words.length; k++) words[k] = bytes.readUInt32LE(i * GLOBAL_SIZE + 4 * k);
    if (type === ValType.I32 || type === ValType.F32) words[1] = 0;
    const where = `global ${globals.imported + i} of ${name}`;
    if (type === ValType.FuncRef) references.translate(words, 0, where);
    else if (type === ValType.ExnRef) await exceptions.translate(words, 0, where);
    values.push(valueAt(type as ValType, words, 0));
  }
  return values;
}

async function readTables(
  { memory, references, exceptions, budget, settle }: InstanceReader,
  block: number,
  { tables, name }: InstanceIdentity,
): Promise<SnapshotTable[]> {
  const types = tables.types.slice(tables.imported);
  const records = memory.read(block + tables.records, types.length * TAB_RECORD_SIZE);
  const read: SnapshotTable[] = [];
  for (const [i, { element }] of types.entries()) {
    const field = (offset: number) => Number(records.readBigUInt64LE(i * TAB_RECORD_SIZE + offset));
    const length = field(TAB_LENGTH);
    const max = field(TAB_MAX);
    const where = `table ${tables.imported + i} of ${name}`;
    if (length > TABLE_MAX || length > max) throw new InputError('damaged-process', `${where}: ${length} elements`);
    budget.take((length + TABLE_OBJECT) * 8, where);
    const elements = new Uint32Array(length * 2);
    if (length > 0) memory.read(field(TAB_BASE), length * 8, Buffer.from(elements.buffer));
    const translator = element === ValType.FuncRef ? references : element === ValType.ExnRef ? exceptions : undefined;
    for (let at = 0; translator !== undefined && at < elements.length; at += 2) {
      const pending = translator.translate(elements, at, where);
      if (pending) await pending;
      if (at % (ELEMENTS_AT_ONCE * 2) === 0) await settle();
    }
    read.push({ type: element as ValType, elements, max: Math.min(max, 0xffffffff) });
  }
  return read;
}

/** @param block address of the instance block @throws InputError */
export function readMemories(
  memory: ProcessMemory,
  block: number,
  { memories, name }: InstanceIdentity,
): NativeMemory[] {
  const count = memories.types.length - memories.imported;
  const records = memory.read(block + memories.records, count * MEM_RECORD_SIZE);
  return Array.from({ length: count }, (_, i) => {
    const field = (offset: number) => Number(records.readBigUInt64LE(i * MEM_RECORD_SIZE + offset));
    const hasBytePages = (field(MEM_FLAGS) & FLAG_BYTE_PAGES) !== 0;
    const bytes = field(MEM_SIZE);
    const pages = hasBytePages ? Math.ceil(bytes / WASM_PAGE) : bytes / WASM_PAGE;
    const most = hasBytePages ? Math.ceil(field(MEM_MAX) / WASM_PAGE) : field(MEM_MAX);
    const maxPages = Math.min(most, MEMORY64_PAGES);
    if (!Number.isInteger(pages) || pages > maxPages) {
      throw new InputError(
        'damaged-process',
        `memory ${memories.imported + i} of ${name}: ${pages} pages of ${maxPages}`,
      );
    }
    return { address: field(MEM_BASE), pages, maxPages, ...(hasBytePages ? { bytes } : {}) };
  });
}

/** A segment without bytes counts as dropped. */
function readDropped(memory: ProcessMemory, address: number, count: number): Uint8Array {
  const records = memory.read(address, count * SEG_RECORD_SIZE);
  return Uint8Array.from({ length: count }, (_, i) =>
    records.readBigUInt64LE(i * SEG_RECORD_SIZE + SEG_LENGTH) === 0n ? 1 : 0,
  );
}
