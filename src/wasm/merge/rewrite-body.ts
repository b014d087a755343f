/**
 * A function body with other indexes: copies it, with the numbers of types, functions, tables, memories, globals, tags
 * and segments replaced. Nothing is validated beyond what it takes to find these numbers: malformed bodies are refused,
 * invalid ones stay invalid.
 */

import { ModuleError } from '../../base/errors.js';
import { EXPLICIT_MEMORY } from '../immediates.js';
import type { Module } from '../module.js';
import { type Immediates, illegalOpcode, laterOpcode, opcodeOf, Prefix, prefixed } from '../opcodes.js';
import { Reader } from '../reader.js';
import { REF, REF_NULL } from '../ref-types.js';
import type { ByteWriter } from './byte-writer.js';

const SIMPLE_CATCHES = 2; // catch kinds below it have a tag

/** The new index of each old one. */
export interface IndexMaps {
  readonly types: ArrayLike<number>;
  readonly funcs: ArrayLike<number>;
  readonly tables: ArrayLike<number>;
  readonly memories: ArrayLike<number>;
  readonly globals: ArrayLike<number>;
  readonly tags: ArrayLike<number>;
  /** What is added to an index. */
  readonly elements: number;
  readonly datas: number;
}

/** Copies bodies of one module. */
export class BodyRewriter {
  private readonly reader: Reader;
  /** All before it is in the output. */
  private copied = 0;

  constructor(
    private readonly module: Module,
    file: string,
    private readonly maps: IndexMaps,
    private readonly to: ByteWriter,
  ) {
    this.reader = new Reader(module.bytes, file);
  }

  /** @throws ModuleError with the offset in the old module */
  rewrite(start: number, end: number): void {
    const { reader } = this;
    reader.pos = this.copied = start;
    reader.end = end;
    for (let groups = reader.u32(); groups > 0; groups--) {
      reader.u32();
      this.valType();
    }
    while (reader.pos < end) this.instruction();
    this.flush();
  }

  private instruction(): void {
    const { reader } = this;
    const offset = reader.pos;
    reader.mark = offset;
    const op = reader.u8();
    const sub = op >= Prefix.Object && op <= Prefix.Atomic ? reader.u32() : undefined;
    const opcode = opcodeOf(sub === undefined ? op : prefixed(op, sub));
    if (opcode === undefined) {
      const later = laterOpcode(op, sub);
      if (later !== undefined) throw reader.unsupported(later, offset);
      throw reader.malformed(illegalOpcode(op, sub), offset);
    }
    this.immediates(opcode.immediates);
  }

  private immediates(kind: Immediates): void {
    const { reader, maps } = this;
    switch (kind) {
      case 'none':
        return;
      case 'label':
      case 'local':
        reader.u32();
        return;
      case 'i32':
        reader.s32();
        return;
      case 'i64':
        reader.s64();
        return;
      case 'f32':
        return reader.skip(4);
      case 'f64':
        return reader.skip(8);
      case 'v128':
      case 'lanes':
        return reader.skip(16);
      case 'lane':
      case 'zero':
        return reader.skip(1);
      case 'labels':
        for (let count = reader.u32(); count >= 0; count--) reader.u32();
        return;
      case 'block':
        return this.blockType();
      case 'block catches':
        this.blockType();
        for (let count = reader.u32(); count > 0; count--) {
          if (reader.u8() < SIMPLE_CATCHES) this.index(maps.tags, 'tag');
          reader.u32();
        }
        return;
      case 'types':
        for (let count = reader.u32(); count > 0; count--) this.valType();
        return;
      case 'reftype':
        return this.heapType();
      case 'cast':
        reader.skip(1);
        reader.u32();
        this.heapType();
        return this.heapType();
      case 'memarg':
        return this.memarg();
      case 'memarg lane':
        this.memarg();
        return reader.skip(1);
      case 'func':
        return this.index(maps.funcs, 'function');
      case 'type':
        return this.index(maps.types, 'type');
      case 'type table':
        this.index(maps.types, 'type');
        return this.index(maps.tables, 'table');
      case 'tag':
        return this.index(maps.tags, 'tag');
      case 'global':
        return this.index(maps.globals, 'global');
      case 'table':
        return this.index(maps.tables, 'table');
      case 'table table':
        this.index(maps.tables, 'table');
        return this.index(maps.tables, 'table');
      case 'elem':
        return this.shifted(maps.elements, this.module.elements.length, 'elem segment');
      case 'elem table':
        this.shifted(maps.elements, this.module.elements.length, 'elem segment');
        return this.index(maps.tables, 'table');
      case 'data':
        return this.shifted(maps.datas, this.module.datas.length, 'data segment');
      case 'data memory':
        this.shifted(maps.datas, this.module.datas.length, 'data segment');
        return this.index(maps.memories, 'memory');
      case 'memory':
        return this.index(maps.memories, 'memory');
      case 'memory memory':
        this.index(maps.memories, 'memory');
        return this.index(maps.memories, 'memory');
    }
  }

  /** A block type that names a type; the others stay. */
  private blockType(): void {
    const { reader } = this;
    const byte = reader.u8();
    if (byte === REF || byte === REF_NULL) return this.heapType();
    reader.pos--;
    const start = reader.pos;
    const index = reader.s33();
    if (index >= 0) this.replace(start, this.mapped(this.maps.types, index, 'type'), true);
  }

  private valType(): void {
    const byte = this.reader.u8();
    if (byte === REF || byte === REF_NULL) this.heapType();
  }

  private heapType(): void {
    const start = this.reader.pos;
    const heap = this.reader.s33();
    if (heap >= 0) this.replace(start, this.mapped(this.maps.types, heap, 'type'), true);
  }

  private memarg(): void {
    const { reader, maps } = this;
    const start = reader.pos;
    const flags = reader.u32();
    const isExplicit = (flags & EXPLICIT_MEMORY) !== 0;
    if (flags >= 2 * EXPLICIT_MEMORY) throw reader.malformed(`malformed memop flags 0x${flags.toString(16)}`, start);
    const old = isExplicit ? reader.u32() : 0;
    const memory = this.mapped(maps.memories, old, 'memory');
    if (memory !== 0 || isExplicit) {
      this.flush(start);
      const alignment = flags & ~EXPLICIT_MEMORY;
      this.to.unsigned(memory === 0 ? alignment : alignment | EXPLICIT_MEMORY);
      if (memory !== 0) this.to.unsigned(memory);
      this.copied = reader.pos;
    }
    reader.u64();
  }

  private index(map: ArrayLike<number>, what: string): void {
    const start = this.reader.pos;
    const old = this.reader.u32();
    this.replace(start, this.mapped(map, old, what), false);
  }

  private shifted(by: number, count: number, what: string): void {
    const start = this.reader.pos;
    const old = this.reader.u32();
    if (old >= count) throw this.unknown(what, old);
    this.replace(start, old + by, false);
  }

  private mapped(map: ArrayLike<number>, old: number, what: string): number {
    if (old >= map.length) throw this.unknown(what, old);
    return map[old];
  }

  private unknown(what: string, index: number): ModuleError {
    return new ModuleError('invalid', `unknown ${what} ${index}`, this.reader.mark, this.reader.file);
  }

  /** The number from `start` to here becomes another one. */
  private replace(start: number, value: number, isSigned: boolean): void {
    this.flush(start);
    if (isSigned) this.to.signed(value);
    else this.to.unsigned(value);
    this.copied = this.reader.pos;
  }

  /** Copies what stays as it is. */
  private flush(end = this.reader.pos): void {
    this.to.append(this.module.bytes, this.copied, end);
    this.copied = end;
  }
}
