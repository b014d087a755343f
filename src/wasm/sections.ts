/**
 * The sections of a binary module (core spec 5.5.4 to 5.5.17), a function each: it reads the contents from the reader
 * into the module's parts.
 *
 * read-types.ts, const-expr.ts and segments.ts read the entries; validate-module.ts has their rules.
 */

import { readConstExpr } from './const-expr.js';
import { limitError, limits } from './limits.js';
import { ExternKind, type Global } from './module.js';
import type { ModuleParts } from './module-parts.js';
import { readCount, readGlobalType, readMemoryType, readName, readTable, readTagType } from './read-types.js';
import type { Reader } from './reader.js';
import { readDataSegment, readElementSegment } from './segments.js';

/** Of custom sections, only the name section is used. */
export function custom(reader: Reader, parts: ModuleParts): void {
  if (reader.name() === 'name') parts.nameSection ??= { start: reader.pos, end: reader.end };
  reader.pos = reader.end;
}

export function functions(reader: Reader, parts: ModuleParts): void {
  const { context } = parts;
  const offset = reader.pos;
  const imported = parts.importedFuncTypes.length;
  const count = readCount(reader, 'functions');
  if (imported + count > limits.functions) throw limitError('functions', imported + count, offset, reader.file);
  const funcTypes = new Uint32Array(imported + count);
  funcTypes.set(context.funcTypes);
  for (let i = 0; i < count; i++) {
    const at = reader.pos;
    const typeIndex = reader.u32();
    context.type(typeIndex, at);
    funcTypes[imported + i] = typeIndex;
  }
  context.funcTypes = funcTypes;
  parts.definedFuncCount = count;
}

export function tables(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'tables'); count > 0; count--) {
    const offset = reader.pos;
    parts.context.addDefinedTable(readTable(reader), offset);
  }
}

export function memories(reader: Reader, parts: ModuleParts): void {
  for (let count = reader.u32(); count > 0; count--) {
    const offset = reader.pos;
    parts.context.addMemory(readMemoryType(reader), offset);
  }
}

export function tags(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'tags'); count > 0; count--) {
    const offset = reader.pos;
    parts.context.addTag(readTagType(reader), offset);
  }
}

export function globals(reader: Reader, parts: ModuleParts): void {
  const { context } = parts;
  for (let count = readCount(reader, 'globals'); count > 0; count--) {
    const { type, mutable } = readGlobalType(reader);
    const offset = reader.pos;
    const init = readConstExpr(reader);
    context.constant(init, type, offset);
    const global: Global = { type, mutable, init };
    context.addGlobal(global, offset);
  }
}

export function exports(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'exports'); count > 0; count--) {
    const offset = reader.pos;
    const name = readName(reader);
    const kindOffset = reader.pos;
    const kind = reader.u8();
    if (kind > ExternKind.Tag) throw reader.malformed(`malformed export kind 0x${kind.toString(16)}`, kindOffset);
    const index = reader.u32();
    parts.context.export(name, kind, index, offset);
    parts.exports.push({ name, kind, index });
  }
}

export function start(reader: Reader, parts: ModuleParts): void {
  const offset = reader.pos;
  const index = reader.u32();
  parts.context.start(index, offset);
  parts.start = index;
}

export function dataCount(reader: Reader, parts: ModuleParts): void {
  parts.dataCount = reader.u32();
}

export function elements(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'elementSegments'); count > 0; count--) {
    parts.elements.push(readElementSegment(reader, parts.context));
  }
}

export function code(reader: Reader, parts: ModuleParts): void {
  const offset = reader.pos;
  const count = readCount(reader, 'functions');
  parts.checkBodyCount(count, offset);
  parts.bodyStart = new Uint32Array(count);
  parts.bodyEnd = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const at = reader.pos;
    const start = reader.span();
    const size = reader.pos - start;
    if (size > limits.functionBytes) throw limitError('functionBytes', size, at, reader.file);
    parts.bodyStart[i] = start;
    parts.bodyEnd[i] = reader.pos;
  }
}

export function datas(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'dataSegments'); count > 0; count--) {
    parts.datas.push(readDataSegment(reader, parts.context));
  }
}
