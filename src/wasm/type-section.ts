/**
 * The type section: groups of recursive types, and what each type is a subtype of (core spec 3.0, 5.3.9 and 3.1.5).
 *
 *     0x4e count sub*             types that may name one another
 *     0x50 count index* type      not final, with a supertype or none
 *     0x4f count index* type      final
 *     type                        final, without a supertype; a group of its own
 *
 * Types are functions': structs and arrays are refused.
 */

import { ModuleError } from '../base/errors.js';
import { limitError, limits } from './limits.js';
import type { FuncType } from './module.js';
import type { ModuleParts } from './module-parts.js';
import { readCount, readFuncType } from './read-types.js';
import type { Reader } from './reader.js';

const REC = 0x4e;
const SUB = 0x50;
const SUB_FINAL = 0x4f;

export function types(reader: Reader, parts: ModuleParts): void {
  const { context } = parts;
  const { refTypes } = context;
  for (let count = readCount(reader, 'types'); count > 0; count--) {
    const offset = reader.pos;
    const first = context.types.length;
    const isGroup = reader.pos < reader.end && reader.bytes[reader.pos] === REC;
    if (isGroup) reader.pos++;
    const size = isGroup ? readCount(reader, 'types') : 1;
    if (first + size > limits.types) throw limitError('types', first + size, offset, reader.file);
    refTypes.known = first + size;
    const offsets = Array.from({ length: size }, () => 0);
    const group = offsets.map((_, i) => {
      offsets[i] = reader.pos;
      return readSubtype(reader, first + i);
    });
    if (refTypes.addGroup(group)) for (const [i, at] of offsets.entries()) context.subtype(first + i, at);
  }
}

/** @param index that it will have */
function readSubtype(reader: Reader, index: number): FuncType {
  const offset = reader.pos;
  const form = reader.u8();
  if (form !== SUB && form !== SUB_FINAL) {
    reader.pos = offset;
    return readFuncType(reader);
  }
  const supertypes = Array.from({ length: readCount(reader, 'types') }, () => reader.u32());
  const invalid = (detail: string) => new ModuleError('invalid', detail, offset, reader.file);
  if (supertypes.length > 1) throw invalid(`sub type ${index} has ${supertypes.length} super types, one is allowed`);
  const [supertype] = supertypes;
  if (supertype >= index) throw invalid(`unknown type ${supertype}: sub type ${index} comes before its super type`);
  return {
    ...readFuncType(reader),
    ...(supertype === undefined ? {} : { supertype }),
    ...(form === SUB ? { isOpen: true } : {}),
  };
}
