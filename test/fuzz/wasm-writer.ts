/** Writes the binary format: bytes, LEB128 numbers, sections. Core spec 5. */

export class WasmWriter {
  private buffer = new Uint8Array(1024);
  length = 0;
  private numbers = 1;

  /** @param padded some of the unsigned numbers become longer than they need to be */
  constructor(private readonly padded = false) {}

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  byte(...values: number[]): void {
    for (const value of values) this.push(value);
  }

  /** An opcode of the table: those above 0xff have a prefix. */
  op(code: number): void {
    if (code >= 0xfd000) {
      this.push(0xfd);
      this.u32(code - 0xfd000);
    } else if (code > 0xff) {
      this.push(code >> 8);
      this.u32(code & 0xff);
    } else this.push(code);
  }

  u32(value: number): void {
    let least = this.padded && value > 0 ? this.padding() : 1; // V8 wants the memory index 0 as one byte
    while (value > 0x7f || least > 1) {
      this.push((value & 0x7f) | 0x80);
      value = Math.floor(value / 128);
      least--;
    }
    this.push(value);
  }

  /** How many bytes a number has at least: 1 mostly, up to 5. */
  private padding(): number {
    this.numbers = (Math.imul(this.numbers, 0x2c9277b5) + 0x3039) | 0;
    return this.numbers >>> 27 === 0 ? 1 + ((this.numbers >>> 16) % 5) : 1;
  }

  signed(value: bigint): void {
    for (;;) {
      const bits = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && bits < 0x40) || (value === -1n && bits >= 0x40)) {
        this.push(bits);
        return;
      }
      this.push(bits | 0x80);
    }
  }

  /** Little-endian raw bits. */
  word(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.push((value >>> shift) & 0xff);
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.append(bytes);
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What `write` writes, its size in front. */
  sized(write: (to: WasmWriter) => void): void {
    const inner = new WasmWriter();
    write(inner);
    this.u32(inner.length);
    this.append(inner.bytes);
  }

  section(id: number, write: (to: WasmWriter) => void): void {
    this.push(id);
    this.sized(write);
  }

  /** A section that is a list; none when it is empty. */
  list<T>(id: number, items: readonly T[], write: (to: WasmWriter, item: T, index: number) => void): void {
    if (items.length === 0) return;
    this.section(id, (to) => {
      to.u32(items.length);
      items.forEach((item, index) => {
        write(to, item, index);
      });
    });
  }

  private push(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const grown = new Uint8Array((this.length + count) * 2);
    grown.set(this.buffer);
    this.buffer = grown;
  }
}
