/**
 * The types of references in frames, as the module's validator has them where a frame stands: a snapshot says no more than
 * funcref, externref or exnref. Finding them takes validating the function once more, up to there.
 */

import { type FrameSite, isReference } from '../snapshot/snapshot.js';
import type { Module } from '../wasm/module.js';
import { FunctionValidator } from '../wasm/validate.js';

/** Of a value that is no reference, or of which nothing is known. */
export const UNKNOWN_TYPE = 0;

export class FrameTypes {
  private readonly validators = new Map<Module, FunctionValidator>();

  /**
   * Of each local, then of each operand: its type (ref-types.ts), or UNKNOWN_TYPE. A local that has not been set may
   * be null, whatever its type: the validator knows that nobody reads it.
   *
   * @param site whose types have been found to be those of the module
   */
  at(module: Module, { func, offset, kind, locals, operands }: FrameSite): Int32Array {
    const types = new Int32Array(locals.length + operands.length);
    if (!locals.some(isReference) && !operands.some(isReference)) return types;
    if (func < module.importedFuncCount) return types;
    let validator = this.validators.get(module);
    if (validator === undefined) this.validators.set(module, (validator = new FunctionValidator(module)));
    const exact = validator.typesAt(func, offset, kind === 'return');
    for (const [list, from, at] of [
      [locals, exact.locals, 0],
      [operands, exact.operands, locals.length],
    ] as const) {
      for (const [i, type] of list.entries()) {
        if (isReference(type) && i < from.length) types[at + i] = from[i];
      }
    }
    return types;
  }
}
