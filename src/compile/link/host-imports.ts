/**
 * Which imports are the embedder's, the program that starts the process: functions that neither a linked module nor the
 * host layer provides, and whose values can leave the process. Calls of them go over a descriptor (runtime/embedder).
 */

import { ModuleError } from '../../base/errors.js';
import type { EmbedderImport } from '../../image/tables/identity.js';
import { type Import, type Module, ValType } from '../../wasm/module.js';
import { erased, exactOf, isDefaultable, isObjectType } from '../../wasm/ref-types.js';
import { formatFuncType } from '../../wasm/text.js';

/** True: all functions that nothing else provides. Else those that are named. */
export type HostImports = boolean | readonly EmbedderImport[];

type Named = Pick<Import, 'module' | 'name'>;

/** A name's length is a u16 of the table. */
const NAME_MAX = 0xffff;

export function isEmbedders(imports: HostImports | undefined, { module, name }: Named): boolean {
  if (imports === undefined || typeof imports === 'boolean') return imports === true;
  return imports.some((entry) => entry.module === module && entry.name === name);
}

/** @throws ModuleError 'unlinkable' for a function whose values cannot leave the process */
export function checkEmbeddable(entry: Import & { readonly typeIndex: number }, module: Module, file: string): void {
  const type = module.types[entry.typeIndex];
  const problem = (what: string) =>
    new ModuleError(
      'unlinkable',
      `the embedder's ${entry.module}.${entry.name} (function ${formatFuncType(type)}): ${what}`,
      0,
      file,
    );
  for (const name of [entry.module, entry.name]) {
    if (Buffer.byteLength(name) > NAME_MAX) throw problem(`its name has more than ${NAME_MAX} bytes`);
  }
  const { params, results } = exactOf(type);
  for (const valType of [...Array.from(params), ...Array.from(results)]) {
    if (erased(valType) === ValType.ExnRef) throw problem('an exception cannot leave the process');
    if (isObjectType(valType)) throw problem('an object cannot leave the process');
    if (!isDefaultable(module.refTypes, valType)) {
      throw problem('a reference that cannot be null cannot leave the process');
    }
  }
}
