/** Finds the function that a program runs first: the application ABI of WASI, and the default export. */

import { ExternKind, type Module } from './module.js';

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
