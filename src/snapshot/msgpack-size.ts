/**
 * How much a msgpack document would be in memory, before it is decoded: a few bytes can announce arrays of millions of
 * elements, and each element of one byte becomes an object.
 *
 * Walks over the document once (msgpack spec, "Formats"): elements follow their array or map in order, so a count of those
 * announced is enough and nothing nests. Not a validator: the decoder is.
 */

/** Bytes behind the first one of the formats 0xc0 to 0xdf: where there is no length, or of the length (negative). */
const FIXED = [
  ...[0, 0, 0, 0, -1, -2, -4, -1, -2, -4, 4, 8, 1, 2, 4, 8], // nil, -, false, true, bin, ext, float, uint
  ...[1, 2, 4, 8, 2, 3, 5, 9, 17, -1, -2, -4, 0, 0, 0, 0], // int, fixext, str, array, map (below)
];
const EXT_FIRST = 0xc7;
const EXT_LAST = 0xc9;
const ARRAY_16 = 0xdc;

/** Elements, keys and values of all arrays and maps; Infinity for one that is cut off. */
export function announcedItems(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let items = 0;
  for (let at = 0; at < bytes.length; ) {
    const code = bytes[at++];
    if (code < 0x80 || code >= 0xe0) continue;
    if (code < 0x90) items += 2 * (code & 15);
    else if (code < 0xa0) items += code & 15;
    else if (code < 0xc0) at += code & 31;
    else {
      const fixed = code < ARRAY_16 ? FIXED[code - 0xc0] : code % 2 === 0 ? -2 : -4;
      if (fixed >= 0) at += fixed;
      else {
        if (at - fixed > bytes.length) return Infinity;
        const length = fixed === -1 ? bytes[at] : fixed === -2 ? view.getUint16(at) : view.getUint32(at);
        at -= fixed;
        if (code >= ARRAY_16) items += code < 0xde ? length : 2 * length;
        else at += length + (code >= EXT_FIRST && code <= EXT_LAST ? 1 : 0);
      }
    }
  }
  return items;
}
