/**
 * .wagsnap.names: a name per row of the function table, for backtraces.
 *
 *     u32 [rows + 1]   where each name starts in the bytes behind, the last: where they end
 *     UTF-8 bytes      empty for a function without a name
 */

import { damaged } from './site-lookup.js';

export class NameTable {
  private offsets: number[] = [];
  private text = new Uint8Array(4096);
  private length = 0;
  private readonly encoder = new TextEncoder();

  /** The next row's. */
  add(name: string): void {
    this.offsets.push(this.length);
    if (name === '') return;
    if (this.length + name.length * 3 > this.text.length) {
      const grown = new Uint8Array(Math.max(this.text.length * 2, this.length + name.length * 3));
      grown.set(this.text);
      this.text = grown;
    }
    this.length += this.encoder.encodeInto(name, this.text.subarray(this.length)).written;
  }

  encode(): Uint8Array {
    const head = (this.offsets.length + 1) * 4;
    const bytes = new Uint8Array(head + this.length);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.offsets.length; i++) view.setUint32(i * 4, this.offsets[i], true);
    view.setUint32(this.offsets.length * 4, this.length, true);
    bytes.set(this.text.subarray(0, this.length), head);
    return bytes;
  }
}

/** Gives the name of a row, '' when it has none. */
export function decodeNames(bytes: Uint8Array, rows: number): (row: number) => string {
  const head = (rows + 1) * 4;
  if (bytes.length < head) throw damaged('names are cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const decoder = new TextDecoder();
  return (row) => {
    if (!(row >= 0 && row < rows)) return '';
    const start = head + view.getUint32(row * 4, true);
    const end = head + view.getUint32(row * 4 + 4, true);
    if (end < start || end > bytes.length) throw damaged('names out of order');
    return decoder.decode(bytes.subarray(start, end));
  };
}
