/**
 * Decodes .wagsnap.locals and .wagsnap.shapes (image/contract/site-tables.ts), which site-tables.ts and
 * frame-map-encoder.ts write, and their form in older images (frame-map-v1.ts). frame-map.ts makes frame maps of the
 * result. The bytes may come from a hostile file: everything that is reached through an index is checked.
 */

import {
  LOCATION_CONST,
  LOCATION_DEAD,
  LOCATION_LOCAL,
  LOCATION_REG,
  LOCATION_SLOT,
  SHAPE_LOCALS,
} from '../contract/site-tables.js';
import { damaged } from './damaged.js';
import { constant, type LocalHome, type Location, located, Place, type StoredMap, wordsOf } from './frame-map.js';
import { readLocationV1 } from './frame-map-v1.js';
import { tableWords, WordReader } from './table-words.js';
import { typeOfCode } from './type-codes.js';

/** How many locations of decoded shapes are cached: consecutive shapes often share long beginnings. */
const CACHED_LOCATIONS = 1 << 20;
export const REGISTER_MAX = 63;

interface Header {
  readonly operandCount: number;
  readonly resultCount: number;
  /** The shape of the locals, or -1. */
  readonly locals: number;
  /** Index of the first word after it. */
  readonly end: number;
}

interface Shape {
  readonly operands: readonly Location[];
  readonly results: readonly Location[];
}

export class FrameMapDecoder {
  private readonly localWords: Uint32Array;
  private readonly words: Uint32Array;
  private readonly readLocation: (words: WordReader) => Location;
  private readonly cache = new Map<number, Shape>();
  private cachedLocations = 0;

  /** @param version of the tables: 1 or TABLES_VERSION */
  constructor(
    private readonly version: number,
    locals: Uint8Array,
    shapes: Uint8Array,
  ) {
    this.localWords = tableWords(locals, 4, 'locals');
    this.words = tableWords(shapes, 4, 'shapes');
    this.readLocation = version === 1 ? readLocationV1 : readLocation;
  }

  /** The number of locals in all lists together. */
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

  /** The numbers of operands and results of a shape, for a check before they are decoded. */
  valueCount(index: number): number {
    const { operandCount, resultCount } = this.header(index);
    return operandCount + resultCount;
  }

  /** @param localCount the function's number of locals, which a shape that places locals must match */
  shape(index: number, localCount: number): StoredMap {
    const { locals } = this.header(index);
    if (locals < 0) return { locals: undefined, ...this.cached(index) };
    if (locals >= index) throw damaged('a frame shape refers to no other');
    const own = this.header(locals);
    if (own.resultCount > 0 || own.locals >= 0) throw damaged('a frame shape of locals has more than locals');
    if (own.operandCount !== localCount) throw damaged('the locals of a site are not those of its function');
    return { ...this.cached(index), locals: this.cached(locals).operands };
  }

  private cached(index: number): Shape {
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

  private header(index: number): Header {
    const { words } = this;
    if (index + 2 > words.length) throw damaged('a frame shape is cut off');
    const [operandCount, second] = [words[index], words[index + 1]];
    const hasLocals = this.version > 1 && second >= SHAPE_LOCALS;
    if (hasLocals && index + 3 > words.length) throw damaged('a frame shape is cut off');
    return {
      operandCount,
      resultCount: hasLocals ? second - SHAPE_LOCALS : second,
      locals: hasLocals ? words[index + 2] : -1,
      end: index + (hasLocals ? 3 : 2),
    };
  }

  /** A shape may begin as an earlier one in the section does, and that one likewise. */
  private decode(start: number): Shape {
    const { words: w, readLocation } = this;
    const { operandCount, resultCount } = this.header(start);
    if (operandCount > w.length) throw damaged('a frame shape is cut off');
    const operands: Location[] = new Array(operandCount);
    const results: Location[] = [];
    let wanted = operandCount;
    let budget = w.length; // no shape is longer than all of them together
    for (let from = start; ; ) {
      const { operandCount: count, resultCount: resultsHere, end } = this.header(from);
      if (!(count <= w.length && resultsHere <= w.length - end && wanted <= count)) {
        throw damaged('a frame shape is cut off');
      }
      const refers = count > 0 && w[end] >>> 28 === 0;
      const kept = refers ? w[end + 1] : 0;
      if (refers && !(kept <= count && w[end] < from)) throw damaged('a frame shape refers to no other');
      const words = new WordReader(w, end + (refers ? 2 : 0), 'a frame shape');
      for (let i = kept; i < count && (i < wanted || from === start); i++) {
        if (budget-- === 0) throw damaged('a frame shape is too long');
        operands[i] = readLocation(words);
      }
      if (from === start) for (let i = 0; i < resultCount; i++) results.push(readLocation(words));
      if (!refers) return { operands, results };
      wanted = Math.min(wanted, kept);
      from = w[end];
    }
  }
}

function readLocation(words: WordReader): Location {
  const word = words.next();
  const type = typeOfCode(word >>> 28);
  const payload = word & 0x1ffffff;
  if (type === 0) throw damaged('a value has no type');
  switch ((word >>> 25) & 7) {
    case LOCATION_SLOT:
      return located(type, Place.Slot, payload);
    case LOCATION_CONST:
      if (payload !== 0) break;
      return constant(
        type,
        Array.from({ length: wordsOf(type) }, () => words.next()),
      );
    case LOCATION_LOCAL:
      return located(type, Place.Local, payload);
    case LOCATION_REG:
      if (payload > REGISTER_MAX) throw damaged('a frame shape names an unknown register');
      return located(type, Place.Register, payload);
    case LOCATION_DEAD:
      if (payload !== 0) break;
      return located(type, Place.Dead);
  }
  throw damaged('a frame shape has a location of an unknown form');
}
