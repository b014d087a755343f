/**
 * Types in a component's binary: reads them, throws 'malformed' for what is none and 'unsupported' for what belongs to
 * async components (WASI 0.3) or to proposals. Nothing is resolved. Component model, Binary.md, "Type Definitions".
 */

import { limitError, limits } from '../limits.js';
import { readCount } from '../read-types.js';
import type { Reader } from '../reader.js';
import { Sort } from './definitions.js';
import { readExportName, readImportName, readLabel, readSort } from './read-names.js';
import {
  type Case,
  type Declaration,
  type DefinedType,
  type ExternType,
  type Field,
  type FunctionType,
  PRIMITIVES,
  type ValueType,
} from './types.js';

const MAX_FLAGS = 32; // Binary.md: more are not allowed

/** Types that are known, and not supported, by their code. */
const LATER: ReadonlyMap<number, string> = new Map([
  [0x64, 'async components (error-context)'],
  [0x66, 'async components (streams)'],
  [0x65, 'async components (futures)'],
  [0x63, 'maps in components'],
  [0x43, 'async components (async functions)'],
  [0x3e, 'async components (destructors)'],
]);

/** @param depth how many types it is nested in */
export function readDefinedType(reader: Reader, depth: number): DefinedType {
  const offset = reader.pos;
  if (depth > limits.componentDepth) throw limitError('componentDepth', depth, offset, reader.file);
  const form = reader.u8();
  const primitive = PRIMITIVES.get(form);
  if (primitive !== undefined) return { kind: 'primitive', type: primitive };
  switch (form) {
    case 0x72:
      return { kind: 'record', fields: readSome(reader, 'fields', readField) };
    case 0x71:
      return { kind: 'variant', cases: readSome(reader, 'cases', readCase) };
    case 0x70:
      return { kind: 'list', element: readValueType(reader), length: undefined };
    case 0x67: {
      const element = readValueType(reader);
      const at = reader.pos;
      const length = reader.u32();
      if (length === 0) throw reader.malformed('a list of length 0', at);
      return { kind: 'list', element, length };
    }
    case 0x6f:
      return { kind: 'tuple', types: readSome(reader, 'types', readValueType) };
    case 0x6e: {
      const names = readSome(reader, 'names', readLabel);
      if (names.length > MAX_FLAGS) throw reader.malformed(`more than ${MAX_FLAGS} flags`, offset);
      return { kind: 'flags', names };
    }
    case 0x6d:
      return { kind: 'enum', names: readSome(reader, 'names', readLabel) };
    case 0x6b:
      return { kind: 'option', type: readValueType(reader) };
    case 0x6a:
      return { kind: 'result', ok: readOptional(reader), error: readOptional(reader) };
    case 0x69:
      return { kind: 'own', resource: reader.u32() };
    case 0x68:
      return { kind: 'borrow', resource: reader.u32() };
    case 0x40:
      return readFunctionType(reader);
    case 0x41:
    case 0x42: {
      const kind = form === 0x41 ? 'component' : 'instance';
      return { kind, declarations: readVector(reader, () => readDeclaration(reader, kind, depth)) };
    }
    case 0x3f:
      if (reader.u8() !== 0x7f) throw reader.malformed('a resource is represented by an i32', reader.pos - 1);
      if (readFlag(reader)) reader.u32(); // its destructor: nothing makes such a resource
      return { kind: 'resource' };
  }
  const later = LATER.get(form);
  if (later !== undefined) throw reader.unsupported(later, offset);
  throw reader.malformed(`malformed type 0x${form.toString(16)}`, offset);
}

function readFunctionType(reader: Reader): FunctionType {
  const params = readVector(reader, readField);
  const offset = reader.pos;
  switch (reader.u8()) {
    case 0:
      return { kind: 'func', params, result: readValueType(reader) };
    case 1:
      if (reader.u8() === 0) return { kind: 'func', params, result: undefined };
      throw reader.unsupported('functions of components with several results', offset);
    default:
      throw reader.malformed('malformed list of results', offset);
  }
}

