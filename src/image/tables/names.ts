/**
 * .wagsnap.names: a name for each row of the function table, for backtraces.
 *
 *     u32 [rows + 1]   start of each name in the bytes that follow; the last one is the end
 *     UTF-8 bytes      empty for a function without a name
 */

import { damaged } from './damaged.js';

export function encodeNames(names: readonly string[]): Uint8Array {
  const head = (names.length + 1) * 4;
  const text = Buffer.from(names.join(''));
  const bytes = new Uint8Array(head + text.length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  names.forEach((name, row) => {
    view.setUint32(row * 4, offset, true);
    offset += Buffer.byteLength(name);
  });
  view.setUint32(names.length * 4, offset, true);
  bytes.set(text, head);
  return bytes;
}

/** Returns a function that gives the name of a row, '' when it has none. */
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
