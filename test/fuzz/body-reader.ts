/** Reads the instructions of a function body by the opcode table. */

import { type FuncType, type Module, ValType } from '../../src/wasm/module.js';
import { Op, type Opcode, opcodes, prefixed } from '../../src/wasm/opcodes.js';
import { REF, REF_NULL } from '../../src/wasm/ref-types.js';
import { CatchKind } from '../../src/wasm/validate-exceptions.js';

const EMPTY = -64;
/** In the alignment of a memarg: an index follows. */
const EXPLICIT_MEMORY = 0x40;
const rows = new Map(opcodes.map((row) => [row.code, row]));

export class BodyReader {
  constructor(
    readonly bytes: Uint8Array,
    /** Position of the next byte. */
    public at: number,
  ) {}

  leb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return value;
    }
  }

  signed(): bigint {
    let value = 0n;
    let shift = 0n;
    for (;;) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return BigInt.asIntN(Number(shift), value);
    }
  }

  word(): number {
    this.at += 4;
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(this.at - 4, true);
  }

  opcode(): Opcode {
    const first = this.bytes[this.at++];
    const code = first >= 0xfb ? prefixed(first, this.leb()) : first;
    return rows.get(code)!;
  }

  /**
   * Indexes, label depths, type bytes, lanes; alignment, offset and memory of an access; a block's type as blockType
   * takes it, then kind, tag (-1 for any) and label of each clause; heap types, below 0 for abstract ones; flags, label,
   * source and target of a cast that branches. Constants are passed over.
   */
  immediates({ immediates }: Opcode): number[] {
    switch (immediates) {
      case 'none':
        return [];
      case 'labels':
        return Array.from({ length: this.leb() + 1 }, () => this.leb());
      case 'types':
        return Array.from({ length: this.leb() }, () => this.valueType());
      case 'f32':
      case 'f64':
        this.at += immediates === 'f32' ? 4 : 8;
        return [];
      case 'v128':
        this.at += 16;
        return [];
      case 'lanes':
        this.at += 16;
        return [...this.bytes.subarray(this.at - 16, this.at)];
      case 'memarg':
        return this.memarg();
      case 'memarg lane':
        return [...this.memarg(), this.bytes[this.at++]];
      case 'block':
        return [Number(this.signed())];
      case 'block catches': {
        const list = [Number(this.signed())];
        for (let count = this.leb(); count > 0; count--) {
          const kind = this.bytes[this.at++];
          list.push(kind, (kind & CatchKind.CatchAll) === 0 ? this.leb() : -1, this.leb());
        }
        return list;
      }
      case 'reftype':
        return [Number(this.signed())];
      case 'cast':
        return [this.bytes[this.at++], this.leb(), Number(this.signed()), Number(this.signed())];
      case 'lane':
        return [this.bytes[this.at++]];
      case 'type table':
      case 'table table':
      case 'elem table':
      case 'data memory':
      case 'memory memory':
        return [this.leb(), this.leb()];
      default:
        return [this.leb()];
    }
  }

  private memarg(): [alignment: number, offset: number, memory: number] {
    const flags = this.leb();
    const memory = (flags & EXPLICIT_MEMORY) === 0 ? 0 : this.leb();
    return [flags & ~EXPLICIT_MEMORY, this.leb(), memory];
  }

  /** A typed reference is the abstract one that it is outside of validation. */
  private valueType(): number {
    const type = this.bytes[this.at++];
    if (type !== REF && type !== REF_NULL) return type;
    this.leb();
    return ValType.FuncRef;
  }

  /** The locals' types, at a body's start. */
  locals(): number[] {
    const types: number[] = [];
    for (let runs = this.leb(); runs > 0; runs--) {
      const count = this.leb();
      const type = this.valueType();
      for (let i = 0; i < count; i++) types.push(type);
    }
    return types;
  }
}

const NONE = new Uint8Array(0);

/** @param immediate as BodyReader.immediates gives it */
export function blockType(module: Module, immediate: number): FuncType {
  if (immediate === EMPTY) return { params: NONE, results: NONE };
  if (immediate < 0) return { params: NONE, results: Uint8Array.of(immediate & 0x7f) };
  return module.types[immediate];
}

/** The instructions that call the host layer: how many operands they take, and whether an i32 comes back. */
export const BUILTINS: ReadonlyMap<Op, { readonly takes: number; readonly gives: boolean }> = new Map([
  [Op.MemoryGrow, { takes: 1, gives: true }],
  [Op.MemoryInit, { takes: 3, gives: false }],
  [Op.MemoryCopy, { takes: 3, gives: false }],
  [Op.MemoryFill, { takes: 3, gives: false }],
  [Op.TableGrow, { takes: 2, gives: true }],
  [Op.TableInit, { takes: 3, gives: false }],
  [Op.TableCopy, { takes: 3, gives: false }],
  [Op.TableFill, { takes: 3, gives: false }],
]);
