/**
 * The call that a snapshot continues with instead of its program's entry, checked against the module, as the resume plan
 * has it.
 */

import { InputError } from '../base/errors.js';
import { cellsOf, isReference, type Snapshot } from '../snapshot/snapshot.js';
import { entryFunction } from '../wasm/entry.js';
import type { FuncType, Module } from '../wasm/module.js';
import { erasedTypes } from '../wasm/ref-types.js';
import type { References } from './placed-references.js';

export interface PlannedCall {
  /** Image offset of the function's record. */
  readonly record: number;
  readonly initialize: boolean;
  readonly results: Uint8Array; // of ValType
  readonly resultCells: number;
  /** Pairs of words. */
  readonly arguments: Uint32Array;
}

/**
 * Undefined when there is none.
 *
 * @param modules of each instance
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
  const params = erasedTypes(type.params);
  const wanted = erasedTypes(type.results);
  if (wanted.length !== results.length || wanted.some((type, i) => type !== results[i])) throw fault('its results');
  let at = 0;
  for (const type of params) {
    if (isReference(type) && (call.arguments[at] !== 0 || call.arguments[at + 1] !== 0)) throw fault('a reference');
    at += cellsOf(type) * 2;
  }
  if (at !== call.arguments.length) throw fault('its arguments');
  const main = modules[modules.length - 1];
  if (initialize && entryFunction(main, true)?.name !== '_initialize') throw fault('what runs before it');
  const resultCells = results.reduce((sum, type) => sum + cellsOf(type), 0);
  return { record, initialize, results, resultCells, arguments: call.arguments };
}

/** Of a function that references.record has found. */
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
  return new InputError('snapshot', `snapshot: call: ${what} cannot be what the module has`);
}