function readDeclaration(reader: Reader, kind: ComponentKind, depth: number): Declaration {
  const offset = reader.pos;
  const form = reader.u8();
  switch (form) {
    case 0:
      throw reader.unsupported('core types in components', offset);
    case 1:
      return { kind: 'type', type: readDefinedType(reader, depth + 1) };
    case 2:
      return readTypeAlias(reader);
    case 3:
      if (kind !== 'component') break;
      return { kind: 'import', name: readImportName(reader), type: readExternType(reader), offset };
    case 4:
      return { kind: 'export', name: readExportName(reader), type: readExternType(reader), offset };
  }
  throw reader.malformed(`malformed declaration 0x${form.toString(16)}`, offset);
}

type ComponentKind = 'component' | 'instance';

function readTypeAlias(reader: Reader): Declaration {
  const offset = reader.pos;
  const sort = readSort(reader);
  const target = reader.u8();
  if (sort === Sort.Type && target === 2) {
    return { kind: 'outer type', count: reader.u32(), index: reader.u32(), offset };
  }
  if (sort === Sort.Type && target === 0) {
    return { kind: 'type of instance', instance: reader.u32(), name: reader.name(), offset };
  }
  throw reader.unsupported('aliases of other things than types in a type', offset);
}

/** What an import or export is (Binary.md, externdesc). */
export function readExternType(reader: Reader): ExternType {
  const offset = reader.pos;
  const form = reader.u8();
  switch (form) {
    case 0:
      throw reader.unsupported('core modules as imports or exports of components', offset);
    case 1:
      return { kind: 'func', index: reader.u32() };
    case 2:
      throw reader.unsupported('values as imports or exports of components', offset);
    case 3: {
      const bound = reader.u8();
      if (bound > 1) throw reader.malformed('malformed bound of a type', reader.pos - 1);
      return { kind: 'type', equals: bound === 0 ? reader.u32() : undefined };
    }
    case 4:
      return { kind: 'component', index: reader.u32() };
    case 5:
      return { kind: 'instance', index: reader.u32() };
    default:
      throw reader.malformed(`malformed type of an import or export 0x${form.toString(16)}`, offset);
  }
}

export function readValueType(reader: Reader): ValueType {
  const offset = reader.pos;
  const type = reader.s33();
  if (type >= 0) return type;
  const primitive = PRIMITIVES.get(type + 0x80);
  if (primitive !== undefined) return primitive;
  const later = LATER.get(type + 0x80);
  if (later !== undefined) throw reader.unsupported(later, offset);
  throw reader.malformed('malformed type of a value', offset);
}

function readField(reader: Reader): Field {
  return { name: readLabel(reader), type: readValueType(reader) };
}

function readCase(reader: Reader): Case {
  const name = readLabel(reader);
  const type = readOptional(reader);
  if (reader.u8() !== 0) throw reader.malformed('a case refines no other', reader.pos - 1);
  return { name, type };
}

function readOptional(reader: Reader): ValueType | undefined {
  return readFlag(reader) ? readValueType(reader) : undefined;
}

/** A byte that says whether something follows. */
export function readFlag(reader: Reader): boolean {
  const offset = reader.pos;
  const flag = reader.u8();
  if (flag > 1) throw reader.malformed('0 or 1 expected', offset);
  return flag === 1;
}

export function readVector<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const items: T[] = [];
  for (let count = readCount(reader, 'componentDefinitions'); count > 0; count--) items.push(read(reader));
  return items;
}

/** A vector that must have something in it. */
function readSome<T>(reader: Reader, what: string, read: (reader: Reader) => T): T[] {
  const offset = reader.pos;
  const items = readVector(reader, read);
  if (items.length === 0) throw reader.malformed(`a type without ${what}`, offset);
  return items;
}
