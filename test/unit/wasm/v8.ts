/** The installed V8 as an oracle. It knows more proposals than we do: what it accepts is not always ours to accept. */

import { setFlagsFromString } from 'node:v8';
import { EXPLICIT_MEMORY } from '../../../src/wasm/immediates.js';
import { type ConstExpr, type Module, ValType } from '../../../src/wasm/module.js';
import { Op, opcodeOf, Prefix, prefixed } from '../../../src/wasm/opcodes.js';
import { Reader } from '../../../src/wasm/reader.js';
import { FIRST_PLAIN_TYPE, REF, REF_NULL, RefCode } from '../../../src/wasm/ref-types.js';
import { skipInstruction } from '../../../src/wasm/skip.js';
import { FunctionValidator } from '../../../src/wasm/validate.js';

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

/** Pages that a memory with 64-bit addresses may announce in the V8 of Node.js 20: 16 GiB. */
const MEMORY64_PAGES = 2 ** 18;

/**
 * Whether a valid module has what only later V8s know: several memories, larger ones, page sizes, or tables with
 * 64-bit indexes.
 */
function hasNewIndexSpaces({ memories, tables }: Module): boolean {
  const isLarge = memories.some(({ min, max }) => Math.max(min, max ?? 0) > MEMORY64_PAGES);
  const isSmall = memories.some(({ pageSize }) => pageSize !== 65536);
  return memories.length > 1 || isLarge || isSmall || tables.some(({ address }) => address === ValType.I64);
}

/** Whether a valid module uses what only later versions of V8 know. */
export function isNewerThanV8(module: Module): boolean {
  return (
    hasCompactImports(module) ||
    hasSubtypes(module) ||
    hasNewIndexSpaces(module) ||
    declaresNewReferences(module) ||
    usesNewInstructions(module)
  );
}

/** Whether the type section may have groups of types, or say what is a subtype. */
function hasSubtypes({ bytes }: Module): boolean {
  return sectionOf(bytes, TYPE_SECTION)?.some((byte) => byte >= 0x4e && byte <= 0x50) === true;
}

/** Whether the import section may have groups: has an empty name, or a zero, before what says so. */
function hasCompactImports({ bytes }: Module): boolean {
  const section = sectionOf(bytes, IMPORT_SECTION);
  return section?.some((byte, i) => byte === 0 && section[i + 1] >> 1 === 0x3f) === true;
}

const TYPE_SECTION = 1;
const IMPORT_SECTION = 2;

/** The contents of a section of a valid module. */
function sectionOf(bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  const reader = new Reader(bytes);
  for (reader.pos = 8; reader.pos < bytes.length; ) {
    const id = reader.u8();
    const start = reader.span();
    if (id === wanted) return bytes.subarray(start, reader.pos);
  }
  return undefined;
}

/** exnref, which V8 knows from 13.7 on only, or a typed reference, for which that of Node.js 20 has other codes. */
function isNewReference(type: number): boolean {
  return type === ValType.ExnRef || (type !== 0 && type < FIRST_PLAIN_TYPE);
}

function declaresNewReferences({ types, globals, tables, elements }: Module): boolean {
  if (types.some(({ exact, params, results }) => exact !== undefined || [...params, ...results].some(isNewReference)))
    return true;
  if (tables.some(({ element, init }) => isNewReference(element) || init !== undefined)) return true;
  if (globals.some((global) => isNewReference(global.type) || ('init' in global && isNewNull(global.init))))
    return true;
  // An element segment of function indices is of (ref func), and old.
  return elements.some(({ type, items }) => (isNewReference(type) && type !== PLAIN_SEGMENT) || items.some(isNewNull));
}

const PLAIN_SEGMENT: number = RefCode.Func;

function isNewNull(expr: ConstExpr): boolean {
  return expr.op === 'ref.null' && isNewReference(expr.type);
}

const NEW_INSTRUCTIONS: ReadonlySet<number> = new Set([
  Op.ThrowRef,
  Op.TryTable,
  Op.CallRef,
  Op.ReturnCallRef,
  Op.RefAsNonNull,
  Op.BrOnNull,
  Op.BrOnNonNull,
]);
const NEW_MISC: ReadonlySet<number> = new Set([Op.I64Add128, Op.I64Sub128, Op.I64MulWideS, Op.I64MulWideU]);
const TYPED: ReadonlySet<number> = new Set([Op.Block, Op.Loop, Op.If, Op.Try, Op.SelectT, Op.RefNull]);
const OLD_HEAP_TYPES: ReadonlySet<number> = new Set([ValType.FuncRef, ValType.ExternRef]);

/** In a function's locals or instructions; there too a memory that is named in a load or store, if only memory 0. */
function usesNewInstructions(module: Module): boolean {
  const { bytes } = module;
  const validator = new FunctionValidator(module);
  return Array.from(module.bodyEnd).some((end, i) => {
    const { codeStart, localTypes, localCount } = validator.validate(module.importedFuncCount + i);
    if (localTypes.subarray(0, localCount).some(isNewReference)) return true;
    for (let at = codeStart; at < end; at = skipInstruction(bytes, at)) {
      const op = bytes[at];
      if (NEW_INSTRUCTIONS.has(op)) return true;
      if (op === Prefix.Misc && NEW_MISC.has(prefixed(op, new Reader(bytes, '', at + 1).u32()))) return true;
      if (namesMemory(bytes, at)) return true;
      if (op === Op.RefNull && !OLD_HEAP_TYPES.has(bytes[at + 1])) return true;
      if (TYPED.has(op) && namesNewType(bytes, at + (op === Op.SelectT ? 2 : 1))) return true;
    }
    return false;
  });
}

/** Whether the instruction is an access that says which memory it is of. */
function namesMemory(bytes: Uint8Array, at: number): boolean {
  let code = bytes[at++];
  if (code >= Prefix.Misc) {
    let sub = 0;
    for (let shift = 0; ; shift += 7) {
      sub |= (bytes[at] & 0x7f) << shift;
      if (bytes[at++] < 0x80) break;
    }
    code = prefixed(code, sub);
  }
  return opcodeOf(code)?.immediates.startsWith('memarg') === true && (bytes[at] & EXPLICIT_MEMORY) !== 0;
}

function namesNewType(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === REF || bytes[at] === REF_NULL || bytes[at] === ValType.ExnRef;
}
