/**
 * Puts the instances of a snapshot into a fresh image: globals and dropped segments into DATA, memories and tables into
 * the resume plan. Everything is first checked against the module.
 *
 * The image's identity says where things are, the decoded modules what they may be.
 */

import { InputError } from '../base/errors.js';
import { MEM_RECORD_SIZE, SEG_LENGTH, SEG_RECORD_SIZE, TAB_RECORD_SIZE } from '../image/contract/instance.js';
import { TABLE_MAX, WASM_PAGE } from '../image/contract/sizes.js';
import type { DataPatch } from '../image/data-patch.js';
import { memoryCapacity } from '../image/instance-layout.js';
import type { InstanceIdentity } from '../image/tables/identity.js';
import { FIRST_GUEST, type Snapshot, type SnapshotInstance, type SnapshotTable } from '../snapshot/snapshot.js';
import { type Global, type Module, ValType } from '../wasm/module.js';
import { erased } from '../wasm/ref-types.js';
import { valTypeName } from '../wasm/text.js';
import type { References } from './placed-references.js';
import type { PlannedMemory, PlannedTable } from './plan.js';
import { checkReference } from './reference-type.js';

const GLOBAL_SIZE = 16;

/** The resume plan's parts for all instances, in order. */
export interface PlannedInstances {
  readonly memories: PlannedMemory[];
  readonly tables: PlannedTable[];
}

/**
 * Patches DATA and returns the rest.
 *
 * @param modules the module of each guest instance
 * @throws InputError
 */
export function putInstances(
  snapshot: Snapshot,
  modules: readonly Module[],
  references: References,
  data: DataPatch,
): PlannedInstances {
  const planned: PlannedInstances = { memories: [], tables: [] };
  for (const [i, instance] of snapshot.instances.entries()) {
    const identity = references.identity.instances[i + FIRST_GUEST];
    const isInstantiated = snapshot.phase.kind !== 'start' || i <= snapshot.phase.instance;
    const put = new InstanceData(i, instance, isInstantiated, identity, modules[i], modules, references, data);
    put.globals();
    put.segments('data', identity.dataSegments, instance.droppedData);
    put.segments('element', identity.elementSegments, instance.droppedElements);
    put.memories(planned.memories);
    put.tables(planned.tables);
  }
  return planned;
}

class InstanceData {
  constructor(
    private readonly index: number,
    private readonly instance: SnapshotInstance,
    private readonly isInstantiated: boolean,
    private readonly identity: InstanceIdentity,
    private readonly module: Module,
    private readonly modules: readonly Module[],
    private readonly references: References,
    private readonly data: DataPatch,
  ) {}

  globals(): void {
    const { module, instance, identity } = this;
    this.checkCount('globals', instance.globals.length, module.globals.length - module.importedGlobalCount);
    instance.globals.forEach((value, i) => {
      const { type, lo, hi, upper } = value;
      const global = module.globals[module.importedGlobalCount + i] as Global;
      if (type !== erased(global.type))
        throw this.fault(`global ${i} is of type ${valTypeName(type)}, not ${valTypeName(global.type)}`);
      const at = identity.start + identity.globals.records + i * GLOBAL_SIZE;
      const initial = global.mutable ? undefined : this.cell(at);
      if (upper !== undefined) this.data.bits(at + 8, upper.lo, upper.hi);
      const where = () => `instance ${this.index}, global ${i}`;
      const isPointer = type === ValType.FuncRef || type === ValType.ExnRef;
      const target = isPointer ? this.references.place(type, lo, hi, where) : 0;
      if (global.type !== type) this.checkReference(global.type, lo, hi, where);
      if (target !== 0) this.data.pointer(at, target);
      else if (isPointer) this.data.u64(at, 0);
      else this.data.bits(at, lo, hi);
      if (initial !== undefined && !this.cell(at).every((word, n) => n >= wordsOf(type) || word === initial[n])) {
        throw this.fault(`global ${i} cannot change, but has another value than in the module`);
      }
    });
  }

  /** The words of a global in the image; initially the module's own value. */
  private cell(at: number): Uint32Array {
    return Uint32Array.from({ length: 4 }, (_, i) => this.data.word(at + i * 4));
  }

