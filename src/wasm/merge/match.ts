/** Checks whether a definition matches the import that it is bound to: core spec 4.5.2. */

import { ModuleError } from '../../base/errors.js';
import { ExternKind, type FuncType, type Import, type Limits, type Module } from '../module.js';
import { isFuncSubtype, matchesAcross, sameFuncType } from '../ref-types.js';
import { formatFuncType } from '../text.js';

/**
 * Core spec 3.2.6 (limits): the definition may have no smaller minimum and no larger maximum than the import asks for.
 */
function fits(found: Limits, wanted: Limits): boolean {
  if (found.address !== wanted.address || found.min < wanted.min) return false;
  return wanted.max === undefined || (found.max !== undefined && found.max <= wanted.max);
}

/** @param types of the module of `found` */
export function checkType(
  found: FuncType,
  types: readonly FuncType[],
  entry: Import,
  importer: Module,
  file: string,
): void {
  const wanted = entry.kind === ExternKind.Func ? importer.types[entry.typeIndex] : undefined;
  if (wanted !== undefined && isFuncSubtype(found, types, wanted)) return;
  const names = wanted === undefined ? '' : ` (function ${formatFuncType(wanted)}), expected ${formatFuncType(found)}`;
  throw new ModuleError('unlinkable', `incompatible import type: ${entry.module}.${entry.name}${names}`, 0, file);
}

/** @throws ModuleError 'unlinkable' */
export function checkMatch(module: Module, index: number, entry: Import, importer: Module, file: string): void {
  switch (entry.kind) {
    case ExternKind.Func:
      return checkType(module.types[module.funcTypes[index]], module.types, entry, importer, file);
    case ExternKind.Tag:
      if (sameFuncType(module.types[module.tags[index]], importer.types[entry.typeIndex])) return;
      break;
    case ExternKind.Global: {
      const { type, mutable } = module.globals[index];
      const wanted = entry.global;
      const fitsType = mutable
        ? isSame(module, type, importer, wanted.type)
        : isSubtype(module, type, importer, wanted.type);
      if (fitsType && mutable === wanted.mutable) return;
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
      if (isSame(module, table.element, importer, entry.table.element) && fits(table, entry.table)) return;
      break;
    }
  }
  throw unlinkable('incompatible import type', entry, file);
}

/** Whether values of a module's type may stand where another module's type is. */
function isSubtype(module: Module, type: number, of: Module, wanted: number): boolean {
  return matchesAcross(module.refTypes, type, of.refTypes, wanted);
}

function isSame(module: Module, type: number, as: Module, wanted: number): boolean {
  return isSubtype(module, type, as, wanted) && isSubtype(as, wanted, module, type);
}

export function unlinkable(what: string, { module, name }: Import, file: string): ModuleError {
  return new ModuleError('unlinkable', `${what}: ${module}.${name}`, 0, file);
}
