/**
 * What uses garbage-collected objects (core spec 3.0, 5.4.7), which are not supported: recognized, checked as far as that
 * can be done without them, and refused by name. So something invalid is said to be invalid.
 *
 * The type section refuses types of structs and arrays. Therefore all types of a module whose bodies are validated are
 * those of functions, and an instruction that names the type of an object is invalid.
 */

import { ModuleError } from '../base/errors.js';
import { ValType } from './module.js';
import { laterOpcode, Prefix } from './opcodes.js';
import type { Reader } from './reader.js';
import { valTypeName } from './text.js';

const enum Sub {
  ArrayLen = 0x0f,
  ConvertToAny = 0x1a,
  ConvertToExtern = 0x1b,
  RefI31 = 0x1c,
  I31GetSigned = 0x1d,
  I31GetUnsigned = 0x1e,
}

/** Heap types, as in the binary format. */
const [ANY, I31, ARRAY] = [-0x12, -0x14, -0x16];

/** By sub-opcode: how many indexes follow an instruction that names a type first. */
const INDEXES = [1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 0, 1, 2, 2, 2];

/** Those that are constant: struct.new, struct.new_default, array.new, array.new_default, array.new_fixed, and so on. */
const CONSTANT: readonly number[] = [0, 1, 6, 7, 8, Sub.ConvertToAny, Sub.ConvertToExtern, Sub.RefI31];

/** Types of fields that are no value types (core spec 5.3.8). */
const PACKED: readonly number[] = [0x77, 0x78];

/** Whether the sub-opcode is that of an instruction on objects that has no row in the opcode table. */
export function usesObjects(sub: number): boolean {
  return INDEXES[sub] > 0 || sub === Sub.ArrayLen || (sub >= Sub.ConvertToAny && sub <= Sub.I31GetUnsigned);
}

/** The type of the operand of an instruction that names no type. */
export function objectOperand({ refTypes }: Reader, sub: number): number {
  switch (sub) {
    case Sub.ArrayLen:
      return refTypes.named(true, ARRAY);
    case Sub.ConvertToAny:
      return ValType.ExternRef;
    case Sub.ConvertToExtern:
      return refTypes.named(true, ANY);
    case Sub.RefI31:
      return ValType.I32;
    default:
      return refTypes.named(true, I31);
  }
}

/**
 * The error of an instruction on objects, whose operands fit as far as that is known.
 *
 * @param types how many there are
 * @param offset of the instruction, after whose sub-opcode the reader stands
 */
export function objectError(reader: Reader, sub: number, types: number, offset: number): ModuleError {
  const what = laterOpcode(Prefix.Object, sub)!;
  const count = INDEXES[sub] ?? 0;
  if (count === 0) return reader.unsupported(what, offset);
  const type = reader.u32();
  for (let i = 1; i < count; i++) reader.u32();
  const name = what.replace(/.*\(|\)$/g, '');
  const detail =
    type >= types
      ? `unknown type ${type}`
      : `type mismatch: type ${type} is of functions, ${name} needs one of ${name.replace(/\..*/, '')}s`;
  return new ModuleError('invalid', detail, offset, reader.file);
}

/**
 * The error of one in a constant expression.
 *
 * @param before type of the value before it: undefined for none, 0 for one that is not known yet
 */
export function constantObjectError(
  reader: Reader,
  sub: number,
  before: number | undefined,
  offset: number,
): ModuleError {
  const invalid = (detail: string) => new ModuleError('invalid', detail, offset, reader.file);
  const name = laterOpcode(Prefix.Object, sub)!.replace(/.*\(|\)$/g, '');
  if (!CONSTANT.includes(sub)) return invalid(`constant expression required, found ${name}`);
  if (INDEXES[sub] === undefined) {
    const wanted = objectOperand(reader, sub);
    if (before === undefined) return invalid(`type mismatch: expected ${valTypeName(wanted)}, found nothing`);
    if (before !== 0 && !reader.refTypes.matches(before, wanted)) {
      return invalid(`type mismatch: expected ${valTypeName(wanted)}, found ${valTypeName(before)}`);
    }
  }
  return objectError(reader, sub, reader.refTypes.known, offset);
}

/**
 * Reads the type of a struct or an array, after its form, up to its end.
 *
 * @param readValType of read-types.ts
 */
export function readFields(reader: Reader, isArray: boolean, readValType: (reader: Reader) => unknown): void {
  for (let count = isArray ? 1 : reader.u32(); count > 0; count--) {
    if (PACKED.includes(reader.bytes[reader.pos]) && reader.pos < reader.end) reader.pos++;
    else readValType(reader);
    const offset = reader.pos;
    if (reader.u8() > 1) throw reader.malformed('malformed mutability', offset);
  }
}
