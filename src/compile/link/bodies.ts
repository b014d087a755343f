/** The bodies of a module's functions on their way to text: how many bytes, which are compiled apart, what went wrong. */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { LimitError } from '../../base/errors.js';
import type { Module } from '../../wasm/module.js';

/**
 * The first defined function that is worth compiling apart: those before it come too near to DATA (settledFrom) as a
 * rule, or will be compiled before another thread has started.
 */
export function firstApart({ bodyStart, bodyEnd }: Module, masm: MacroAssembler): number {
  let bytes = masm.offset;
  for (let i = 0; i < bodyStart.length; i++) {
    if (bytes >= masm.settledFrom) return i;
    bytes += bodyEnd[i] - bodyStart[i];
  }
  return bodyStart.length;
}

/** Of all function bodies of a module. */
export function bodyBytesOf(module: Module): number {
  return bodyBytesBetween(module, 0, module.bodyStart.length);
}

/** Of its defined functions from `first` on, without `end`. */
export function bodyBytesBetween({ bodyStart, bodyEnd }: Module, first: number, end: number): number {
  let bytes = 0;
  for (let i = first; i < end; i++) bytes += bodyEnd[i] - bodyStart[i];
  return bytes;
}

/** Adds the function to an error about a limit of code or tables as a whole, which does not say where it was met. */
export function inFunction(error: unknown, file: string, funcIndex: number): unknown {
  if (!(error instanceof LimitError) || !(error.code === 'code-size' || error.code === 'table-size')) return error;
  return new LimitError(error.code, `${file}: function ${funcIndex}: ${error.message}`);
}
