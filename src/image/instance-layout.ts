/**
 * The layout of one instance in the image's DATA: its block (image/contract/instance.ts INST_*) and function records.
 *
 * Computed before any code, so that code can contain image offsets. An imported entity is in the block of the instance
 * that defines it; here is a pointer to it, which the linker fills in.
 *
 *     header | globals (16 bytes each) | table records | memory records | data and element segment records | tag records |
 *     pointers: imported memories, tables, globals, functions | function records
 *
 * What code uses most comes first: x86-64 has a byte for offsets below 128, else four.
 */

import { LimitError } from '../base/errors.js';
import { type FuncType, type MemoryType, type Module, ValType } from '../wasm/module.js';
import { keyOf } from '../wasm/ref-types.js';
import { TAG_RECORD_SIZE } from './contract/exception-tables.js';
import { FN_RECORD_SIZE, INST_HEADER, MEM_RECORD_SIZE, SEG_RECORD_SIZE, TAB_RECORD_SIZE } from './contract/instance.js';
import { MEMORY32_PAGES, MEMORY64_PAGES, WASM_PAGE } from './contract/sizes.js';

/** Gives the ids of function types, and those of their subtypes. */
export interface TypeIdSource {
  /** @param supertype id of the supertype, -1 for none */
  id(type: FuncType, supertype: number): number;
  /** The ids of all types in the image that match type `id`, itself first. To be called when all have been added. */
  subtypes(id: number): readonly number[];
}

/** Gives equal function types equal ids, across all modules of an image. */
export class TypeIds implements TypeIdSource {
  private readonly ids = new Map<string, number>();
  /** Types by id. */
  readonly types: FuncType[] = [];
  /** Subtypes by id: the types that name it as their supertype. */
  private readonly below = new Map<number, number[]>();
  private readonly known = new Map<number, readonly number[]>();

  id(type: FuncType, supertype = -1): number {
    const key = keyOf(type);
    let id = this.ids.get(key);
    if (id === undefined) {
      this.ids.set(key, (id = this.ids.size));
      this.types.push(type);
      if (supertype >= 0) {
        const others = this.below.get(supertype);
        if (others === undefined) this.below.set(supertype, [id]);
        else others.push(id);
      }
    }
    return id;
  }

  subtypes(id: number): readonly number[] {
    let found = this.known.get(id);
    if (found === undefined) {
      const below = this.below.get(id) ?? [];
      this.known.set(id, (found = [id, ...below.flatMap((other) => this.subtypes(other))]));
    }
    return found;
  }
}

export class InstanceLayout {
  /** Offsets from the block's start. */
  readonly memoryRecords: number; // of the first one that the module defines
  readonly tableRecords: number;
  readonly globals: number;
  readonly dataSegments: number;
  readonly elementSegments: number;
  readonly tags: number; // of the first one that the module defines
  readonly memoryPointers: number;
  readonly tablePointers: number;
  readonly globalPointers: number;
  readonly functionPointers: number;
  /** For each function (imports first): its record's offset from the block's start, or -1 when it has none. */
  readonly recordOffsets: Int32Array;
  readonly size: number;
  /** The type id of each entry of the module's type section. */
  readonly typeIds: Uint32Array;

