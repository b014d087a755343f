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
  private readonly relocated: Set<number>;

  constructor(image: ImageDescription) {
    this.start = image.identity.data.imageOffset;
    this.bytes = image.initialData();
    this.view = new DataView(this.bytes.buffer);
    const count = this.number(this.start + RT_BASE_RELOC_COUNT);
    const list = image.loadedBytes(this.number(this.start + RT_BASE_RELOCS), count * 4);
    this.relocated = new Set(new Uint32Array(list.slice().buffer));
    for (const at of this.relocated) {
      if (at < this.start || at + 8 > this.start + this.bytes.length)
        throw damaged('a relocation lies outside of DATA');
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
    this.relocated.delete(at);
    this.view.setUint32(at - this.start, lo, true);
    this.view.setUint32(at - this.start + 4, hi, true);
  }

  u64(at: number, value: number): void {
    this.bits(at, value >>> 0, Math.floor(value / 0x100000000));
  }

  /** A pointer to an image offset. */
  pointer(at: number, target: number): void {
    this.u64(at, target);
    this.relocated.add(at);
  }

  /** Image offsets of all words that hold pointers. */
  relocations(): Uint32Array {
    return Uint32Array.from(this.relocated);
  }
}
