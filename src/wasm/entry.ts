/** Finds the function that a program runs first: the application ABI of WASI, and the default export. */

import { ModuleError } from '../base/errors.js';
import { ExternKind, type Import, type Module } from './module.js';

export interface Entry {
  readonly name: string;
  readonly index: number;
}

/**
 * A command's `_start`, else the export whose name is empty (both of the main module only), else a reactor's
 * `_initialize`; of those that take and give nothing. Undefined: the module has none.
 */
export function entryFunction(module: Module, isMain: boolean): Entry | undefined {
  for (const name of isMain ? ['_start', '', '_initialize'] : ['_initialize']) {
    const found = module.exports.find((entry) => entry.name === name);
    if (found?.kind !== ExternKind.Func) continue;
    const { params, results } = module.types[module.funcTypes[found.index]];
    if (params.length === 0 && results.length === 0) return { name, index: found.index };
  }
  return undefined;
}

const OWN_MODULE = 'wag_snap';
const SNAPSHOT = 'snapshot';

/** Whether it imports the function by which a program asks for a snapshot of itself. */
export function asksForSnapshots({ imports }: Module): boolean {
  return imports.some(isSnapshot);
}

export function isSnapshot({ module, name, kind }: Import): boolean {
  return module === OWN_MODULE && name === SNAPSHOT && kind === ExternKind.Func;
}

/** The export that is called once after each restore, before the program continues. */
const RESTORED = 'wag_snap_restored';

/** @throws ModuleError when it is exported, and is no function that takes and gives nothing */
export function checkRestored(module: Module, file: string): void {
  if (!module.exports.some(({ name }) => name === RESTORED) || restoredFunction(module) !== undefined) return;
  throw new ModuleError(
    'unlinkable',
    `exports ${RESTORED}, which must be a function without parameters and results`,
    0,
    file,
  );
}

/** The index of the function `wag_snap_restored`; undefined: the module has none that takes and gives nothing. */
export function restoredFunction(module: Module): number | undefined {
  const found = module.exports.find(({ name, kind }) => name === RESTORED && kind === ExternKind.Func);
  if (found === undefined) return undefined;
  const { params, results } = module.types[module.funcTypes[found.index]];
  return params.length + results.length === 0 ? found.index : undefined;
}
