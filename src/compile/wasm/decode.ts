/**
 * The decoder: the bytes of a binary module to a Module (core spec 5.5).
 *
 * Reads sections, checks that they are well formed and has validate-module.ts check what they say. Does not look into
 * function bodies: it notes where they are, validate.ts reads them. Needs reader.ts and the readers of types,
 * constant expressions and segments.
 */

import { readConstExpr } from './const-expr.js';
import { limitError, limits } from './limits.js';
import {
  type DataSegment,
  type ElementSegment,
  type Export,
  ExternKind,
  type Global,
  type Import,
  type Module,
  type Names,
} from './module.js';
import { decodeNames } from './names.js';
import {
  readCount,
  readFuncType,
  readGlobalType,
  readMemoryType,
  readTable,
  readTableType,
  readTagType,
} from './read-types.js';
import { Reader } from './reader.js';
import { readDataSegment, readElementSegment } from './segments.js';
import { ModuleContext } from './validate-module.js';

const MAGIC = 0x6d736100; // \0asm
const VERSION = 1;

const enum Section {
  Custom = 0,
  Type = 1,
  Import = 2,
  Function = 3,
  Table = 4,
  Memory = 5,
  Global = 6,
  Export = 7,
  Start = 8,
  Element = 9,
  Code = 10,
  Data = 11,
  DataCount = 12,
  Tag = 13,
}

/** The place of each section in the order that the binary format prescribes, by section id (core spec 5.5.2). */
const ORDER: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

/** True when the bytes start as a binary module does. */
export function isBinaryModule(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
}

/**
 * Decodes a module and validates all of it but the function bodies. `file` names it in errors. Throws ModuleError or
 * LimitError. The result keeps and shares `bytes`.
 */
export function decodeModule(bytes: Uint8Array, file = 'module'): Module {
  return new Decoder(bytes, file).decode();
}

