/**
 * A location in images whose tables have no version:
 *
 *     type << 28 | kind << 26 | payload       TYPE_*; after a constant its low and high word
 *
 * Kinds: 0 slot, 1 constant, 2 copy of a local, 3 register. Still read, but not written any more.
 */

import { ValType } from '../../wasm/module.js';
import { damaged } from './damaged.js';
import { constant, type Location, located, Place } from './frame-map.js';
import type { WordReader } from './table-words.js';
import { typeOfCode } from './type-codes.js';

const REGISTER_MAX = 63;

export function readLocationV1(words: WordReader): Location {
  const word = words.next();
  const type = typeOfCode(word >>> 28);
  const payload = word & 0x3ffffff;
  if (type === 0) throw damaged('a value has no type');
  switch ((word >>> 26) & 3) {
    case 0:
      return located(type, Place.Slot, payload);
    case 1:
      if (type === ValType.V128) throw damaged('a v128 is a constant');
      return constant(type, [words.next(), words.next()]);
    case 2:
      return located(type, Place.Local, payload);
    default:
      if (payload > REGISTER_MAX) throw damaged('a frame shape names an unknown register');
      return located(type, Place.Register, payload);
  }
}
