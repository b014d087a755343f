/**
 * A position in the bytes of a module and the primitive values of the binary format read from it (core spec 5.2).
 *
 * Every read advances `pos`, stops at `end` and throws ModuleError 'malformed' with the position of the fault. 64-bit
 * numbers come as two int32 words in `lo` and `hi`: no BigInt, no allocation. Is not a decoder: it knows no section and
 * no instruction. Needs errors.ts.
 */

import { ModuleError } from '../base/errors.js';
import { RefTypes } from './ref-types.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const NO_TYPES = new RefTypes([]);

/** The proposal that most refused modules use: the message names the part of it. */
const OBJECTS = 'garbage-collected objects';

export class Reader {
  pos: number;
  end: number;
  /** Where the current item starts, for instance an instruction. The code that reads it sets this, for errors. */
  mark = 0;
  /** The words of the number that s64 or f64Bits read last, as int32. */
  lo = 0;
  hi = 0;
  /** The types that reference types may name. The decoder and the validator set this. */
  refTypes = NO_TYPES;

  constructor(
    readonly bytes: Uint8Array,
    readonly file = 'module',
    start = 0,
    end = bytes.length,
  ) {
    this.pos = start;
    this.end = end;
  }

  malformed(detail: string, offset = this.pos): ModuleError {
    return new ModuleError('malformed', detail, offset, this.file);
  }

  /**
   * The error for something that is well-formed in a version or proposal of the specification that we do not support
   * yet.
   */
  unsupported(what: string, offset = this.pos): ModuleError {
    const isUse = what.startsWith(OBJECTS);
    const detail = isUse ? `uses ${what}, which is not supported yet` : `not supported yet: ${what}`;
    return new ModuleError('unsupported', detail, offset, this.file);
  }

  u8(): number {
    if (this.pos >= this.end) throw this.malformed('unexpected end of section or function');
    return this.bytes[this.pos++];
  }

  /** An unsigned LEB128 number of 32 bits, in at most 5 bytes (core spec 5.2.2). */
  u32(): number {
    const start = this.pos;
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    byte = this.u8();
    if (byte >= 0x80) throw this.malformed('integer representation too long', start);
    if (byte > 0x0f) throw this.malformed('integer too large', start);
    return (value | (byte << 28)) >>> 0;
  }

  /** An unsigned LEB128 number of 64 bits, in at most 10 bytes; from 2^53 on it is 2^53 - 1. */
  u64(): number {
    const start = this.pos;
    if (start < this.end && this.bytes[start] < 0x80) return this.bytes[this.pos++];
    let value = 0;
    let unit = 1;
    let byte: number;
    for (let shift = 0; ; shift += 7) {
      byte = this.u8();
      if (shift === 63 && byte >= 0x80) throw this.malformed('integer representation too long', start);
      if (shift === 63 && byte > 1) throw this.malformed('integer too large', start);
      value += (byte & 0x7f) * unit;
      unit *= 128;
      if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER);
    }
  }

  /** A signed LEB128 number of 32 bits. */
  s32(): number {
    return this.signed(0x08);
  }

  /** A signed LEB128 number of 33 bits: block and heap types (core spec 5.3.5, 5.4.1). */
  s33(): number {
    return this.signed(0x10);
  }

  /** In at most 5 bytes. @param sign its bit in the fifth one, whose bits above repeat it */
  private signed(sign: number): number {
    const start = this.pos;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift);
    }
    const byte = this.u8();
    if (byte >= 0x80) throw this.malformed('integer representation too long', start);
    if (byte >= sign && byte < 0x80 - sign) throw this.malformed('integer too large', start);
    const low = (value | (byte << 28)) >>> 0;
    return byte >= sign ? low - 2 ** 32 : low;
  }

  /** A signed LEB128 number of 64 bits, in at most 10 bytes, into `lo` and `hi`. */
  s64(): void {
    const start = this.pos;
    let lo = 0;
    let hi = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = this.u8();
      const bits = byte & 0x7f;
      if (shift < 28) lo |= bits << shift;
      else if (shift === 28) {
        lo |= bits << 28;
        hi = bits >>> 4;
      } else hi |= bits << (shift - 32);
      shift += 7;
    } while (byte >= 0x80 && shift < 70);
    if (byte >= 0x80) throw this.malformed('integer representation too long', start);
    if (shift === 70) {
      if (byte !== 0 && byte !== 0x7f) throw this.malformed('integer too large', start);
    } else if ((byte & 0x40) !== 0) {
      // The sign is bit shift - 1 of the value: repeat it above.
      if (shift < 32) {
        lo |= -1 << shift;
        hi = -1;
      } else hi |= -1 << (shift - 32);
    }
    this.lo = lo;
    this.hi = hi;
  }

  /** The raw bits of an f32, as int32. */
  f32Bits(): number {
    const { bytes, pos } = this;
    if (pos + 4 > this.end) throw this.malformed('unexpected end of section or function');
    this.pos = pos + 4;
    return bytes[pos] | (bytes[pos + 1] << 8) | (bytes[pos + 2] << 16) | (bytes[pos + 3] << 24);
  }

  /** The raw bits of an f64, into `lo` and `hi`. */
  f64Bits(): void {
    this.lo = this.f32Bits();
    this.hi = this.f32Bits();
  }

  /** Passes over that many bytes. */
  skip(count: number): void {
    if (count > this.end - this.pos) throw this.malformed('unexpected end of section or function');
    this.pos += count;
  }

  /** A reserved byte (core spec 5.4.6): exactly one byte of zero, not any LEB128 zero. */
  zero(): void {
    const offset = this.pos;
    if (this.u8() !== 0) throw this.malformed('zero byte expected', offset);
  }

  /** A length and that many bytes: skips them and returns where they start; they end at `pos`. */
  span(): number {
    const offset = this.pos;
    const length = this.u32();
    const start = this.pos;
    if (length > this.end - start) {
      throw this.malformed(`length out of bounds: ${length} bytes of ${this.end - start}`, offset);
    }
    this.pos = start + length;
    return start;
  }

  /** A name: a length and that many bytes of well-formed UTF-8 (core spec 5.2.4). */
  name(): string {
    const start = this.span();
    const end = this.pos;
    if (end - start <= 64) {
      let text = '';
      let i = start;
      for (; i < end && this.bytes[i] < 0x80; i++) text += String.fromCharCode(this.bytes[i]);
      if (i === end) return text;
    }
    try {
      return utf8.decode(this.bytes.subarray(start, end));
    } catch {
      throw this.malformed('malformed UTF-8 encoding', start);
    }
  }
}
