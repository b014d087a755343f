/** The words of a section that is a list of u32. */

import { damaged } from './damaged.js';

/** @param unit size of a row in bytes @param what names the section, for the error */
export function tableWords(bytes: Uint8Array, unit: number, what: string): Uint32Array {
  if (bytes.length % unit !== 0) throw damaged(`${what} of odd size`);
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}

/** Reads words one after the other. */
export class WordReader {
  /** @param what names what is cut off when there are too few words, for the error */
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
