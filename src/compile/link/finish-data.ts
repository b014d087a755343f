/**
 * Fills the part of DATA that depends on code: function records, segments' bytes in RODATA, the runtime block's
 * places.
 */

import {
  FN_CODE,
  FN_INDEX,
  FN_INSTANCE,
  FN_INSTANCE_INDEX,
  FN_TRAMPOLINE,
  FN_TYPE,
  SEG_BYTES,
  SEG_LENGTH,
} from '../../image/contract/instance.js';
import {
  RT_CPU_NEEDS,
  RT_SIGNAL_ENTRY,
  RT_SIGNAL_RETURN,
  RT_TAKES_CALLS,
  RT_TEXT,
  RT_TEXT_SIZE,
  RT_UNWIND,
} from '../../image/contract/runtime-block.js';
import { ExternKind } from '../../wasm/module.js';
import { DATA_START, type DataLayout } from './data-layout.js';
import { funcType } from './imports.js';
import { definition } from './linked-instance.js';
import type { TextBuilder } from './text-builder.js';

export function finishData(layout: DataLayout, text: TextBuilder, rodataStart: number): void {
  fillRuntimeBlock(layout, text);
  fillRecords(layout, text);
  fillDataSegments(layout, rodataStart);
}

function fillRuntimeBlock({ data }: DataLayout, { masm, start, stubs, options }: TextBuilder): void {
  data.u64(DATA_START + RT_TEXT, start);
  data.u64(DATA_START + RT_TEXT_SIZE, masm.offset);
  data.u32(DATA_START + RT_CPU_NEEDS, options.target.cpuNeeds);
  data.u32(DATA_START + RT_TAKES_CALLS, 1);
  data.u64(DATA_START + RT_UNWIND, start + stubs.offset('unwind'));
  data.u64(DATA_START + RT_SIGNAL_ENTRY, start + stubs.offset('signal_entry'));
  data.u64(DATA_START + RT_SIGNAL_RETURN, start + stubs.offset('signal_return'));
}

/** An import that another instance provides gets a copy of that one's record. */
function fillRecords(layout: DataLayout, text: TextBuilder): void {
  const { data, instances, layouts, types } = layout;
  const trampolines = new Map(text.trampolines.map(({ type, start }) => [type, text.start + start]));
  for (const instance of instances) {
    const { module, index } = instance;
    const first = index === 0 ? module.importedFuncCount : 0;
    for (let i = first; i < module.funcTypes.length; i++) {
      const offset = layouts[index].recordOffsets[i];
      if (offset < 0) continue;
      const record = layouts[index].start + offset;
      const [owner, at] = definition(instance, ExternKind.Func, i);
      const typeId = types.id(funcType(module, i));
      data.pointer(record + FN_CODE, text.start + text.codeOffset(owner, at));
      data.pointer(record + FN_INSTANCE, layouts[owner].start);
      data.u32(record + FN_TYPE, typeId);
      data.u32(record + FN_INDEX, at);
      data.u32(record + FN_INSTANCE_INDEX, owner);
      data.u32(record + FN_TRAMPOLINE, trampolines.get(typeId) ?? 0);
    }
  }
}

function fillDataSegments({ data, instances, layouts }: DataLayout, rodataStart: number): void {
  let at = rodataStart;
  for (const { module, index } of instances) {
    for (let i = 0; i < module.datas.length; i++) {
      const record = layouts[index].start + layouts[index].dataSegmentOffset(i);
      const { start, end } = module.datas[i];
      data.pointer(record + SEG_BYTES, at);
      data.u64(record + SEG_LENGTH, end - start);
      at += (end - start + 7) & ~7;
    }
  }
}

/** The bytes of all data segments, 8-aligned each, in the order of fillDataSegments. */
export function dataSegmentBytes({ instances }: DataLayout): Uint8Array {
  let size = 0;
  for (const { module } of instances) for (const { start, end } of module.datas) size += (end - start + 7) & ~7;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { module } of instances) {
    for (const { start, end } of module.datas) {
      bytes.set(module.bytes.subarray(start, end), at);
      at += (end - start + 7) & ~7;
    }
  }
  return bytes;
}
