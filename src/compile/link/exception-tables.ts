/**
 * The exception tables of an image, in RODATA: what unwinding and collecting exceptions needs
 * (image/contract/exception-tables.ts XT_*), and the tags' names after them. Loaded with the image, so that exceptions
 * need no file. An image without tags has none.
 *
 * Fills the tags' records in DATA too.
 */

import {
  TAG_COUNT,
  TAG_INDEX,
  TAG_INSTANCE,
  TAG_NAME,
  TAG_NAME_LENGTH,
  XT_BOTTOM,
  XT_SIZE,
} from '../../image/contract/exception-tables.js';
import { RT_EXCEPTION_TABLES } from '../../image/contract/runtime-block.js';
import { FR_SIZE, FUNC_GUEST, FUNC_TRAMPOLINE } from '../../image/contract/site-tables.js';
import type { HandlerTable } from '../../image/tables/handler-table.js';
import { Column, type SiteTables } from '../../image/tables/site-tables.js';
import { ExternKind, ValType } from '../../wasm/module.js';
import { erased } from '../../wasm/ref-types.js';
import { DATA_START, type DataLayout } from './data-layout.js';
import type { LinkedInstance } from './linked-instance.js';

/** Whether anything can be thrown. */
export function throws(instances: readonly LinkedInstance[]): boolean {
  return instances.some(({ module }) => module.tags.length > 0);
}

/**
 * The tables' bytes, a multiple of 8; undefined when nothing can be thrown.
 * @param start image offset where they will lie, a multiple of 8
 */
export function exceptionTables(
  layout: DataLayout,
  handlers: HandlerTable,
  sites: SiteTables,
  start: number,
): Uint8Array | undefined {
  if (!throws(layout.instances)) return undefined;
  const frames = frameRows(sites);
  const globals = exnrefGlobals(layout);
  const columns = [frames, handlers.sites, handlers.handlers, handlers.clauses, globals];
  const counts = new Uint32Array(XT_SIZE / 4);
  counts.set([2, 2, 2, 3, 1].map((words, i) => columns[i].length / words));
  const tables = Buffer.concat(
    [counts, ...columns].map((part) => (part instanceof Column ? part.bytes() : bytesOf(part))),
  );
  const names = fillTags(layout, start + tables.length);
  layout.data.pointer(DATA_START + RT_EXCEPTION_TABLES, start);
  const size = tables.length + names.length;
  return Buffer.concat([tables, names, new Uint8Array(-size & 7)]);
}

/** Only these are on a guest's stack while something is thrown. */
function frameRows({ functions: { words, length } }: SiteTables): Column {
  const rows = new Column();
  for (let at = 0; at < length; at += FR_SIZE / 4) {
    const kind = words[at + 7];
    if (kind !== FUNC_GUEST && kind !== FUNC_TRAMPOLINE) continue;
    rows.push(words[at]);
    rows.push(kind === FUNC_TRAMPOLINE ? XT_BOTTOM : words[at + 4]);
  }
  return rows;
}

function exnrefGlobals({ instances, layouts }: DataLayout): Column {
  const places = new Column();
  for (const { module, index } of instances) {
    for (let i = module.importedGlobalCount; i < module.globals.length; i++) {
      if (erased(module.globals[i].type) === ValType.ExnRef)
        places.push(layouts[index].start + layouts[index].globalOffset(i));
    }
  }
  return places;
}

/** Fills all tags' records and returns their names' bytes, which will lie at `start`. */
function fillTags({ data, instances, layouts }: DataLayout, start: number): Uint8Array {
  const names: Uint8Array[] = [];
  let at = start;
  for (const instance of instances) {
    const { module, index } = instance;
    for (let i = module.importedTagCount; i < module.tags.length; i++) {
      const record = layouts[index].start + layouts[index].tagOffset(i);
      data.u32(record + TAG_COUNT, module.types[module.tags[i]].params.length);
      data.u32(record + TAG_INDEX, i);
      data.u32(record + TAG_INSTANCE, index);
      const exported = module.exports.find((entry) => entry.kind === ExternKind.Tag && entry.index === i);
      if (exported === undefined) continue;
      const name = Buffer.from(exported.name);
      data.u32(record + TAG_NAME_LENGTH, name.length);
      data.pointer(record + TAG_NAME, at);
      names.push(name);
      at += name.length;
    }
  }
  return Buffer.concat(names);
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
