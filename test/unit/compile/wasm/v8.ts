/** The installed V8 as an oracle. It knows more proposals than we do: what it accepts is not always ours to accept. */

import { setFlagsFromString } from 'node:v8';
import { skipInstruction } from '../../../../src/compile/baseline/skip.js';
import { type Module, ValType } from '../../../../src/compile/wasm/module.js';
import { Op } from '../../../../src/compile/wasm/opcodes.js';
import { FunctionValidator } from '../../../../src/compile/wasm/validate.js';

// What the oldest Node.js that we run on has, but not by itself.
setFlagsFromString('--experimental-wasm-extended-const');
setFlagsFromString('--experimental-wasm-relaxed-simd');
setFlagsFromString('--experimental-wasm-memory64');
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

export function v8Accepts(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes);
}

/** Errors of ours about modules that a V8 may accept, as they use what we do not know. */
export function isAboutUnsupported(message: string): boolean {
  return /not supported|alignment of an atomic access|multiple memories|zero byte expected|unknown memory|malformed (value|reference|function) type|constant expression|unknown global|more than one value|malformed memop flags|malformed (block|elements)/.test(
    message,
  );
}

/** Whether a valid module has what V8 knows from 12.0 on only: several memories, or tables with 64-bit indexes. */
function hasNewIndexSpaces({ memories, tables }: Module): boolean {
  return memories.length > 1 || tables.some(({ address }) => address === ValType.I64);
}

/** Whether a valid module uses what only later versions of V8 know. */
export function isNewerThanV8(module: Module): boolean {
  return hasNewIndexSpaces(module) || usesExnref(module);
}

/** Whether a valid module uses exnref or its instructions, which V8 knows from 13.7 on only. */
function usesExnref(module: Module): boolean {
  const { types, globals, tables, elements, bytes } = module;
  const isExnref = (type: number) => type === ValType.ExnRef;
  if (types.some(({ params, results }) => params.some(isExnref) || results.some(isExnref))) return true;
  if ([...globals, ...elements].some(({ type }) => isExnref(type))) return true;
  if (tables.some(({ element }) => isExnref(element))) return true;
  const validator = new FunctionValidator(module, new Uint32Array(types.length));
  return Array.from(module.bodyEnd).some((end, i) => {
    const { codeStart, localTypes, localCount } = validator.validate(module.importedFuncCount + i);
    if (localTypes.subarray(0, localCount).some(isExnref)) return true;
    for (let at = codeStart; at < end; at = skipInstruction(bytes, at)) {
      const op = bytes[at]!;
      if (op === Op.ThrowRef || op === Op.TryTable || (op === Op.RefNull && isExnref(bytes[at + 1]!))) return true;
    }
    return false;
  });
}
