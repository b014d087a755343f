/** The words of a section of an image that is a list of u32. */

import { damaged } from './damaged.js';

/** @param unit bytes of a row @param what for the error */
export function tableWords(bytes: Uint8Array, unit: number, what: string): Uint32Array {
  if (bytes.length % unit !== 0) throw damaged(`${what} of odd size`);
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}

/** Reads words one after the other. */
export class WordReader {
  /** @param what is cut off when there are too few, for the error */
  constructor(
    private readonly words: Uint32Array,
    private at: number,
    private readonly what: string,
  ) {}

  next(): number {
    if (this.at >= this.words.length) throw damaged(`${this.what} is cut off`);
    return this.words[this.at++];
  }
}
