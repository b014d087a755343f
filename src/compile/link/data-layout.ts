/**
 * Where everything in DATA lies, decided before any code, and its initial bytes as far as they do not depend on code.
 *
 *     DATA   runtime block (4 KiB) | instance blocks | references of element segments | init plan
 *
 * Formats: image/contract and image/instance-layout.ts. What depends on code (FN_CODE, trampolines, segment bytes
 * in RODATA, RT_TEXT…) is filled by finish-data.ts.
 */

import { LimitError } from '../../base/errors.js';
import {
  FLAG_BYTE_PAGES,
  FLAG_INDEX64,
  INST_INDEX,
  INST_MEMORY_RECORD,
  INST_WASI_MEMORY,
  MEM_FLAGS,
  MEM_MAX,
  MEM_SIZE,
  SEG_BYTES,
  SEG_LENGTH,
  TAB_FLAGS,
  TAB_LENGTH,
  TAB_MAX,
  TAB_TYPE,
} from '../../image/contract/instance.js';
import {
  RT_HOST_INSTANCE,
  RT_INIT_PLAN,
  RT_MAGIC,
  RT_VERSION,
  RUNTIME_BLOCK_SIZE,
  RUNTIME_MAGIC,
  RUNTIME_VERSION,
} from '../../image/contract/runtime-block.js';
import { MEMORY_RESERVATION, MEMORY64_GUARD, SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import { InstanceLayout, memoryCapacity, TypeIds } from '../../image/instance-layout.js';
import { Column } from '../../image/tables/site-tables.js';
import { entryFunction } from '../../wasm/entry.js';
import { type ConstExpr, ExternKind, type Limits, ValType } from '../../wasm/module.js';
import { erased } from '../../wasm/ref-types.js';
import { type Constant, evaluate, evaluateOffset, globalValue } from './constants.js';
import { DataImage } from './data-image.js';
import { findExport } from './imports.js';
import { definition, type LinkedInstance } from './linked-instance.js';

/** Image offset of DATA: right after the page of the ELF headers. */
export const DATA_START = SEGMENT_ALIGN;

/** Address space for all memories of an image: half of the 47 bits that a process has. */
const MAX_RESERVED = 2 ** 46;

export class DataLayout {
  readonly types = new TypeIds();
  readonly layouts: InstanceLayout[] = [];
  readonly data: DataImage;
  /** Records of functions that the host layer enters: (instance, index) pairs. */
  readonly entries: [number, number][] = [];
  private readonly plan = new PlanWords();
  private readonly elementArrays: number[][] = [];

  constructor(readonly instances: readonly LinkedInstance[]) {
    checkReserved(instances);
    let at = DATA_START + RUNTIME_BLOCK_SIZE;
    for (const { module, index, file } of instances) {
      const layout = new InstanceLayout(module, at, index, this.types, file);
      this.layouts.push(layout);
      at += layout.size;
    }
    for (const { module } of instances) {
      this.elementArrays.push(
        module.elements.map((segment) => {
          const start = at;
          at += segment.items.length * 8;
          return start;
        }),
      );
    }
    const planStart = at;
    this.buildPlan();
    at += this.plan.words.length * 8;
    if (at > 0x3fffffff) {
      const { file } = instances[instances.length - 1];
      throw new LimitError('data-size', `${file}: globals, tables and element segments exceed 1 GiB`);
    }
    this.data = new DataImage(DATA_START, at - DATA_START);
    this.fillRuntimeBlock(planStart);
    for (const instance of instances) this.fillInstance(instance);
    this.fillPlan(planStart);
  }

  /** Image offset of the record of a function, given by its definition. */
  functionRecord(instance: number, index: number): number {
    return this.layouts[instance].recordImageOffset(index);
  }

  memoryRecord(instance: number, index: number): number {
    const [owner, at] = definition(this.instances[instance], ExternKind.Memory, index);
    return this.layouts[owner].start + this.layouts[owner].memoryOffset(at);
  }

  tableRecord(instance: number, index: number): number {
    const [owner, at] = definition(this.instances[instance], ExternKind.Table, index);
    return this.layouts[owner].start + this.layouts[owner].tableOffset(at);
  }

  /** Image offset of the 16 bytes that hold a global's value. */
  globalCell(instance: number, index: number): number {
    const [owner, at] = definition(this.instances[instance], ExternKind.Global, index);
    return this.layouts[owner].start + this.layouts[owner].globalOffset(at);
  }

  /** Image offset of the record of a tag: the same for all that import it. */
  tagRecord(instance: number, index: number): number {
    const [owner, at] = definition(this.instances[instance], ExternKind.Tag, index);
    return this.layouts[owner].start + this.layouts[owner].tagOffset(at);
  }

  private fillRuntimeBlock(planStart: number): void {
    const { data } = this;
    data.u64(DATA_START + RT_MAGIC, RUNTIME_MAGIC);
    data.u32(DATA_START + RT_VERSION, RUNTIME_VERSION);
    data.pointer(DATA_START + RT_INIT_PLAN, planStart);
    data.pointer(DATA_START + RT_HOST_INSTANCE, this.layouts[0].start);
  }

  private fillInstance({ module, index, functionLinks }: LinkedInstance): void {
    const { data } = this;
    const layout = this.layouts[index];
    const block = layout.start;
    data.u32(block + INST_INDEX, index);
    if (module.memories.length > 0) {
      const exported = findExport(module, 'memory');
      const wasi = exported?.kind === ExternKind.Memory ? exported.index : 0;
      data.pointer(block + INST_MEMORY_RECORD, this.memoryRecord(index, 0));
      data.pointer(block + INST_WASI_MEMORY, this.memoryRecord(index, wasi));
    }
    for (let i = 0; i < module.memories.length; i++) {
      const at = block + layout.memoryOffset(i);
      if (layout.memoryIsImported(i)) data.pointer(at, this.memoryRecord(index, i));
      else {
        data.u64(at + MEM_MAX, memoryCapacity(module.memories[i]));
        const bytePages = module.memories[i].pageSize === 1 ? FLAG_BYTE_PAGES : 0;
        data.u64(at + MEM_FLAGS, flagsOf(module.memories[i]) | bytePages);
      }
    }
    for (let i = 0; i < module.tables.length; i++) {
      const at = block + layout.tableOffset(i);
      const { max = 0xffffffff, element } = module.tables[i];
      if (layout.tableIsImported(i)) data.pointer(at, this.tableRecord(index, i));
      else {
        data.u64(at + TAB_MAX, Math.min(max, 0xffffffff));
        data.u32(at + TAB_TYPE, erased(element));
        data.u32(at + TAB_FLAGS, flagsOf(module.tables[i]));
      }
    }
    if (index === 0) this.fillHostGlobals();
    else {
      for (let i = 0; i < module.globals.length; i++) {
        const at = block + layout.globalOffset(i);
        if (layout.globalIsImported(i)) data.pointer(at, this.globalCell(index, i));
        else this.constant(at, globalValue(this.instances, index, i));
      }
      for (let i = 0; i < module.importedFuncCount; i++) {
        const at = block + layout.importPointerOffset(i);
        data.pointer(at, this.functionRecord(functionLinks[i * 2], functionLinks[i * 2 + 1]));
      }
    }
    module.elements.forEach((segment, i) => {
      const array = this.elementArrays[index][i];
      segment.items.forEach((item, k) => {
        this.constant(array + k * 8, evaluate(this.instances, index, item));
      });
      const record = block + layout.elementSegmentOffset(i);
      data.pointer(record + SEG_BYTES, array);
      data.u64(record + SEG_LENGTH, segment.items.length);
    });
  }

  /** The host layer's imported globals are constants in its code (module "target"). */
  private fillHostGlobals(): void {
    const { module } = this.instances[0];
    const layout = this.layouts[0];
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) {
      this.constant(layout.start + layout.globalOffset(i), globalValue(this.instances, 0, i));
    }
  }

  private constant(at: number, value: Constant): void {
    if (value.kind === 'bits') this.data.bits(at, value.lo, value.hi);
    else if (value.kind === 'vector') for (let i = 0; i < 4; i++) this.data.u32(at + 4 * i, value.words[i]);
    else if (value.kind === 'function') this.data.pointer(at, this.functionRecord(value.instance, value.index));
  }

  /** The init plan, in the order that layout.ts gives. */
  private buildPlan(): void {
    const { plan, instances } = this;
    plan.number(instances.length);
    for (const { module, index } of instances) {
      const layout = this.layouts[index];
      plan.pointer(layout.start);
      plan.number(module.memories.length - module.importedMemoryCount);
      for (let i = module.importedMemoryCount; i < module.memories.length; i++) {
        plan.pointer(this.memoryRecord(index, i));
        plan.bits(wordsOf(module.memories[i].min));
      }
      plan.number(module.tables.length - module.importedTableCount);
      for (let i = module.importedTableCount; i < module.tables.length; i++) {
        plan.pointer(this.tableRecord(index, i));
        plan.number(module.tables[i].min);
        this.planElement(index, module.tables[i].init);
      }
      const elementRecord = (i: number) => layout.start + layout.elementSegmentOffset(i);
      plan.number(module.elements.filter((segment) => segment.mode === 'active').length);
      module.elements.forEach((segment, i) => {
        if (segment.mode !== 'active') return;
        plan.pointer(this.tableRecord(index, segment.table));
        plan.bits(evaluateOffset(instances, index, segment.offset!));
        plan.pointer(elementRecord(i));
      });
      plan.number(module.datas.filter((segment) => segment.mode === 'active').length);
      module.datas.forEach((segment, i) => {
        if (segment.mode !== 'active') return;
        plan.pointer(this.memoryRecord(index, segment.memory));
        plan.bits(evaluateOffset(instances, index, segment.offset!));
        plan.pointer(layout.start + layout.dataSegmentOffset(i));
      });
      plan.number(module.elements.filter((segment) => segment.mode === 'declarative').length);
      module.elements.forEach((segment, i) => {
        if (segment.mode === 'declarative') plan.pointer(elementRecord(i));
      });
      this.planSizes(index);
      this.planCall(index, index === 0 ? undefined : module.start);
      this.planCall(index, index === 0 ? undefined : entryFunction(module, index === instances.length - 1)?.index);
    }
  }

  private planElement(instance: number, init: ConstExpr | undefined): void {
    const value = init && evaluate(this.instances, instance, init);
    if (value?.kind === 'function') this.plan.pointer(this.functionRecord(value.instance, value.index));
    else this.plan.number(0);
  }

  /** Imports that ask for more than there is at first. */
  private planSizes(index: number): void {
    const { module } = this.instances[index];
    const sizes: [at: number, least: number][] = [];
    for (let i = 0; i < module.importedMemoryCount; i++) {
      const { min, pageSize } = module.memories[i];
      const [owner, at] = definition(this.instances[index], ExternKind.Memory, i);
      if (min <= this.instances[owner].module.memories[at].min) continue;
      sizes.push([this.memoryRecord(index, i) + MEM_SIZE, min * pageSize]);
    }
    for (let i = 0; i < module.importedTableCount; i++) {
      const { min } = module.tables[i];
      const [owner, at] = definition(this.instances[index], ExternKind.Table, i);
      if (min > this.instances[owner].module.tables[at].min) sizes.push([this.tableRecord(index, i) + TAB_LENGTH, min]);
    }
    this.plan.number(sizes.length);
    for (const [at, least] of sizes) {
      this.plan.pointer(at);
      this.plan.bits(wordsOf(least));
    }
  }

  private planCall(instance: number, index: number | undefined): void {
    if (index === undefined) {
      this.plan.number(0);
      return;
    }
    const target = definition(this.instances[instance], ExternKind.Func, index);
    this.entries.push(target);
    this.plan.pointer(this.functionRecord(...target));
  }

  private fillPlan(planStart: number): void {
    const { words, upper, isPointer } = this.plan;
    for (let i = 0; i < words.length; i++) {
      if (isPointer.words[i]) this.data.pointer(planStart + i * 8, words.words[i]);
      else this.data.bits(planStart + i * 8, words.words[i], upper.words[i]);
    }
  }
}

