/**
 * Frame maps at rest: .wagsnap.locals and .wagsnap.shapes (image/contract/site-tables.ts), what frame-map.ts makes maps
 * of. The bytes may come from a hostile file: everything that is reached through an index is checked.
 */

import { damaged } from './damaged.js';
import type { LocalHome, Location, StoredMap } from './frame-map.js';
import { readLocationV1 } from './frame-map-v1.js';
import { tableWords, WordReader } from './table-words.js';
import { typeOfCode } from './type-codes.js';

/**
 * Operands and results that decoded shapes are kept of, to be asked for again: shapes that begin alike are long
 * together.
 */
const CACHED_LOCATIONS = 1 << 20;

export class FrameMapDecoder {
  private readonly localWords: Uint32Array;
  private readonly shapeWords: Uint32Array;
  private readonly cache = new Map<number, StoredMap>();
  private cachedLocations = 0;

  constructor(locals: Uint8Array, shapes: Uint8Array) {
    this.localWords = tableWords(locals, 4, 'locals');
    this.shapeWords = tableWords(shapes, 4, 'shapes');
  }

  /** How many locals all lists have together. */
  get localCount(): number {
    return this.localWords.length;
  }

  homes(first: number, count: number): LocalHome[] {
    const homes: LocalHome[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const word = this.localWords[first + i];
      const type = typeOfCode(word >>> 28);
      if (type === 0) throw damaged('a local has no type');
      homes[i] = { type, reg: (word >>> 20) & 255, slot: word & 0xfffff };
    }
    return homes;
  }

  /** Operands and results of a shape: to know before they are looked at. */
  valueCount(shape: number): number {
    if (shape + 2 > this.shapeWords.length) throw damaged('a frame shape is cut off');
    return this.shapeWords[shape] + this.shapeWords[shape + 1];
  }

  shape(index: number): StoredMap {
    let shape = this.cache.get(index);
    if (shape === undefined) {
      shape = this.decode(index);
      this.cachedLocations += shape.operands.length + shape.results.length;
      if (this.cachedLocations > CACHED_LOCATIONS) {
        this.cache.clear();
        this.cachedLocations = 0;
      }
      this.cache.set(index, shape);
    }
    return shape;
  }

  /** A shape may begin as another one that comes before it in the section, which may likewise. */
  private decode(start: number): StoredMap {
    const w = this.shapeWords;
    if (start + 2 > w.length || w[start] > w.length) throw damaged('a frame shape is cut off');
    const operandCount = w[start];
    const resultCount = w[start + 1];
    const operands: Location[] = new Array(operandCount);
    const results: Location[] = [];
    let wanted = operandCount;
    let budget = w.length; // no shape is longer than all of them together
    for (let from = start; ; ) {
      const count = w[from];
      const left = w.length - from - 2;
      if (!(count <= w.length && w[from + 1] <= left && wanted <= count)) throw damaged('a frame shape is cut off');
      const refers = count > 0 && w[from + 2] >>> 28 === 0;
      const kept = refers ? w[from + 3] : 0;
      if (refers && !(kept <= count && w[from + 2] < from)) throw damaged('a frame shape refers to no other');
      const words = new WordReader(w, from + (refers ? 4 : 2), 'a frame shape');
      for (let i = kept; i < count && (i < wanted || from === start); i++) {
        if (budget-- === 0) throw damaged('a frame shape is too long');
        operands[i] = readLocationV1(words);
      }
      if (from === start) for (let i = 0; i < resultCount; i++) results.push(readLocationV1(words));
      if (!refers) return { locals: undefined, operands, results };
      wanted = Math.min(wanted, kept);
      from = w[from + 2];
    }
  }
}
