/**
 * The initial bytes of DATA while they are filled in, and the list of words that hold pointers. Places are image
 * offsets.
 */

import { Column } from '../../image/tables/site-tables.js';

export class DataImage {
  readonly bytes: Uint8Array;
  /** Image offsets of the u64 words that start adds the load address to. */
  readonly relocations = new Column();
  private readonly view: DataView;

  constructor(
    readonly start: number,
    size: number,
  ) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at - this.start, value, true);
  }

  /** A number below 2^53. */
  u64(at: number, value: number): void {
    this.bits(at, value >>> 0, Math.floor(value / 0x100000000));
  }

  bits(at: number, lo: number, hi: number): void {
    this.view.setUint32(at - this.start, lo, true);
    this.view.setUint32(at - this.start + 4, hi, true);
  }

  /** A pointer to an image offset. */
  pointer(at: number, target: number): void {
    this.u64(at, target);
    this.relocations.push(at);
  }
}
