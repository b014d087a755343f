/**
 * The decoder: the bytes of a binary module to a Module (core spec 5.5).
 *
 * This file checks which sections there are, their order, and that each ends where its size says. Function bodies are
 * not read: validate.ts does that. Needs reader.ts, sections.ts and module-parts.ts.
 */

import { imports } from './import-section.js';
import { limitError, limits } from './limits.js';
import type { Module } from './module.js';
import { ModuleParts } from './module-parts.js';
import { Reader } from './reader.js';
import * as sections from './sections.js';
import { types } from './type-section.js';

const MAGIC = 0x6d736100; // \0asm
/** The upper half of a component's version. */
const COMPONENT_LAYER = 1;
const VERSION = 1;

/** By section id: its reader, and its place in the order that the binary format prescribes (core spec 5.5.2). */
const SECTIONS: readonly (readonly [read: (reader: Reader, parts: ModuleParts) => void, place: number])[] = [
  [sections.custom, 0], // anywhere
  [types, 1],
  [imports, 2],
  [sections.functions, 3],
  [sections.tables, 4],
  [sections.memories, 5],
  [sections.globals, 7],
  [sections.exports, 8],
  [sections.start, 9],
  [sections.elements, 10],
  [sections.code, 12],
  [sections.datas, 13],
  [sections.dataCount, 11],
  [sections.tags, 6],
];

/** True when the bytes start as a binary module does. */
export function isBinaryModule(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/**
 * Decodes a module and validates all of it but the function bodies. `file` names it in errors. Throws ModuleError or
 * LimitError. The result keeps and shares `bytes`.
 */
export function decodeModule(bytes: Uint8Array, file = 'module'): Module {
  return readParts(bytes, file).finish();
}

/**
 * Decodes the beginning of a module: all before its code section. Of the rest it knows how many functions there are,
 * and data segments if the module has counted them. Their places are unknown, and 0.
 *
 * @throws as decodeModule
 */
export function decodeBeforeCode(bytes: Uint8Array, file: string): Module {
  const parts = readParts(bytes, file);
  parts.bodyStart = new Uint32Array(parts.definedFuncCount);
  parts.bodyEnd = new Uint32Array(parts.definedFuncCount);
  parts.datas.length = parts.dataCount ?? 0;
  return parts.finish();
}

function readParts(bytes: Uint8Array, file: string): ModuleParts {
  const reader = new Reader(bytes, file);
  const parts = new ModuleParts(bytes, file);
  reader.refTypes = parts.context.refTypes;
  readPreamble(reader);
  let lastPlace = 0;
  while (reader.pos < bytes.length) {
    const offset = reader.pos;
    const id = reader.u8();
    if (id >= SECTIONS.length) throw reader.malformed(`malformed section id ${id}`, offset);
    const [read, place] = SECTIONS[id];
    const start = reader.span();
    const end = reader.pos;
    if (place !== 0) {
      if (place <= lastPlace) throw reader.malformed('unexpected content after last section', offset);
      lastPlace = place;
    }
    reader.pos = start;
    reader.end = end;
    read(reader, parts);
    if (reader.pos !== end) throw reader.malformed('section size mismatch');
    reader.end = bytes.length;
  }
  return parts;
}

function readPreamble(reader: Reader): void {
  const { length } = reader.bytes;
  if (length > limits.moduleBytes) throw limitError('moduleBytes', length, 0, reader.file);
  if (length === 0) throw reader.malformed('unexpected end: no bytes at all');
  if (reader.f32Bits() !== MAGIC) throw reader.malformed('magic header not detected', 0);
  const version = reader.f32Bits();
  if (version >>> 16 === COMPONENT_LAYER) throw reader.malformed('it is a component, not a module', 4);
  if (version !== VERSION) throw reader.malformed('unknown binary version', 4);
}
