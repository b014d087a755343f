/**
 * Types of the binary format: value, reference, function, table, memory and global types (core spec 5.3).
 *
 * Reads them and throws 'malformed' for what is not one; whether a limit makes sense is for validate-module.ts.
 * Needs reader.ts.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { readConstExpr } from './const-expr.js';
import { limitError, limits } from './limits.js';
import { type FuncType, type GlobalType, type MemoryType, type TableType, ValType } from './module.js';
import { readFields } from './objects.js';
import type { Reader } from './reader.js';
import { funcType, isShortRefType, laterType, REF, REF_NULL } from './ref-types.js';

const FUNC_TYPE_FORM = 0x60;
const STRUCT_FORM = 0x5f;
const ARRAY_FORM = 0x5e;
/** Other forms of an entry of the type section, of later versions of the specification. */
const LATER_FORMS: ReadonlyMap<number, string> = new Map([
  [STRUCT_FORM, 'garbage-collected objects (struct)'],
  [ARRAY_FORM, 'garbage-collected objects (array)'],
  [0x5d, 'stack switching (continuation types)'],
  [0x4d, 'custom descriptors'],
  [0x4c, 'custom descriptors'],
  [0x65, 'shared-everything threads (shared types)'],
]);
/** A block type without parameters and results (core spec 5.4.1). */
export const EMPTY_BLOCK = 0x40;

export function readValType(reader: Reader): ValType {
  const offset = reader.pos;
  const type = reader.u8();
  if (type >= ValType.V128 && type <= ValType.I32) return type;
  return refType(reader, type, offset, 'value');
}

export function readRefType(reader: Reader): ValType {
  const offset = reader.pos;
  return refType(reader, reader.u8(), offset, 'reference');
}

/** @param byte the first one, which was read at `offset` */
function refType(reader: Reader, byte: number, offset: number, what: string): ValType {
  if (byte === REF || byte === REF_NULL) return reader.refTypes.read(reader, byte === REF_NULL);
  if (isShortRefType(byte)) return reader.refTypes.named(true, byte - 0x80);
  const later = laterType(byte);
  if (later !== undefined) throw reader.unsupported(later, offset);
  throw reader.malformed(`malformed ${what} type 0x${byte.toString(16)}`, offset);
}

/** The length of a vector of entries that take at least a byte each, so that no count can make us allocate at will. */
export function readCount(reader: Reader, limit: keyof typeof limits): number {
  const offset = reader.pos;
  const count = reader.u32();
  if (count > reader.end - reader.pos) {
    throw reader.malformed(`unexpected end of section: ${count} entries announced`, offset);
  }
  if (count > limits[limit]) throw limitError(limit, count, offset, reader.file);
  return count;
}

/** A name of an import or export. */
export function readName(reader: Reader): string {
  const offset = reader.pos;
  const size = reader.u32();
  reader.pos = offset;
  const name = reader.name();
  if (size > limits.nameBytes) throw limitError('nameBytes', size, offset, reader.file);
  return name;
}

const NO_TYPES = new Int32Array(0);

function readValTypes(reader: Reader, limit: 'functionParams' | 'functionResults'): Int32Array {
  const count = readCount(reader, limit);
  if (count === 0) return NO_TYPES;
  const types = new Int32Array(count);
  for (let i = 0; i < types.length; i++) types[i] = readValType(reader);
  return types;
}

export function readFuncType(reader: Reader): FuncType {
  const offset = reader.pos;
  const form = reader.u8();
  if (form !== FUNC_TYPE_FORM) {
    const later = LATER_FORMS.get(form);
    if (form === STRUCT_FORM || form === ARRAY_FORM) readFields(reader, form === ARRAY_FORM, readValType);
    if (later !== undefined) throw reader.unsupported(later, offset);
    throw reader.malformed(`malformed function type 0x${form.toString(16)}`, offset);
  }
  return funcType(readValTypes(reader, 'functionParams'), readValTypes(reader, 'functionResults'));
}

const enum LimitsFlag {
  Max = 1,
  Shared = 2, // memories only, which then have a maximum
  Index64 = 4,
  PageSize = 8, // memories only: log2 of it follows (the proposal for custom page sizes)
}

/** No page size is 2 to a higher power. */
const MAX_PAGE_SIZE_LOG = 64;

/** @param allowed the flags that may be set */
function readLimits(reader: Reader, allowed: number): MemoryType {
  const offset = reader.pos;
  const flags = reader.u8();
  const hasMax = (flags & LimitsFlag.Max) !== 0;
  const shared = (flags & LimitsFlag.Shared) !== 0;
  if ((flags & ~allowed) !== 0 || (shared && !hasMax)) {
    const note = shared && flags <= allowed ? ' (a shared memory has a maximum)' : '';
    throw reader.malformed(`malformed limits flags 0x${flags.toString(16)}: integer too large${note}`, offset);
  }
  const address = (flags & LimitsFlag.Index64) !== 0 ? ValType.I64 : ValType.I32;
  const hasPageSize = (flags & LimitsFlag.PageSize) !== 0;
  const min = reader.u64();
  const max = hasMax ? reader.u64() : undefined;
  return { min, max, address, shared, pageSize: hasPageSize ? readPageSize(reader) : WASM_PAGE };
}

/** Any power of two is well-formed, two are valid (validate-module.ts). */
function readPageSize(reader: Reader): number {
  const offset = reader.pos;
  const log = reader.u32();
  if (log > MAX_PAGE_SIZE_LOG) throw reader.malformed(`invalid custom page size: 2**${log}`, offset);
  return 2 ** log;
}

/** An entry of the table section: an imported one has no initialiser (core spec 5.5.7). */
export function readTable(reader: Reader): TableType {
  const explicit = reader.pos < reader.end && reader.bytes[reader.pos] === EMPTY_BLOCK;
  if (!explicit) return readTableType(reader);
  reader.pos++;
  reader.zero();
  const type = readTableType(reader);
  return { ...type, init: readConstExpr(reader) };
}

export function readTableType(reader: Reader): TableType {
  const element = readRefType(reader);
  const { min, max, address } = readLimits(reader, LimitsFlag.Max | LimitsFlag.Index64);
  return { element, min, max, address };
}

export function readMemoryType(reader: Reader): MemoryType {
  return readLimits(reader, LimitsFlag.Max | LimitsFlag.Shared | LimitsFlag.Index64 | LimitsFlag.PageSize);
}

/** Attribute and type index of a tag: exceptions are the only kind there is (core spec 5.3.10). */
export function readTagType(reader: Reader): number {
  const offset = reader.pos;
  const attribute = reader.u8();
  if (attribute !== 0) throw reader.malformed(`malformed tag attribute 0x${attribute.toString(16)}`, offset);
  return reader.u32();
}

export function readGlobalType(reader: Reader): GlobalType {
  const type = readValType(reader);
  const offset = reader.pos;
  const mutable = reader.u8();
  if (mutable > 1) throw reader.malformed('malformed mutability', offset);
  return { type, mutable: mutable === 1 };
}
