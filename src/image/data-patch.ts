/**
 * The initial bytes of an existing image's DATA, to be changed by restore: globals, dropped segments, the resume plan.
 * Keeps track of the words that are pointers. Places are image offsets.
 */

import { RT_BASE_RELOC_COUNT, RT_BASE_RELOCS } from './contract/runtime-block.js';
import type { ImageDescription } from './reader.js';
import { damaged } from './tables/damaged.js';

export class DataPatch {
  readonly start: number;
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  /** For each word of 8 bytes whether it is a pointer. */
  private readonly pointers: Uint8Array;

  constructor(image: ImageDescription) {
    this.start = image.identity.data.imageOffset;
    this.bytes = image.initialData();
    this.view = new DataView(this.bytes.buffer);
    const count = this.number(this.start + RT_BASE_RELOC_COUNT);
    const list = image.loadedBytes(this.number(this.start + RT_BASE_RELOCS), count * 4);
    this.pointers = new Uint8Array(this.bytes.length >>> 3);
    for (const at of new Uint32Array(list.slice().buffer)) {
      const offset = at - this.start;
      if (offset < 0 || offset + 8 > this.bytes.length || offset % 8 !== 0)
        throw damaged('a relocation is no word of DATA');
      this.pointers[offset >>> 3] = 1;
    }
  }

  /** A u64 below 2^53. */
  number(at: number): number {
    const high = this.view.getUint32(at - this.start + 4, true);
    if (high >= 0x200000) throw damaged('a number is too large');
    return high * 0x100000000 + this.view.getUint32(at - this.start, true);
  }

  /** 32 bits. */
  word(at: number): number {
    return this.view.getUint32(at - this.start, true);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at - this.start, value, true);
  }

  /** A u64 that is not a pointer, or is a null pointer. */
  bits(at: number, lo: number, hi: number): void {
    this.pointers[(at - this.start) >>> 3] = 0;
    this.view.setUint32(at - this.start, lo, true);
    this.view.setUint32(at - this.start + 4, hi, true);
  }

  u64(at: number, value: number): void {
    this.bits(at, value >>> 0, Math.floor(value / 0x100000000));
  }

  /** A pointer to an image offset. */
  pointer(at: number, target: number): void {
    this.u64(at, target);
    this.pointers[(at - this.start) >>> 3] = 1;
  }

  /** Image offsets of all words that hold pointers. */
  relocations(): Uint32Array {
    const found: number[] = [];
    for (let word = 0; word < this.pointers.length; word++) if (this.pointers[word]) found.push(this.start + word * 8);
    return Uint32Array.from(found);
  }
}
