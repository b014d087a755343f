/** Whether a reference of a snapshot is of the type that its place has in the module. */

import { InputError } from '../base/errors.js';
import { type Module, ValType } from '../wasm/module.js';
import { erased, isFuncSubtype, isNullOnly } from '../wasm/ref-types.js';

/**
 * Checks null, or a reference to something that exists.
 *
 * @param modules of each guest instance
 * @param module whose type it is
 * @param type of ref-types.ts
 * @param where names the place, for errors
 * @throws InputError
 */
export function checkReference(
  modules: readonly Module[],
  { refTypes, types }: Module,
  type: number,
  lo: number,
  hi: number,
  where: () => string,
): void {
  if ((lo | hi) === 0) {
    if (refTypes.isNullable(type)) return;
    throw new InputError('snapshot', `snapshot: ${where()}: is null, which it cannot be`);
  }
  const nullOnly = isNullOnly(type);
  if (erased(type) !== ValType.FuncRef) {
    if (!nullOnly) return;
    throw new InputError('snapshot', `snapshot: ${where()}: is not null, which is all that it can be`);
  }
  const wanted = refTypes.typeIndex(type);
  if (wanted < 0 && !nullOnly) return;
  const owner = modules[hi - 1];
  if (!nullOnly && isFuncSubtype(owner.types[owner.funcTypes[lo]], owner.types, types[wanted])) return;
  throw new InputError('snapshot', `snapshot: ${where()}: refers to a function of another type`);
}