  /**
   * @param start image offset of the block, a multiple of 16
   * @param index index of the instance in the image
   * @param file the module's name in messages
   */
  constructor(
    readonly module: Module,
    readonly start: number,
    readonly index: number,
    private readonly types: TypeIdSource,
    file = 'module',
  ) {
    let at = INST_HEADER;
    const take = (count: number, size: number) => {
      const begin = at;
      at += count * size;
      return begin;
    };
    const m = module;
    this.globals = take(m.globals.length - m.importedGlobalCount, 16);
    this.tableRecords = take(m.tables.length - m.importedTableCount, TAB_RECORD_SIZE);
    this.memoryRecords = take(m.memories.length - m.importedMemoryCount, MEM_RECORD_SIZE);
    this.dataSegments = take(m.datas.length, SEG_RECORD_SIZE);
    this.elementSegments = take(m.elements.length, SEG_RECORD_SIZE);
    this.tags = take(m.tags.length - m.importedTagCount, TAG_RECORD_SIZE);
    this.memoryPointers = take(m.importedMemoryCount, 8);
    this.tablePointers = take(m.importedTableCount, 8);
    this.globalPointers = take(m.importedGlobalCount, 8);
    this.functionPointers = take(m.importedFuncCount, 8);
    at = (at + 15) & ~15;
    this.recordOffsets = new Int32Array(m.funcTypes.length).fill(-1);
    for (let i = 0; i < m.funcTypes.length; i++) {
      if (m.declaredFuncs[i] || i < m.importedFuncCount || i === m.start)
        this.recordOffsets[i] = take(1, FN_RECORD_SIZE);
    }
    this.size = (at + 15) & ~15;
    if (this.size > 0x3fffffff) throw new LimitError('instance-size', `${file}: globals and tables exceed 1 GiB`);
    this.typeIds = new Uint32Array(m.types.length);
    m.types.forEach((type, i) => {
      this.typeIds[i] = types.id(type, type.supertype === undefined ? -1 : this.typeIds[type.supertype]);
    });
  }

  /** The type ids of functions that match the module's type `index`, its own first. A final type has only one. */
  acceptedTypes(index: number): readonly number[] {
    const id = this.typeIds[index];
    return this.module.types[index].isOpen ? this.types.subtypes(id) : [id];
  }

  /**
   * Whether memory `index` belongs to another instance: memoryOffset is then the place of the pointer to its record.
   */
  memoryIsImported(index: number): boolean {
    return index < this.module.importedMemoryCount;
  }

  /** Block offset of the memory's record, or of the pointer to it. */
  memoryOffset(index: number): number {
    const imported = this.module.importedMemoryCount;
    return index < imported
      ? this.memoryPointers + index * 8
      : this.memoryRecords + (index - imported) * MEM_RECORD_SIZE;
  }

  tableIsImported(index: number): boolean {
    return index < this.module.importedTableCount;
  }

  tableOffset(index: number): number {
    const imported = this.module.importedTableCount;
    return index < imported ? this.tablePointers + index * 8 : this.tableRecords + (index - imported) * TAB_RECORD_SIZE;
  }

  globalIsImported(index: number): boolean {
    return index < this.module.importedGlobalCount;
  }

  globalOffset(index: number): number {
    const imported = this.module.importedGlobalCount;
    return index < imported ? this.globalPointers + index * 8 : this.globals + (index - imported) * 16;
  }

  dataSegmentOffset(index: number): number {
    return this.dataSegments + index * SEG_RECORD_SIZE;
  }

  elementSegmentOffset(index: number): number {
    return this.elementSegments + index * SEG_RECORD_SIZE;
  }

  /** Block offset of the record of a tag that is defined here. */
  tagOffset(index: number): number {
    return this.tags + (index - this.module.importedTagCount) * TAG_RECORD_SIZE;
  }

  /** Block offset of the pointer to the record of imported function `index`. */
  importPointerOffset(index: number): number {
    return this.functionPointers + index * 8;
  }

  /** Image offset of function `index`'s own record. For an import that the host provides: of its thunk's record. */
  recordImageOffset(index: number): number {
    return this.start + this.recordOffsets[index];
  }
}

/**
 * The pages that an image reserves for a memory: the most that it can grow to. memory.size could not express 4 GiB of
 * one-byte pages.
 */
export function memoryCapacity({ max, address, pageSize }: MemoryType): number {
  const most64 = (MEMORY64_PAGES * WASM_PAGE) / pageSize;
  const most32 = Math.min((MEMORY32_PAGES * WASM_PAGE) / pageSize, 2 ** 32 - 1);
  const most = address === ValType.I64 ? most64 : most32;
  return max === undefined ? most : Math.min(max, most);
}
