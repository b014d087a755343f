/** A piece of a file as it is sent: compressed, where that is worth it. */

import { type Codec, pack } from './codec.js';
import type { Bytes, Packed } from './messages.js';

/** A piece that does not get smaller than this part of it is sent as it is. */
const WORTHWHILE = 15 / 16;

/** @param codec undefined: none */
export async function smaller(piece: Bytes, codec: Codec | undefined): Promise<Bytes | Packed> {
  if (codec === undefined) return piece;
  const { file, offset, data } = piece;
  const packed = await pack(codec, data);
  if (packed.length > data.length * WORTHWHILE) return piece;
  return { name: 'packed', file, offset, codec, length: data.length, data: packed };
}
