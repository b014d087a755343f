/** Describes a module or a coredump as data. */

import { ExternKind, type Module } from '../wasm/module.js';
import { formatFuncType, formatGlobalType, formatMemoryType, formatTableType } from '../wasm/text.js';
import { readModule } from '../wasm/wat.js';
import { customSections } from './custom-sections.js';
import type { CoredumpDescription, ModuleDescription } from './description.js';

/**
 * @param source a path, or the module's bytes, binary or text
 * @param file the module's name, for people
 * @throws InputError, LimitError
 */
export async function describeModule(source: string | Uint8Array, file: string): Promise<ModuleDescription> {
  return moduleFacts(await readModule(source, file), file);
}

/** As describeModule, for a decoded module. */
export function moduleFacts(module: Module, file: string): ModuleDescription {
  const { imports, exports, names } = module;
  const seen = [0, 0, 0, 0, 0]; // imports of each kind: they come first in their index space
  return {
    kind: 'module',
    file,
    bytes: module.bytes.length,
    name: names?.module ?? null,
    hasNames: names !== undefined,
    functions: module.funcTypes.length - module.importedFuncCount,
    imports: imports.map((entry) => {
      const type = externType(module, entry.kind, seen[entry.kind]++);
      return { module: entry.module, name: entry.name, type };
    }),
    exports: exports.map(({ name, kind, index }) => ({ name, type: externType(module, kind, index) })),
    memories: module.memories.map(formatMemoryType),
    tables: module.tables.map(formatTableType),
    globals: module.globals.length - module.importedGlobalCount,
    start: module.start ?? null,
    dataSegments: module.datas.length,
    elementSegments: module.elements.length,
  };
}

/** @throws InputError, LimitError */
export async function describeCoredump(source: string | Uint8Array, file: string): Promise<CoredumpDescription> {
  const module = await readModule(source, file);
  const memories = module.memories.map(formatMemoryType);
  const sections = customSections(module.bytes, file);
  return { kind: 'coredump', file, bytes: module.bytes.length, memories, sections };
}

function externType(module: Module, kind: ExternKind, index: number): string {
  switch (kind) {
    case ExternKind.Func:
      return formatFuncType(module.types[module.funcTypes[index]]);
    case ExternKind.Table:
      return `table ${formatTableType(module.tables[index])}`;
    case ExternKind.Memory:
      return `memory ${formatMemoryType(module.memories[index])}`;
    case ExternKind.Global:
      return `global ${formatGlobalType(module.globals[index])}`;
    case ExternKind.Tag:
      return `tag ${formatFuncType(module.types[module.tags[index]])}`;
  }
}
