/**
 * Reads a validated function body: immediates in the binary format of core spec 5.3 and 5.4.
 *
 * Checks nothing: the validator has read the same bytes (wasm/immediates.ts), and reports what is wrong and where.
 * Allocates nothing.
 */

import { EXPLICIT_MEMORY } from '../../wasm/immediates.js';
import { type FuncType, type Module, PLAIN_TYPES, ValType } from '../../wasm/module.js';
import { EMPTY_BLOCK } from '../../wasm/read-types.js';
import { erasedByte, isShortRefType, REF, REF_NULL } from '../../wasm/ref-types.js';
import { MemoryAccess } from './access.js';

const EMPTY = new Uint8Array(0);
const BLOCK_TYPES = new Map<number, FuncType>();
BLOCK_TYPES.set(EMPTY_BLOCK, { params: EMPTY, results: EMPTY });
for (const type of PLAIN_TYPES) BLOCK_TYPES.set(type, { params: EMPTY, results: Uint8Array.of(type) });
for (let byte = 0x40; byte < 0x80; byte++) {
  if (isShortRefType(byte)) BLOCK_TYPES.set(byte, { params: EMPTY, results: Uint8Array.of(erasedByte(byte)) });
}

export class BodyReader {
  readonly bytes: Uint8Array;
  /** By memory: 1 when its addresses are i64. */
  readonly isMemory64: Uint8Array;
  /** By memory: 1 when its page size is one byte, so that it may end anywhere. */
  readonly hasBytePages: Uint8Array;
  /** Position in the module's bytes of the next byte to read. */
  position = 0;
  /** Where the body and the instruction at hand start. */
  bodyStart = 0;
  instructionStart = 0;
  /** The memory access being compiled: readMemarg begins it, memory-access.ts finishes it. */
  readonly access = new MemoryAccess();
  /** What readS64 has read. */
  lo = 0;
  hi = 0;

  constructor(readonly module: Module) {
    this.bytes = module.bytes;
    this.isMemory64 = Uint8Array.from(module.memories, ({ address }) => (address === ValType.I64 ? 1 : 0));
    this.hasBytePages = Uint8Array.from(module.memories, ({ pageSize }) => (pageSize === 1 ? 1 : 0));
  }

  /** Offset of the instruction at hand from the start of the body. It identifies a site. */
  instructionOffset(): number {
    return this.instructionStart - this.bodyStart;
  }

  readU32(): number {
    const { bytes } = this;
    let byte = bytes[this.position++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let shiftBy = 7;
    do {
      byte = bytes[this.position++];
      value |= (byte & 0x7f) << shiftBy;
      shiftBy += 7;
    } while (byte >= 0x80);
    return value >>> 0;
  }

  readS32(): number {
    const { bytes } = this;
    let value = 0;
    let shiftBy = 0;
    let byte: number;
    do {
      byte = bytes[this.position++];
      value |= (byte & 0x7f) << shiftBy;
      shiftBy += 7;
    } while (byte >= 0x80);
    return shiftBy < 32 ? (value << (32 - shiftBy)) >> (32 - shiftBy) : value;
  }

  /** Reads a 64-bit constant into `lo` and `hi`, seven bits at a time. */
  readS64(): void {
    const { bytes } = this;
    let lo = 0;
    let hi = 0;
    let shiftBy = 0;
    let byte: number;
    do {
      byte = bytes[this.position++];
      const bits = byte & 0x7f;
      if (shiftBy < 32) {
        lo |= bits << shiftBy;
        if (shiftBy > 25) hi |= bits >> (32 - shiftBy);
      } else hi |= bits << (shiftBy - 32);
      shiftBy += 7;
    } while (byte >= 0x80);
    if (shiftBy < 64 && (byte & 0x40) !== 0) {
      if (shiftBy < 32) {
        lo |= -1 << shiftBy;
        hi = -1;
      } else hi |= -1 << (shiftBy - 32);
    }
    this.lo = lo;
    this.hi = hi;
  }

  readWord(): number {
    const { bytes, position: at } = this;
    this.position += 4;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  readMemarg(): void {
    this.access.memory = (this.readU32() & EXPLICIT_MEMORY) === 0 ? 0 : this.readU32();
    this.access.offset = this.readU64();
  }

  private readU64(): number {
    const { bytes } = this;
    if (bytes[this.position] < 0x80) return bytes[this.position++];
    let value = 0;
    let unit = 1;
    const low = bytes[this.position] & 7;
    let byte: number;
    do {
      byte = bytes[this.position++];
      value += (byte & 0x7f) * unit;
      unit *= 128;
    } while (byte >= 0x80);
    return value < 2 ** 53 ? value : 2 ** 52 + low;
  }

  readBlockType(): FuncType {
    const byte = this.bytes[this.position];
    const short = BLOCK_TYPES.get(byte);
    if (short !== undefined) {
      this.position++;
      return short;
    }
    if (byte === REF || byte === REF_NULL) return BLOCK_TYPES.get(this.readValType())!;
    return this.module.types[this.readU32()];
  }

  /** Reads a value type and gives the type that represents it in code. */
  readValType(): ValType {
    const byte = this.bytes[this.position++];
    return byte === REF || byte === REF_NULL ? this.readHeapType() : erasedByte(byte);
  }

  /** Reads a heap type and gives the plain type of references to it. */
  readHeapType(): ValType {
    const heap = this.readHeap();
    return heap < 0 ? erasedByte(heap + 0x80) : ValType.FuncRef;
  }

  /** A heap type: an index, or below 0 an abstract one. */
  readHeap(): number {
    return this.readS32();
  }
}
