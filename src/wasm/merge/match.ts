/** Checks whether a definition matches the import that it is bound to: core spec 4.5.2. */

import { ModuleError } from '../../base/errors.js';
import { ExternKind, type FuncType, type Import, type Limits, type Module } from '../module.js';
import { sameFuncType } from '../ref-types.js';
import { formatFuncType } from '../text.js';

/**
 * Core spec 3.2.6 (limits): the definition may have no smaller minimum and no larger maximum than the import asks for.
 */
function fits(found: Limits, wanted: Limits): boolean {
  if (found.address !== wanted.address || found.min < wanted.min) return false;
  return wanted.max === undefined || (found.max !== undefined && found.max <= wanted.max);
}

export function checkType(found: FuncType, entry: Import, importer: Module, file: string): void {
  const wanted = entry.kind === ExternKind.Func ? importer.types[entry.typeIndex] : undefined;
  if (wanted !== undefined && sameFuncType(found, wanted)) return;
  const types = wanted === undefined ? '' : ` (function ${formatFuncType(wanted)}), expected ${formatFuncType(found)}`;
  throw new ModuleError('unlinkable', `incompatible import type: ${entry.module}.${entry.name}${types}`, 0, file);
}

/** @throws ModuleError 'unlinkable' */
export function checkMatch(module: Module, index: number, entry: Import, importer: Module, file: string): void {
  switch (entry.kind) {
    case ExternKind.Func:
      return checkType(module.types[module.funcTypes[index]], entry, importer, file);
    case ExternKind.Tag:
      if (sameFuncType(module.types[module.tags[index]], importer.types[entry.typeIndex])) return;
      break;
    case ExternKind.Global: {
      const { type, mutable } = module.globals[index];
      if (type === entry.global.type && mutable === entry.global.mutable) return;
      break;
    }
    case ExternKind.Memory: {
      const memory = module.memories[index];
      const { shared, pageSize } = entry.memory;
      if (memory.shared === shared && memory.pageSize === pageSize && fits(memory, entry.memory)) return;
      break;
    }
    case ExternKind.Table: {
      const table = module.tables[index];
      if (table.element === entry.table.element && fits(table, entry.table)) return;
      break;
    }
  }
  throw unlinkable('incompatible import type', entry, file);
}

export function unlinkable(what: string, { module, name }: Import, file: string): ModuleError {
  return new ModuleError('unlinkable', `${what}: ${module}.${name}`, 0, file);
}