class Decoder {
  private readonly reader: Reader;
  private readonly context: ModuleContext;
  private readonly imports: Import[] = [];
  private readonly importedFuncTypes: number[] = [];
  private importedTableCount = 0;
  private importedMemoryCount = 0;
  private importedTagCount = 0;
  private readonly exports: Export[] = [];
  private start: number | undefined;
  private readonly elements: ElementSegment[] = [];
  private readonly datas: DataSegment[] = [];
  private dataCount: number | undefined;
  private definedFuncCount = 0;
  private bodyStart = new Uint32Array(0);
  private bodyEnd = new Uint32Array(0);
  private nameSection: { start: number; end: number } | undefined;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.reader = new Reader(bytes, file);
    this.context = new ModuleContext(file);
    this.reader.refTypes = this.context.refTypes;
  }

  decode(): Module {
    this.preamble();
    const { reader, bytes } = this;
    let previous = 0;
    while (reader.pos < bytes.length) {
      const offset = reader.pos;
      const id = reader.u8();
      if (id >= ORDER.length) throw reader.malformed(`malformed section id ${id}`, offset);
      const start = reader.span();
      const end = reader.pos;
      if (id !== Section.Custom) {
        const order = ORDER[id]!;
        if (order <= previous) throw reader.malformed('unexpected content after last section', offset);
        previous = order;
      }
      reader.pos = start;
      reader.end = end;
      this.section(id, end);
      if (reader.pos !== end) throw reader.malformed('section size mismatch');
      reader.end = bytes.length;
    }
    return this.finish();
  }

  private preamble(): void {
    const { reader, bytes } = this;
    if (bytes.length > limits.moduleBytes) throw limitError('moduleBytes', bytes.length, 0, this.file);
    if (bytes.length === 0) throw reader.malformed('unexpected end: no bytes at all');
    if (reader.f32Bits() !== MAGIC) throw reader.malformed('magic header not detected', 0);
    if (reader.f32Bits() !== VERSION) throw reader.malformed('unknown binary version', 4);
  }

  private section(id: number, end: number): void {
    switch (id) {
      case Section.Custom:
        this.customSection(end);
        break;
      case Section.Type:
        this.typeSection();
        break;
      case Section.Import:
        this.importSection();
        break;
      case Section.Function:
        this.functionSection();
        break;
      case Section.Table:
        this.tableSection();
        break;
      case Section.Memory:
        this.memorySection();
        break;
      case Section.Tag:
        this.tagSection();
        break;
      case Section.Global:
        this.globalSection();
        break;
      case Section.Export:
        this.exportSection();
        break;
      case Section.Start:
        this.startSection();
        break;
      case Section.Element:
        this.elementSection();
        break;
      case Section.DataCount:
        this.dataCount = this.reader.u32();
        break;
      case Section.Code:
        this.codeSection();
        break;
      case Section.Data:
        this.dataSection();
        break;
    }
  }

  private customSection(end: number): void {
    const { reader } = this;
    if (reader.name() === 'name') this.nameSection ??= { start: reader.pos, end };
    reader.pos = end;
  }

  private typeSection(): void {
    const { reader } = this;
    const { types, refTypes } = this.context;
    for (let count = readCount(reader, 'types'); count > 0; count--) {
      refTypes.known = types.length + 1;
      const index = types.push(readFuncType(reader)) - 1;
      refTypes.close(index);
    }
  }

  private name(): string {
    const offset = this.reader.pos;
    const name = this.reader.name();
    if (this.reader.pos - offset > limits.nameBytes) throw limitError('nameBytes', name.length, offset, this.file);
    return name;
  }

  private importSection(): void {
    const { reader, context } = this;
    for (let count = readCount(reader, 'imports'); count > 0; count--) {
      const module = this.name();
      const name = this.name();
      const offset = reader.pos;
      const kind = reader.u8();
      switch (kind) {
        case ExternKind.Func: {
          const typeIndex = reader.u32();
          context.type(typeIndex, offset);
          this.importedFuncTypes.push(typeIndex);
          this.imports.push({ module, name, kind, typeIndex });
          break;
        }
        case ExternKind.Table: {
          const table = readTableType(reader);
          context.addTable(table, offset);
          this.importedTableCount++;
          this.imports.push({ module, name, kind, table });
          break;
        }
        case ExternKind.Memory: {
          const memory = readMemoryType(reader);
          context.addMemory(memory, offset);
          this.importedMemoryCount++;
          this.imports.push({ module, name, kind, memory });
          break;
        }
        case ExternKind.Global: {
          const global = readGlobalType(reader);
          context.addGlobal(global, offset);
          context.importedGlobalCount++;
          this.imports.push({ module, name, kind, global });
          break;
        }
        case ExternKind.Tag: {
          const typeIndex = readTagType(reader);
          context.addTag(typeIndex, offset);
          this.importedTagCount++;
          this.imports.push({ module, name, kind, typeIndex });
          break;
        }
        default:
          throw reader.malformed(`malformed import kind 0x${kind.toString(16)}`, offset);
      }
    }
    context.funcTypes = Uint32Array.from(this.importedFuncTypes);
  }

  private functionSection(): void {
    const { reader, context } = this;
    const offset = reader.pos;
    const imported = this.importedFuncTypes.length;
    const count = readCount(reader, 'functions');
    if (imported + count > limits.functions) throw limitError('functions', imported + count, offset, this.file);
    const funcTypes = new Uint32Array(imported + count);
    funcTypes.set(context.funcTypes);
    for (let i = 0; i < count; i++) {
      const at = reader.pos;
      const typeIndex = reader.u32();
      context.type(typeIndex, at);
      funcTypes[imported + i] = typeIndex;
    }
    context.funcTypes = funcTypes;
    this.definedFuncCount = count;
  }

  private tableSection(): void {
    const { reader } = this;
    for (let count = readCount(reader, 'tables'); count > 0; count--) {
      const offset = reader.pos;
      this.context.addDefinedTable(readTable(reader), offset);
    }
  }

  private memorySection(): void {
    const { reader } = this;
    for (let count = reader.u32(); count > 0; count--) {
      const offset = reader.pos;
      this.context.addMemory(readMemoryType(reader), offset);
    }
  }

  private tagSection(): void {
    const { reader } = this;
    for (let count = readCount(reader, 'tags'); count > 0; count--) {
      const offset = reader.pos;
      this.context.addTag(readTagType(reader), offset);
    }
  }

  private globalSection(): void {
    const { reader, context } = this;
    for (let count = readCount(reader, 'globals'); count > 0; count--) {
      const { type, mutable } = readGlobalType(reader);
      const offset = reader.pos;
      const init = readConstExpr(reader);
      context.constant(init, type, offset);
      const global: Global = { type, mutable, init };
      context.addGlobal(global, offset);
    }
  }

  private exportSection(): void {
    const { reader } = this;
    for (let count = readCount(reader, 'exports'); count > 0; count--) {
      const offset = reader.pos;
      const name = this.name();
      const kindOffset = reader.pos;
      const kind = reader.u8();
      if (kind > ExternKind.Tag) throw reader.malformed(`malformed export kind 0x${kind.toString(16)}`, kindOffset);
      const index = reader.u32();
      this.context.export(name, kind, index, offset);
      this.exports.push({ name, kind, index });
    }
  }

  private startSection(): void {
    const offset = this.reader.pos;
    this.start = this.reader.u32();
    this.context.start(this.start, offset);
  }

  private elementSection(): void {
    const { reader } = this;
    for (let count = readCount(reader, 'elementSegments'); count > 0; count--) {
      this.elements.push(readElementSegment(reader, this.context));
    }
  }

  private codeSection(): void {
    const { reader } = this;
    const offset = reader.pos;
    const count = readCount(reader, 'functions');
    this.checkBodyCount(count, offset);
    this.bodyStart = new Uint32Array(count);
    this.bodyEnd = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const at = reader.pos;
      const start = reader.span();
      const size = reader.pos - start;
      if (size > limits.functionBytes) throw limitError('functionBytes', size, at, this.file);
      this.bodyStart[i] = start;
      this.bodyEnd[i] = reader.pos;
    }
  }

  private checkBodyCount(count: number, offset: number): void {
    if (count === this.definedFuncCount) return;
    const counts = `${this.definedFuncCount} and ${count}`;
    throw this.reader.malformed(`function and code section have inconsistent lengths: ${counts}`, offset);
  }

  private dataSection(): void {
    const { reader } = this;
    for (let count = readCount(reader, 'dataSegments'); count > 0; count--) {
      this.datas.push(readDataSegment(reader, this.context));
    }
  }

  private finish(): Module {
    const { reader, context, bytes, nameSection } = this;
    this.checkBodyCount(this.bodyStart.length, bytes.length);
    if (this.dataCount !== undefined && this.dataCount !== this.datas.length) {
      const counts = `${this.dataCount} and ${this.datas.length}`;
      throw reader.malformed(`data count and data section have inconsistent lengths: ${counts}`, bytes.length);
    }
    const declaredFuncs = new Uint8Array(context.funcTypes.length);
    for (const index of context.declared) declaredFuncs[index] = 1;
    let names: Names | undefined;
    let namesDecoded = false;
    return {
      bytes,
      types: context.types,
      refTypes: context.refTypes,
      imports: this.imports,
      importedFuncCount: this.importedFuncTypes.length,
      funcTypes: context.funcTypes,
      tables: context.tables,
      importedTableCount: this.importedTableCount,
      memories: context.memories,
      importedMemoryCount: this.importedMemoryCount,
      globals: context.globals,
      importedGlobalCount: context.importedGlobalCount,
      tags: Uint32Array.from(context.tags),
      importedTagCount: this.importedTagCount,
      exports: this.exports,
      start: this.start,
      elements: this.elements,
      datas: this.datas,
      dataCount: this.dataCount,
      bodyStart: this.bodyStart,
      bodyEnd: this.bodyEnd,
      declaredFuncs,
      // Decoded on first use: compiling needs no names, and a big module has tens of thousands of them.
      get names() {
        if (!namesDecoded && nameSection !== undefined) {
          names = decodeNames(bytes, nameSection.start, nameSection.end);
        }
        namesDecoded = true;
        return names;
      },
    };
  }
}
