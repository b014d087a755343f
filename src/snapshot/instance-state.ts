/**
 * The state of a parked process's guest instances: globals, tables, segments, and where the memories are.
 *
 * Places come from the image's identity (compile/metadata/identity.ts). Memory contents are another file's business
 * (page-stream.ts).
 */

import type { InstanceIdentity } from '../compile/metadata/identity.js';
import { ValType } from '../compile/wasm/module.js';
import { InputError } from '../errors.js';
import {
  MEM_BASE,
  MEM_MAX,
  MEM_RECORD_SIZE,
  MEM_SIZE,
  MEMORY64_PAGES,
  SEG_LENGTH,
  SEG_RECORD_SIZE,
  TAB_BASE,
  TAB_LENGTH,
  TAB_MAX,
  TAB_RECORD_SIZE,
  TABLE_MAX,
  WASM_PAGE,
} from '../runtime/layout.js';
import type { ExceptionReader } from './exceptions.js';
import type { ProcessMemory } from './process-memory.js';
import type { ReferenceTable } from './references.js';
import { type SnapshotTable, type Value, valueAt } from './snapshot.js';

const GLOBAL_SIZE = 16;

/** A linear memory in the process. */
export interface NativeMemory {
  readonly address: number;
  readonly pages: number;
  readonly maxPages: number;
}

export interface InstanceState {
  readonly globals: Value[];
  readonly tables: SnapshotTable[];
  readonly memories: NativeMemory[];
  readonly droppedData: Uint8Array;
  readonly droppedElements: Uint8Array;
}

/** @param base load address of the image */
export function readInstance(
  memory: ProcessMemory,
  base: number,
  identity: InstanceIdentity,
  references: ReferenceTable,
  exceptions: ExceptionReader,
): InstanceState {
  const block = base + identity.start;
  return {
    globals: readGlobals(memory, block, identity, references, exceptions),
    tables: readTables(memory, block, identity, references, exceptions),
    memories: readMemories(memory, block, identity),
    droppedData: readDropped(memory, block + identity.dataSegments.records, identity.dataSegments.count),
    droppedElements: readDropped(memory, block + identity.elementSegments.records, identity.elementSegments.count),
  };
}

function readGlobals(
  memory: ProcessMemory,
  block: number,
  { globals, name }: InstanceIdentity,
  references: ReferenceTable,
  exceptions: ExceptionReader,
): Value[] {
  const types = globals.types.subarray(globals.imported);
  const bytes = memory.read(block + globals.records, types.length * GLOBAL_SIZE);
  const words = new Uint32Array(GLOBAL_SIZE / 4);
  return Array.from(types, (type, i) => {
    for (let k = 0; k < words.length; k++) words[k] = bytes.readUInt32LE(i * GLOBAL_SIZE + 4 * k);
    if (type === ValType.I32 || type === ValType.F32) words[1] = 0;
    const where = `global ${globals.imported + i} of ${name}`;
    if (type === ValType.FuncRef) references.translate(words, 0, where);
    else if (type === ValType.ExnRef) exceptions.translate(words, 0, where);
    return valueAt(type as ValType, words, 0);
  });
}

function readTables(
  memory: ProcessMemory,
  block: number,
  { tables, name }: InstanceIdentity,
  references: ReferenceTable,
  exceptions: ExceptionReader,
): SnapshotTable[] {
  const types = tables.types.slice(tables.imported);
  const records = memory.read(block + tables.records, types.length * TAB_RECORD_SIZE);
  return types.map(({ element }, i) => {
    const field = (offset: number) => Number(records.readBigUInt64LE(i * TAB_RECORD_SIZE + offset));
    const length = field(TAB_LENGTH);
    const max = field(TAB_MAX);
    const where = `table ${tables.imported + i} of ${name}`;
    if (length > TABLE_MAX || length > max) throw new InputError('damaged-process', `${where}: ${length} elements`);
    const elements = new Uint32Array(length * 2);
    if (length > 0) memory.read(field(TAB_BASE), length * 8, Buffer.from(elements.buffer));
    const translator = element === ValType.FuncRef ? references : element === ValType.ExnRef ? exceptions : undefined;
    for (let at = 0; translator !== undefined && at < elements.length; at += 2)
      translator.translate(elements, at, where);
    return { type: element as ValType, elements, max: Math.min(max, 0xffffffff) };
  });
}

function readMemories(memory: ProcessMemory, block: number, { memories, name }: InstanceIdentity): NativeMemory[] {
  const count = memories.types.length - memories.imported;
  const records = memory.read(block + memories.records, count * MEM_RECORD_SIZE);
  return Array.from({ length: count }, (_, i) => {
    const field = (offset: number) => Number(records.readBigUInt64LE(i * MEM_RECORD_SIZE + offset));
    const pages = field(MEM_SIZE) / WASM_PAGE;
    const maxPages = Math.min(field(MEM_MAX), MEMORY64_PAGES);
    if (!Number.isInteger(pages) || pages > maxPages) {
      throw new InputError(
        'damaged-process',
        `memory ${memories.imported + i} of ${name}: ${pages} pages of ${maxPages}`,
      );
    }
    return { address: field(MEM_BASE), pages, maxPages };
  });
}

/** A segment without bytes is as good as dropped. */
function readDropped(memory: ProcessMemory, address: number, count: number): Uint8Array {
  const records = memory.read(address, count * SEG_RECORD_SIZE);
  return Uint8Array.from({ length: count }, (_, i) =>
    records.readBigUInt64LE(i * SEG_RECORD_SIZE + SEG_LENGTH) === 0n ? 1 : 0,
  );
}
