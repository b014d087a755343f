/**
 * The table of the embedder's import functions, in RODATA (image/contract/embedder.ts EI_*).
 *
 * The table says what the embedder has to provide before anything runs, and how wide arguments and results are. Each
 * import of each instance has an ordinal, its row: a module may import the same function by two types.
 */

import { LimitError } from '../../base/errors.js';
import {
  EI_COUNT,
  EI_MEMORIES,
  EI_MODULE_LENGTH,
  EI_NAME_LENGTH,
  EI_PARAMS,
  EI_RESULTS,
  EI_ROW_SIZE,
  EI_ROWS,
  EI_SIZE,
  EI_TEXT,
  EI_TYPE,
  EMBEDDER_IMPORTS_MAX,
  EMBEDDER_TABLE_MAX,
} from '../../image/contract/embedder.js';
import { RT_EMBEDDER_IMPORTS } from '../../image/contract/runtime-block.js';
import type { EmbedderImport } from '../../image/tables/identity.js';
import { ExternKind, type FuncType, type Import } from '../../wasm/module.js';
import { DATA_START, type DataLayout } from './data-layout.js';
import { type LinkedInstance, Provider } from './linked-instance.js';

/** Of each instance with imports that are the embedder's: the ordinal of each imported function, or -1. */
export function embedderOrdinals(instances: readonly LinkedInstance[]): ReadonlyMap<number, Int32Array> {
  let next = 0;
  const ordinals = new Map<number, Int32Array>();
  for (const { index, providers } of instances) {
    if (!providers.includes(Provider.Embedder)) continue;
    ordinals.set(
      index,
      Int32Array.from(providers, (provider) => (provider === Provider.Embedder ? next++ : -1)),
    );
  }
  return ordinals;
}

/** By name, each once, for the identity. */
export function embedderImportNames(instances: readonly LinkedInstance[]): EmbedderImport[] {
  const names = new Map<string, EmbedderImport>();
  for (const { entry } of rowsOf(instances)) {
    const { module, name } = entry;
    names.set(JSON.stringify([module, name]), { module, name });
  }
  return [...names.values()];
}

/**
 * The table's bytes, a multiple of 8; undefined when there is nothing in it. Fills RT_EMBEDDER_IMPORTS.
 * @param start image offset where it will lie, a multiple of 8
 */
export function embedderTable(layout: DataLayout, start: number): Uint8Array | undefined {
  const rows = rowsOf(layout.instances);
  if (rows.length === 0) return undefined;
  const descriptions = rows.map(describe);
  const head = Buffer.alloc(EI_ROWS + EI_ROW_SIZE * rows.length);
  const size = descriptions.reduce((end, { length }) => end + length, head.length);
  if (rows.length > EMBEDDER_IMPORTS_MAX || size > EMBEDDER_TABLE_MAX) {
    const [{ instance }] = rows;
    const has = `${rows.length} functions of its embedder, ${size} bytes of names and types`;
    const may = `${EMBEDDER_IMPORTS_MAX}, and ${EMBEDDER_TABLE_MAX} bytes`;
    throw new LimitError('embedder-imports', `${instance.file}: imports ${has}; it may import ${may}`);
  }
  head.writeUInt32LE(rows.length, EI_COUNT);
  head.writeUInt32LE(size, EI_SIZE);
  const memories = new Map<number, number>(); // of instances: where their lists are
  const lists: Buffer[] = [Buffer.alloc(-size & 7)];
  let listsEnd = size + lists[0].length;
  let at = head.length;
  rows.forEach(({ instance }, i) => {
    let list = memories.get(instance.index);
    if (list === undefined) {
      const bytes = memoryList(layout, instance);
      memories.set(instance.index, (list = listsEnd));
      lists.push(bytes);
      listsEnd += bytes.length;
    }
    head.writeUInt32LE(at, EI_ROWS + EI_ROW_SIZE * i + EI_TYPE);
    head.writeUInt32LE(list, EI_ROWS + EI_ROW_SIZE * i + EI_MEMORIES);
    at += descriptions[i].length;
  });
  layout.data.pointer(DATA_START + RT_EMBEDDER_IMPORTS, start);
  const table = Buffer.concat([head, ...descriptions, ...lists]);
  return Buffer.concat([table, Buffer.alloc(-table.length & 7)]);
}

interface Row {
  readonly instance: LinkedInstance;
  readonly entry: Import;
  readonly type: FuncType;
}

/** By ordinal. */
function rowsOf(instances: readonly LinkedInstance[]): Row[] {
  const rows: Row[] = [];
  for (const instance of instances) {
    let at = 0;
    for (const entry of instance.module.imports) {
      if (entry.kind !== ExternKind.Func) continue;
      if (instance.providers[at++] !== Provider.Embedder) continue;
      rows.push({ instance, entry, type: instance.module.types[entry.typeIndex] });
    }
  }
  return rows;
}

function describe({ entry, type }: Row): Buffer {
  const [module, name] = [Buffer.from(entry.module), Buffer.from(entry.name)];
  const head = Buffer.alloc(EI_TEXT);
  head.writeUInt16LE(module.length, EI_MODULE_LENGTH);
  head.writeUInt16LE(name.length, EI_NAME_LENGTH);
  head.writeUInt16LE(type.params.length, EI_PARAMS);
  head.writeUInt16LE(type.results.length, EI_RESULTS);
  return Buffer.concat([head, module, name, type.params, type.results]);
}

/** A count, and image offsets of the records of the memories that the instance's code calls 0, 1... */
function memoryList(layout: DataLayout, { index, module }: LinkedInstance): Buffer {
  const count = module.memories.length;
  const words = [count, ...Array.from({ length: count }, (_, i) => layout.memoryRecord(index, i))];
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => {
    bytes.writeUInt32LE(word, 4 * i);
  });
  return bytes;
}
