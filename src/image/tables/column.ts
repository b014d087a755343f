/** A growing column of u32. */

import { LimitError } from '../../base/errors.js';

export class Column {
  words = new Uint32Array(1024);
  length = 0;

  /** @param limit the most words; more is a LimitError */
  constructor(private readonly limit = Infinity) {}

  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.words.length) return;
    if (needed > this.limit) {
      throw new LimitError(
        'table-size',
        `the module's site tables have more than ${this.limit} words, far more than a module of its size should need`,
      );
    }
    const grown = new Uint32Array(Math.max(this.words.length * 2, needed));
    grown.set(this.words);
    this.words = grown;
  }

  push(word: number): void {
    if (this.length === this.words.length) this.reserve(1);
    this.words[this.length++] = word;
  }

  /** Appends words [start, end) of another column. */
  append(from: Column, start: number, end: number): void {
    this.appendWords(from.words, start, end);
  }

  appendWords(words: Uint32Array, start: number, end: number): void {
    this.reserve(end - start);
    this.words.set(words.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** Whether `count` more words are within the limit. */
  hasRoom(count: number): boolean {
    return this.length + count <= this.limit;
  }

  /** A copy of the words. */
  copy(): Uint32Array<ArrayBuffer> {
    return this.words.slice(0, this.length) as Uint32Array<ArrayBuffer>;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, this.length * 4);
  }
}
