/**
 * Checks the call that a snapshot continues with instead of its program's entry against the module, and prepares it for
 * the resume plan.
 */

import { InputError } from '../base/errors.js';
import { cellsOf, isReference, type Snapshot } from '../snapshot/snapshot.js';
import { entryFunction } from '../wasm/entry.js';
import type { FuncType, Module } from '../wasm/module.js';
import { exactOf } from '../wasm/ref-types.js';
import type { References } from './placed-references.js';

export interface PlannedCall {
  /** Image offset of the function record. */
  readonly record: number;
  readonly initialize: boolean;
  readonly results: Uint8Array; // of ValType
  readonly resultCells: number;
  /** The arguments, as pairs of words. */
  readonly arguments: Uint32Array;
}

/**
 * Undefined when the snapshot has no call.
 *
 * @param modules the module of each instance
 * @throws InputError
 */
export function planCall(
  { call }: Snapshot,
  modules: readonly Module[],
  references: References,
): PlannedCall | undefined {
  if (call === undefined) return undefined;
  const { instance, func, initialize, results } = call;
  const record = references.record(func, instance + 1, () => 'call');
  const type = typeOfCall(modules, call);
  const params = type.params;
  const wanted = type.results;
  if (wanted.length !== results.length || wanted.some((type, i) => type !== results[i])) throw fault('its results');
  let at = 0;
  const exact = exactOf(type).params;
  for (const [i, type] of params.entries()) {
    if (isReference(type) && !modules[instance].refTypes.isNullable(exact[i])) throw fault('a null reference');
    if (isReference(type) && (call.arguments[at] !== 0 || call.arguments[at + 1] !== 0)) throw fault('a reference');
    at += cellsOf(type) * 2;
  }
  if (at !== call.arguments.length) throw fault('its arguments');
  const main = modules[modules.length - 1];
  if (initialize && entryFunction(main, true)?.name !== '_initialize') throw fault('what runs before it');
  const resultCells = results.reduce((sum, type) => sum + cellsOf(type), 0);
  return { record, initialize, results, resultCells, arguments: call.arguments };
}

/** The type of a function for which references.record has found a record. */
export function typeOfCall(
  modules: readonly Module[],
  { instance, func }: { instance: number; func: number },
): FuncType {
  const module = modules[instance];
  const type = module?.types[module.funcTypes[func]];
  if (type === undefined) throw fault('its function');
  return type;
}

function fault(what: string): InputError {
  return new InputError('snapshot', `snapshot: call: ${what} does not match the module`);
}