/** @throws LimitError when all memories together need more address space than there is */
function checkReserved(instances: readonly LinkedInstance[]): void {
  let bytes = 0;
  for (const { module, file } of instances) {
    for (const memory of module.memories.slice(module.importedMemoryCount)) {
      const wide = memory.address === ValType.I64;
      bytes += wide ? memoryCapacity(memory) * memory.pageSize + MEMORY64_GUARD : MEMORY_RESERVATION;
    }
    if (bytes > MAX_RESERVED) {
      throw new LimitError('address-space', `${file}: memories reserve more than 64 TiB of address space`);
    }
  }
}

/** MEM_FLAGS or TAB_FLAGS. */
function flagsOf({ address }: Limits): number {
  return address === ValType.I64 ? FLAG_INDEX64 : 0;
}

/** A number below 2^53. */
function wordsOf(value: number): { lo: number; hi: number } {
  return { lo: value | 0, hi: Math.floor(value / 2 ** 32) };
}

/** The plan's words before their place is known: lower and upper halves. */
class PlanWords {
  readonly words = new Column();
  readonly upper = new Column();
  readonly isPointer = new Column();

  /** A number below 2^32. */
  number(value: number): void {
    this.push(value, 0, 0);
  }

  bits({ lo, hi }: { readonly lo: number; readonly hi: number }): void {
    this.push(lo, hi, 0);
  }

  pointer(target: number): void {
    this.push(target, 0, 1);
  }

  private push(lo: number, hi: number, isPointer: number): void {
    this.words.push(lo);
    this.upper.push(hi);
    this.isPointer.push(isPointer);
  }
}
