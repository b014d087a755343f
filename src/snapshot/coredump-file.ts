/**
 * Writes a WebAssembly binary to a file, piece by piece: sections, LEB128 numbers, names. The binary is never in memory
 * as a whole.
 *
 * A section's size is a padded number of five bytes (core spec 5.2.2 allows it), which is filled in when the section
 * ends.
 */

import { LimitError } from '../base/errors.js';
import { writeAt } from '../base/output.js';

const CAPACITY = 1 << 16;
const SIZE_BYTES = 5;

export class WasmFile {
  private readonly buffer = Buffer.allocUnsafe(CAPACITY);
  private used = 0;
  private flushed = 0;
  private sectionStart = 0;

  constructor(private readonly fd: number) {
    this.bytes(Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
  }

  /** Calls `write` for the contents of section `id`. @throws LimitError when the section gets too large */
  section(id: number, write: () => void): void {
    this.beginSection(id);
    write();
    this.endSection();
  }

  beginSection(id: number): void {
    this.byte(id);
    this.bytes(Buffer.alloc(SIZE_BYTES));
    this.sectionStart = this.position;
  }

  /** @throws LimitError when the section gets too large */
  endSection(): void {
    const length = this.position - this.sectionStart;
    if (length > 0xffffffff) throw new LimitError('coredump', 'a section of a coredump would be larger than 4 GiB');
    this.flush();
    const bytes = Buffer.alloc(SIZE_BYTES);
    for (let i = 0; i < SIZE_BYTES; i++) {
      bytes[i] = (Math.floor(length / 2 ** (7 * i)) & 0x7f) | (i < SIZE_BYTES - 1 ? 0x80 : 0);
    }
    writeAt(this.fd, bytes, this.sectionStart - SIZE_BYTES);
  }

  custom(name: string, write: () => void): void {
    this.section(0, () => {
      this.name(name);
      write();
    });
  }

  byte(value: number): void {
    if (this.used === CAPACITY) this.flush();
    this.buffer[this.used++] = value;
  }

  /** A u32, or any number of pages. */
  u32(value: number): void {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.byte((value & 0x7f) | 0x80);
    this.byte(value);
  }

  /** Signed LEB128 of 32 bits. */
  i32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      const done = low & 0x40 ? rest === -1 : rest === 0;
      this.byte(done ? low : low | 0x80);
      if (done) return;
    }
  }

  /** Signed LEB128 of 64 bits, given as two words. */
  i64(lo: number, hi: number): void {
    let rest = BigInt.asIntN(64, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      const done = low & 0x40 ? rest === -1n : rest === 0n;
      this.byte(done ? low : low | 0x80);
      if (done) return;
    }
  }

  /** Four bytes, little-endian. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  name(text: string): void {
    const bytes = Buffer.from(text);
    this.u32(bytes.length);
    this.bytes(bytes);
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length >= CAPACITY) {
      this.flush();
      writeAt(this.fd, bytes, this.flushed);
      this.flushed += bytes.length;
      return;
    }
    if (this.used + bytes.length > CAPACITY) this.flush();
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  end(): void {
    this.flush();
  }

  private get position(): number {
    return this.flushed + this.used;
  }

  private flush(): void {
    writeAt(this.fd, this.buffer.subarray(0, this.used), this.flushed);
    this.flushed += this.used;
    this.used = 0;
  }
}