  /** Sets the length of dropped segments to 0; others keep theirs. */
  segments(kind: string, places: { readonly records: number; readonly count: number }, dropped: Uint8Array): void {
    this.checkCount(`${kind} segments`, dropped.length, places.count);
    for (let i = 0; i < places.count; i++) {
      if (dropped[i]) this.data.u64(this.identity.start + places.records + i * SEG_RECORD_SIZE + SEG_LENGTH, 0);
    }
  }

  memories(planned: PlannedMemory[]): void {
    const { module, instance, identity } = this;
    this.checkCount('memories', instance.memories.length, module.memories.length - module.importedMemoryCount);
    instance.memories.forEach(({ pages, bytes, extents }, i) => {
      const type = module.memories[module.importedMemoryCount + i];
      const most = memoryCapacity(type);
      if ((bytes !== undefined) !== (type.pageSize === 1)) {
        throw this.fault(`memory ${i} has pages of ${bytes === undefined ? WASM_PAGE : 1} bytes, not ${type.pageSize}`);
      }
      const size = bytes ?? pages;
      if (size < type.min || size > most) {
        throw this.fault(`memory ${i} has ${size} pages, of ${type.min} to ${most}`);
      }
      planned.push({
        record: identity.start + identity.memories.records + i * MEM_RECORD_SIZE,
        size: bytes ?? pages * WASM_PAGE,
        extents,
      });
    });
  }

  tables(planned: PlannedTable[]): void {
    const { module, instance, identity } = this;
    this.checkCount('tables', instance.tables.length, module.tables.length - module.importedTableCount);
    instance.tables.forEach((table, i) => {
      const { min, max = TABLE_MAX, element } = module.tables[module.importedTableCount + i];
      const length = table.elements.length / 2;
      if (table.type !== erased(element))
        throw this.fault(`table ${i} is of ${valTypeName(table.type)}, not ${valTypeName(element)}`);
      // An image reserves a table's maximum up to TABLE_MAX, and always its minimum.
      if (length < min || length > Math.max(Math.min(max, TABLE_MAX), min)) {
        throw this.fault(`table ${i} has ${length} elements, of ${min} to ${max}`);
      }
      planned.push({
        record: identity.start + identity.tables.records + i * TAB_RECORD_SIZE,
        ...this.elements(table, element, i),
      });
    });
  }

  private elements(
    { type, elements }: SnapshotTable,
    element: ValType,
    table: number,
  ): { elements: Uint32Array; pointers: Uint32Array } {
    const isExtern = type === ValType.ExternRef;
    if (isExtern && element === type) return { elements, pointers: new Uint32Array(0) };
    // A table whose instance comes later is still filled.
    const mayBeNull = !this.isInstantiated || this.module.refTypes.isNullable(element);
    const native = isExtern ? elements : new Uint32Array(elements.length);
    const pointers = new Uint32Array(elements.length / 2);
    let count = 0;
    for (let i = 0; i < elements.length; i += 2) {
      const lo = elements[i];
      const hi = elements[i + 1];
      if ((lo | hi) === 0 && mayBeNull) continue;
      const where = () => `instance ${this.index}, table ${table}, element ${i / 2}`;
      if (!isExtern) native[i] = this.references.place(type, lo, hi, where);
      if (element !== type) this.checkReference(element, lo, hi, where);
      if (!isExtern && native[i] !== 0) pointers[count++] = i / 2;
    }
    return { elements: native, pointers: pointers.subarray(0, count) };
  }

  private checkReference(type: ValType, lo: number, hi: number, where: () => string): void {
    checkReference(this.modules, this.module, type, lo, hi, where);
  }

  private checkCount(what: string, count: number, expected: number): void {
    if (count !== expected) throw this.fault(`it has ${count} ${what}, the module ${expected}`);
  }

  private fault(detail: string): InputError {
    return new InputError('snapshot', `snapshot: instance ${this.index}: ${detail}`);
  }
}

/** The number of 32-bit words of a value. */
function wordsOf(type: ValType): number {
  if (type === ValType.I32 || type === ValType.F32) return 1;
  return type === ValType.V128 ? 4 : 2;
}
