/** Checks whether a definition matches the import that it is bound to: core spec 4.5.2. */

import { ModuleError } from '../../base/errors.js';
import { ExternKind, type FuncType, type Import, type Limits, type Module } from '../module.js';
import { isFuncSubtype, matchesAcross, sameFuncType } from '../ref-types.js';
import { formatFuncType } from '../text.js';
import type { MergedInstance } from './merge-plan.js';

/**
 * Core spec 3.2.6 (limits): the definition may have no smaller minimum and no larger maximum than the import asks for.
 *
 * @param mayGrow a start function may have made it larger: what is started checks that (made-functions.ts)
 */
function fits(found: Limits, wanted: Limits, mayGrow: boolean): boolean {
  const most = mayGrow ? (found.max ?? Number.POSITIVE_INFINITY) : found.min;
  if (found.address !== wanted.address || most < wanted.min) return false;
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

/** @param importer `waits`: start functions run before it @throws ModuleError 'unlinkable' */
export function checkMatch(module: Module, index: number, entry: Import, importer: MergedInstance): void {
  const { module: of, file, waits = false } = importer;
  switch (entry.kind) {
    case ExternKind.Func:
      return checkType(module.types[module.funcTypes[index]], module.types, entry, of, file);
    case ExternKind.Tag:
      if (sameFuncType(module.types[module.tags[index]], of.types[entry.typeIndex])) return;
      break;
    case ExternKind.Global: {
      const { type, mutable } = module.globals[index];
      const wanted = entry.global;
      const fitsType = mutable ? isSame(module, type, of, wanted.type) : isSubtype(module, type, of, wanted.type);
      if (fitsType && mutable === wanted.mutable) return;
      break;
    }
    case ExternKind.Memory: {
      const memory = module.memories[index];
      const { shared, pageSize } = entry.memory;
      if (memory.shared === shared && memory.pageSize === pageSize && fits(memory, entry.memory, waits)) return;
      break;
    }
    case ExternKind.Table: {
      const table = module.tables[index];
      if (isSame(module, table.element, of, entry.table.element) && fits(table, entry.table, waits)) return;
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
