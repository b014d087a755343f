/**
 * The decoder of components: bytes to a Component (component model, Binary.md). Checks the sections, and that each ends
 * where its size says. instantiate.ts resolves what definitions refer to.
 *
 * What WASI 0.2 does not have (async, values, core modules as imports) is 'unsupported', by name.
 */

import { limitError, limits } from '../limits.js';
import { Reader } from '../reader.js';
import { type Component, type Definition, type Named, Sort } from './definitions.js';
import { readModuleNames } from './module-names.js';
import { isComponent, PREAMBLE } from './preamble.js';
import { readCanon } from './read-canon.js';
import { readCoreSort, readExportName, readImportName, readLabel, readSort } from './read-names.js';
import { readDefinedType, readExternType, readFlag, readVector } from './read-types.js';

const VERSION = 13;

type Sink = Definition[];

/** By section id; custom sections, core modules and components are read by `readSections` itself. */
const SECTIONS: ReadonlyMap<number, (reader: Reader, into: Sink) => void> = new Map([
  [2, vectorOf(readCoreInstance)],
  [5, vectorOf(readInstance)],
  [6, vectorOf(readAlias)],
  [7, vectorOf((reader, offset) => ({ kind: 'type', type: readDefinedType(reader, 0), offset }))],
  [8, vectorOf(readCanon)],
  [10, vectorOf(readImport)],
  [11, vectorOf(readExport)],
]);

const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [3, 'core types in components'],
  [9, 'start functions of components'],
  [12, 'values in components'],
]);

/**
 * Decodes a component. `file` names it in errors. The result keeps and shares `bytes`.
 *
 * @throws ModuleError, LimitError
 */
export function decodeComponent(bytes: Uint8Array, file = 'component'): Component {
  if (bytes.length > limits.moduleBytes) throw limitError('moduleBytes', bytes.length, 0, file);
  const budget = { left: limits.componentDefinitions };
  return readComponent(new Reader(bytes, file), 0, budget);
}

interface Budget {
  left: number;
}

/** All that `reader` has left, as one component. @param depth how many it is nested in */
function readComponent(reader: Reader, depth: number, budget: Budget): Component {
  const { bytes, file, pos, end } = reader;
  if (depth > limits.componentDepth) throw limitError('componentDepth', depth, pos, file);
  readPreamble(reader);
  const definitions: Definition[] = [];
  let moduleNames: ReadonlyMap<number, string> = new Map();
  while (reader.pos < end) {
    const offset = reader.pos;
    const id = reader.u8();
    const start = reader.span();
    const section = new Reader(bytes, file, start, reader.pos);
    const before = definitions.length;
    if (id === 0) moduleNames = readModuleNames(section) ?? moduleNames;
    else if (id === 1) definitions.push({ kind: 'core module', start, end: section.end, offset });
    else if (id === 4) {
      const component = readComponent(section, depth + 1, budget);
      definitions.push({ kind: 'component', component, offset });
    } else {
      const read = SECTIONS.get(id);
      const unsupported = UNSUPPORTED.get(id);
      if (unsupported !== undefined) throw reader.unsupported(unsupported, offset);
      if (read === undefined) throw reader.malformed(`malformed section id ${id}`, offset);
      read(section, definitions);
      if (section.pos !== section.end) throw section.malformed('section size mismatch');
    }
    budget.left -= definitions.length - before;
    if (budget.left < 0) {
      throw limitError('componentDefinitions', limits.componentDefinitions - budget.left, offset, file);
    }
  }
  return { file, bytes, definitions, moduleNames };
}

function readPreamble(reader: Reader): void {
  const start = reader.pos;
  if (!isComponent(reader.bytes.subarray(start, reader.end))) throw reader.malformed('no component', start);
  reader.skip(PREAMBLE);
  const version = reader.bytes[start + 4] | (reader.bytes[start + 5] << 8);
  if (version !== VERSION) throw reader.unsupported(`version ${version} of the component format`, start + 4);
}

function vectorOf(read: (reader: Reader, offset: number) => Definition): (reader: Reader, into: Sink) => void {
  return (reader, into) => {
    for (const definition of readVector(reader, () => read(reader, reader.pos))) into.push(definition);
  };
}

function readCoreInstance(reader: Reader, offset: number): Definition {
  switch (reader.u8()) {
    case 0: {
      const module = reader.u32();
      return { kind: 'core instance', module, args: readVector(reader, readCoreArgument), offset };
    }
    case 1:
      return { kind: 'core exports', exports: readVector(reader, readCoreExport), offset };
    default:
      throw reader.malformed('malformed core instance', offset);
  }
}

function readCoreArgument(reader: Reader): Named {
  const name = readLabel(reader);
  const sort = readCoreSort(reader);
  if (sort !== Sort.CoreInstance) throw reader.malformed('a core instance expected', reader.pos - 1);
  return { name, sort, index: reader.u32() };
}

function readCoreExport(reader: Reader): Named {
  return { name: readLabel(reader), sort: readCoreSort(reader), index: reader.u32() };
}

function readInstance(reader: Reader, offset: number): Definition {
  switch (reader.u8()) {
    case 0: {
      const component = reader.u32();
      const args = readVector(reader, () => ({ name: readLabel(reader), sort: readSort(reader), index: reader.u32() }));
      return { kind: 'instance', component, args, offset };
    }
    case 1: {
      const exports = readVector(reader, () => ({
        name: readExportName(reader),
        sort: readSort(reader),
        index: reader.u32(),
      }));
      return { kind: 'exports', exports, offset };
    }
    default:
      throw reader.malformed('malformed instance', offset);
  }
}

function readAlias(reader: Reader, offset: number): Definition {
  const sort = readSort(reader);
  switch (reader.u8()) {
    case 0:
      return { kind: 'alias export', sort, instance: reader.u32(), name: readLabel(reader), offset };
    case 1:
      return { kind: 'alias core export', sort, instance: reader.u32(), name: readLabel(reader), offset };
    case 2:
      return { kind: 'alias outer', sort, count: reader.u32(), index: reader.u32(), offset };
    default:
      throw reader.malformed('malformed alias', offset);
  }
}

function readImport(reader: Reader, offset: number): Definition {
  return { kind: 'import', name: readImportName(reader), type: readExternType(reader), offset };
}

/** An export may be given a type: that of what is exported, or one with less in it. It is read and ignored. */
function readExport(reader: Reader, offset: number): Definition {
  const name = readExportName(reader);
  const sort = readSort(reader);
  const index = reader.u32();
  if (readFlag(reader)) readExternType(reader);
  return { kind: 'export', name, sort, index, offset };
}
