/**
 * What an image says of itself, gathered from the linked parts: the identity section, names and places of functions.
 */

import { createHash } from 'node:crypto';
import type { Target } from '../../arch/masm/target.js';
import { ownPackage } from '../../base/package.js';
import { FUNC_GUEST, FUNC_HOST, FUNC_IMPORT, TABLES_VERSION } from '../../image/contract/site-tables.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import type { Identity, InstanceIdentity, ModuleIdentity } from '../../image/tables/identity.js';
import { encodePlaces } from '../../image/tables/places.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import { IDENTITY_FORMAT } from '../../image/tables/versions.js';
import { ExternKind, type Import, type Module } from '../../wasm/module.js';
import { erased } from '../../wasm/ref-types.js';
import type { DataLayout } from './data-layout.js';
import { embedderImportNames } from './embedder-table.js';
import type { LinkedInstance } from './linked-instance.js';
import type { TextBuilder } from './text-builder.js';

export interface DescribeOptions {
  readonly target: Target;
  readonly deterministic: boolean;
  /** Of the modules after the host layer, what the image carries; undefined: the modules are left out. */
  readonly carried: readonly Uint8Array[] | undefined;
}

export function describe(layout: DataLayout, text: TextBuilder, options: DescribeOptions): Identity {
  let offset = 0;
  const modules = layout.instances.map(({ module, name, index }): ModuleIdentity => {
    const host = index === 0;
    const sha256 = createHash('sha256').update(module.bytes).digest('hex');
    const { length: size } = module.bytes;
    const about = { name: moduleName(name, module), sha256, size, host };
    const carried = options.carried?.[index - 1];
    if (carried === undefined) return { ...about, offset: -1 };
    const at = offset;
    offset += carried.length;
    return { ...about, offset: at, ...(carried.length < size && { stored: carried.length }) };
  });
  const { data } = layout;
  const hostImports = embedderImportNames(layout.instances);
  return {
    format: IDENTITY_FORMAT,
    siteTables: TABLES_VERSION,
    compiler: ownPackage().version,
    arch: options.target.name,
    deterministic: options.deterministic,
    modules,
    instances: layout.instances.map((instance, index) => describeInstance(instance, layout.layouts[index])),
    types: layout.types.types.map((type) => ({
      params: type.params,
      results: type.results,
      slots: text.callSlots(type),
    })),
    tailSlots: text.tailSlots,
    ...(hostImports.length > 0 && { hostImports }),
    trampolines: text.trampolines,
    data: { imageOffset: data.start, size: data.bytes.length },
    text: { imageOffset: text.start, size: text.masm.offset, codeSize: text.codeSize },
  };
}

function describeInstance(instance: LinkedInstance, layout: InstanceLayout): InstanceIdentity {
  const { module } = instance;
  return {
    module: instance.index,
    name: instance.name,
    start: layout.start,
    size: layout.size,
    functions: {
      imported: module.importedFuncCount,
      count: module.funcTypes.length,
      pointers: layout.functionPointers,
      records: layout.recordOffsets,
      links: instance.functionLinks,
    },
    memories: {
      imported: module.importedMemoryCount,
      pointers: layout.memoryPointers,
      records: layout.memoryRecords,
      types: module.memories.map(({ min, max }) => ({ min, max: max ?? null })),
      links: instance.memoryLinks,
    },
    tables: {
      imported: module.importedTableCount,
      pointers: layout.tablePointers,
      records: layout.tableRecords,
      types: module.tables.map(({ element, min, max }) => ({ element: erased(element), min, max: max ?? null })),
      links: instance.tableLinks,
    },
    globals: {
      imported: module.importedGlobalCount,
      pointers: layout.globalPointers,
      records: layout.globals,
      types: Uint8Array.from(module.globals, ({ type }) => erased(type)),
      mutable: Uint8Array.from(module.globals, ({ mutable }) => Number(mutable)),
      links: instance.globalLinks,
    },
    ...(module.tags.length > 0 && {
      tags: {
        imported: module.importedTagCount,
        records: layout.tags,
        types: Array.from(module.tags, (type) => module.types[type].params),
      },
    }),
    dataSegments: { records: layout.dataSegments, count: module.datas.length },
    elementSegments: { records: layout.elementSegments, count: module.elements.length },
  };
}

/** A name per row of the function table: from the name section; of a thunk, what it imports; '' for none. */
export function functionNames(instances: readonly LinkedInstance[], text: TextBuilder, sites: SiteTables): string[] {
  const { words, length } = sites.functions;
  const imports = instances.map(({ module }) =>
    module.imports
      .filter((entry: Import) => entry.kind === ExternKind.Func)
      .map((entry) => `${entry.module}.${entry.name}`),
  );
  const names: string[] = [];
  for (let at = 0; at < length; at += 8) {
    const kind = words[at + 7];
    const instance = words[at + 2];
    const index = words[at + 3];
    if (kind === FUNC_IMPORT) names.push(imports[instance][index]);
    else if (kind === FUNC_GUEST || kind === FUNC_HOST) {
      names.push(instances[instance].module.names?.functions.get(index) ?? '');
    } else names.push(text.stubs.nameOf(at / 8) ?? '');
  }
  return names;
}

/** Of each row of the function table, where its code is in its module; and the modules' names. */
export function functionPlaces(instances: readonly LinkedInstance[], sites: SiteTables): Uint8Array {
  const { words, length } = sites.functions;
  const bodies = new Uint32Array(length / 8);
  for (let at = 0; at < length; at += 8) {
    if (words[at + 7] !== FUNC_GUEST) continue;
    const { module } = instances[words[at + 2]];
    bodies[at / 8] = module.bodyStart[words[at + 3] - module.importedFuncCount];
  }
  return encodePlaces(
    bodies,
    instances.map(({ name, module }) => moduleName(name, module)),
  );
}

/** The name that it is imported by, or else the one that it gives itself. */
function moduleName(name: string, module: Module): string {
  return name || module.names?.module || '';
}
