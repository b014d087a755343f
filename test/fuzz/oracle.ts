/** Runs a case in V8. */

import { setFlagsFromString } from 'node:v8';
import { OF_V8 } from '../support/function-references.js';
import * as layout from '../support/layout.js';
import type { Outcome } from './outcome.js';
import type { Case } from './random-module.js';
import { I32 } from './shape.js';

setFlagsFromString('--experimental-wasm-extended-const');
// The optimizing compiler of Node.js 20 ends the process at casts whose outcome follows from the types.
if (OF_V8.isOlder) for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);

type Exports = Readonly<Record<string, unknown>>;
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Exports };
  RuntimeError: new () => Error;
  Exception: new (tag: object, payload: readonly unknown[]) => object;
};

/** By V8's message: all kinds that it may stand for. */
const TRAPS: readonly (readonly [message: string, kinds: readonly number[]])[] = [
  ['unreachable', [layout.TRAP_UNREACHABLE]],
  ['memory access out of bounds', [layout.TRAP_MEMORY]],
  ['does not support unaligned accesses', [layout.TRAP_UNALIGNED]],
  ['divide by zero', [layout.TRAP_DIVIDE_BY_ZERO]],
  ['remainder by zero', [layout.TRAP_DIVIDE_BY_ZERO]],
  ['divide result unrepresentable', [layout.TRAP_OVERFLOW]],
  ['float unrepresentable in integer range', [layout.TRAP_OVERFLOW, layout.TRAP_INVALID_CONVERSION]],
  ['table index is out of bounds', [layout.TRAP_TABLE, layout.TRAP_UNDEFINED_ELEMENT]],
  ['table access out of bounds', [layout.TRAP_TABLE, layout.TRAP_UNDEFINED_ELEMENT]],
  ['illegal cast', [layout.TRAP_CAST]],
  ['dereferencing a null pointer', [layout.TRAP_NULL_REFERENCE]],
  ['null function or function signature mismatch', [layout.TRAP_UNINITIALIZED, layout.TRAP_SIGNATURE]],
  ['element segment out of bounds', [layout.TRAP_TABLE]],
  ['data segment out of bounds', [layout.TRAP_MEMORY]],
  ['Maximum call stack size exceeded', [layout.TRAP_STACK]],
];

/** @throws what V8 throws for an invalid module */
export function runInV8({ modules, steps }: Case): Outcome[] {
  const imports: Record<string, Exports> = {};
  const instances: Exports[] = [];
  for (const { name, bytes } of modules) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
    imports[name] = exports;
    instances.push(exports);
  }
  return steps.map(({ module, name, params, results, args }): Outcome => {
    const call = instances[module][name] as (...args: (number | bigint)[]) => unknown;
    const values = args.map((arg, i) => (params[i] === I32 ? Number(BigInt.asIntN(32, arg)) : BigInt.asIntN(64, arg)));
    try {
      const result = call(...values);
      const list = results.length === 0 ? [] : results.length === 1 ? [result] : (result as unknown[]);
      return { traps: [], values: list.map((value, i) => bits(value as number | bigint, results[i])) };
    } catch (error) {
      return { traps: trapKinds(error), values: [] };
    }
  });
}

function bits(value: number | bigint, type: number): bigint {
  return BigInt.asUintN(type === I32 ? 32 : 64, BigInt(value));
}

function trapKinds(thrown: unknown): readonly number[] {
  if (thrown instanceof WebAssembly.Exception) return [layout.TRAP_EXCEPTION];
  const error = thrown as Error;
  const found = TRAPS.find(([message]) => error.message.includes(message));
  if (found === undefined) throw new Error(`V8: ${error.message}`);
  return found[1];
}
