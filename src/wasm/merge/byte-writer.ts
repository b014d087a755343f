/** Writes the binary format: bytes and LEB128 numbers, into an array that grows. Core spec 5.2. */

const encoder = new TextEncoder();

export class ByteWriter {
  private buffer = new Uint8Array(1024);
  length = 0;

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** An unsigned LEB128 number of 53 bits at most. */
  unsigned(value: number): void {
    while (value > 0x7f) {
      this.byte((value % 128) | 0x80);
      value = Math.floor(value / 128);
    }
    this.byte(value);
  }

  /** A signed LEB128 number of 32 bits, or a heap type's 33. */
  signed(value: number): void {
    for (;;) {
      const bits = value & 0x7f;
      value = Math.floor(value / 128);
      if ((value === 0 && bits < 0x40) || (value === -1 && bits >= 0x40)) return this.byte(bits);
      this.byte(bits | 0x80);
    }
  }

  /** A signed LEB128 number of 64 bits. */
  signed64(lo: number, hi: number): void {
    let value = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
    for (;;) {
      const bits = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && bits < 0x40) || (value === -1n && bits >= 0x40)) return this.byte(bits);
      this.byte(bits | 0x80);
    }
  }

  /** The bits of an int32, little-endian. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  append(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.reserve(end - start);
    this.buffer.set(bytes.subarray(start, end), this.length);
    this.length += end - start;
  }

  name(text: string): void {
    const bytes = encoder.encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** What `write` writes, after its size. */
  sized(write: (to: ByteWriter) => void): void {
    const inner = new ByteWriter();
    write(inner);
    this.unsigned(inner.length);
    this.append(inner.bytes);
  }

  /** A section that is a list; none when it is empty. */
  list<T>(id: number, items: readonly T[], write: (to: ByteWriter, item: T, index: number) => void): void {
    if (items.length === 0) return;
    this.byte(id);
    this.sized((to) => {
      to.unsigned(items.length);
      for (const [index, item] of items.entries()) write(to, item, index);
    });
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array((this.length + count) * 2);
    grown.set(this.buffer);
    this.buffer = grown;
  }
}
