/**
 * The site tables at rest: the decoder of what site-tables.ts writes. Lookups are binary searches over the sections'
 * own words; nothing is unpacked before it is asked for.
 *
 * Formats: image/contract/site-tables.ts FR_*, locals, SR_*, shapes, TS_*, TP_*. The bytes may come from a hostile
 * file: everything that is reached through an index is checked, a contradiction throws InputError 'damaged-image'.
 *
 * A row is an index into the function table or the site table. -1 says that there is none.
 */

import { InputError } from '../../base/errors.js';
import {
  FR_SIZE,
  NO_LOCAL_REG,
  OPERAND_CONST,
  OPERAND_LOCAL,
  OPERAND_REG,
  OPERAND_SLOT,
  SR_SIZE,
  TP_SIZE,
  TS_SIZE,
} from '../contract/site-tables.js';

const FR_WORDS = FR_SIZE / 4;
const SR_WORDS = SR_SIZE / 4;
const TS_WORDS = TS_SIZE / 4;
const TP_WORDS = TP_SIZE / 4;

/**
 * Operands and results that decoded shapes are kept of, to be asked for again: shapes that begin alike are long
 * together.
 */
const CACHED_LOCATIONS = 1 << 20;

/** A row of the function table. Text offsets count from TEXT; `frameSize` is in bytes, without the return address. */
export interface FunctionRow {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly instance: number;
  /** Function index; of a trampoline: the type id. */
  readonly index: number;
  readonly frameSize: number;
  readonly kind: number; // FUNC_*
}

export interface SiteRow {
  readonly row: number;
  readonly textOffset: number; // of the safepoint; for calls the return address
  readonly bodyOffset: number;
  readonly kind: number; // SITE_*
  readonly shape: number; // for SiteLookup.shape
}

/** Where a local lives behind the prologue. */
export interface LocalHome {
  readonly type: number; // TYPE_*
  readonly reg: number; // NO_LOCAL_REG for none: then its value is in its slot
  readonly slot: number; // in units of 8 bytes from sp
}

/** Where an operand or a result is at a site; which of the fields behind `kind` counts depends on it. */
export interface Location {
  readonly type: number; // TYPE_*
  readonly kind: number; // OPERAND_*
  readonly slot: number; // OPERAND_SLOT: in units of 8 bytes from sp
  readonly local: number; // OPERAND_LOCAL: the same value as this local
  readonly reg: number; // OPERAND_REG
  readonly lo: number; // OPERAND_CONST: raw bits, uint32
  readonly hi: number;
}

export interface Shape {
  readonly operands: readonly Location[];
  readonly results: readonly Location[];
}

export interface TrapRow {
  readonly textOffset: number;
  readonly bodyOffset: number;
  readonly kind: number; // TRAP_*
}

export interface SiteSections {
  readonly functions: Uint8Array;
  readonly locals: Uint8Array;
  readonly sites: Uint8Array;
  readonly shapes: Uint8Array;
  readonly traps: Uint8Array;
  readonly pins?: Uint8Array | undefined;
}

/** Where the locals that have a register are: bit i is the i-th of them. What is in neither mask is in its slot. */
export interface PinState {
  readonly registers: number;
  readonly lost: number;
}

export class SiteLookup {
  private readonly functions: Uint32Array;
  private readonly localWords: Uint32Array;
  private readonly sites: Uint32Array;
  private readonly shapeWords: Uint32Array;
  private readonly traps: Uint32Array;
  private readonly pins: Uint32Array | undefined;
  private readonly shapeCache = new Map<number, Shape>();
  private cachedLocations = 0;
  private readonly siteCache = new Map<string, number>();
  private rowsByIndex: Map<number, number> | undefined;

  /** @param textSize bytes of text: no row may point beyond it */
  constructor(sections: SiteSections, textSize: number) {
    this.functions = words(sections.functions, FR_SIZE, 'function table');
    this.localWords = words(sections.locals, 4, 'locals');
    this.sites = words(sections.sites, SR_SIZE, 'site table');
    this.shapeWords = words(sections.shapes, 4, 'shapes');
    this.traps = words(sections.traps, TS_SIZE, 'trap table');
    this.pins = sections.pins && words(sections.pins, TP_SIZE, 'pin table');
    this.checkFunctions(textSize);
    checkAscending(this.sites, SR_WORDS, textSize, 'site table');
    checkAscending(this.traps, TS_WORDS, textSize, 'trap table');
    if (this.pins) checkAscending(this.pins, TP_WORDS, textSize, 'pin table');
  }

  get functionCount(): number {
    return this.functions.length / FR_WORDS;
  }

  get siteCount(): number {
    return this.sites.length / SR_WORDS;
  }

  get trapCount(): number {
    return this.traps.length / TS_WORDS;
  }

  function(row: number): FunctionRow {
    checkRow(row, this.functionCount, 'function');
    const f = this.functions;
    const at = row * FR_WORDS;
    return {
      row,
      start: f[at],
      end: f[at + 1],
      instance: f[at + 2],
      index: f[at + 3],
      frameSize: f[at + 4],
      kind: f[at + 7],
    };
  }

  /**
   * Row of the function whose text has `textOffset`, or -1. For a return address pass it as it is: a call is never a
   * function's last instruction, so it lies inside.
   */
  functionAt(textOffset: number): number {
    const row = lastNotAbove(this.functions, FR_WORDS, textOffset);
    return row >= 0 && textOffset < this.functions[row * FR_WORDS + 1] ? row : -1;
  }

  /**
   * Row of function `index` of an instance, or -1: its own code (FUNC_GUEST, FUNC_HOST) or, of an import, its thunk.
   */
  functionRow(instance: number, index: number): number {
    if (this.rowsByIndex === undefined) {
      this.rowsByIndex = new Map();
      const f = this.functions;
      for (let at = 0; at < f.length; at += FR_WORDS) {
        if (f[at + 7] <= 2) this.rowsByIndex.set(f[at + 2] * 0x100000000 + f[at + 3], at / FR_WORDS);
      }
    }
    return this.rowsByIndex.get(instance * 0x100000000 + index) ?? -1;
  }

  site(row: number): SiteRow {
    checkRow(row, this.siteCount, 'site');
    const at = row * SR_WORDS;
    const s = this.sites;
    return {
      row,
      textOffset: s[at],
      bodyOffset: s[at + 1],
      kind: s[at + 2] >>> 30,
      shape: s[at + 2] & 0x3fffffff,
    };
  }

  /** Row of the site at exactly `textOffset` (a return address, a loop header, an entry), or -1. */
  siteAt(textOffset: number): number {
    const row = lastNotAbove(this.sites, SR_WORDS, textOffset);
    return row >= 0 && this.sites[row * SR_WORDS] === textOffset ? row : -1;
  }

  /** Row of the site that a portable snapshot names, or -1. */
  siteFor(instance: number, index: number, bodyOffset: number, kind: number): number {
    const key = `${instance},${index},${bodyOffset},${kind}`;
    let row = this.siteCache.get(key);
    if (row === undefined) this.siteCache.set(key, (row = this.findSite(instance, index, bodyOffset, kind)));
    return row;
  }

  /** Rows [first, end) of the sites of a function. */
  sitesOf(functionRow: number): { first: number; end: number } {
    const { start, end } = this.function(functionRow);
    return {
      first: lastNotAbove(this.sites, SR_WORDS, start - 1) + 1,
      end: lastNotAbove(this.sites, SR_WORDS, end - 1) + 1,
    };
  }

  /** How many parameters and locals a function has: to know before they are looked at. */
  localCount(functionRow: number): number {
    checkRow(functionRow, this.functionCount, 'function');
    return this.functions[functionRow * FR_WORDS + 6];
  }

  /** How many operands and results the frame shape of a site has, likewise. */
  valueCount({ shape }: SiteRow): number {
    if (shape + 2 > this.shapeWords.length) throw damaged('a frame shape is cut off');
    return this.shapeWords[shape] + this.shapeWords[shape + 1];
  }

  /** Homes of all parameters and locals of a function, valid behind its prologue. */
  locals(functionRow: number): LocalHome[] {
    checkRow(functionRow, this.functionCount, 'function');
    const first = this.functions[functionRow * FR_WORDS + 5];
    const count = this.functions[functionRow * FR_WORDS + 6];
    const homes: LocalHome[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const word = this.localWords[first + i];
      homes[i] = { type: word >>> 28, reg: (word >>> 20) & 255, slot: word & 0xfffff };
    }
    return homes;
  }

  /** The frame shape of a site. */
  shape(site: SiteRow): Shape {
    let shape = this.shapeCache.get(site.shape);
    if (shape === undefined) {
      shape = this.decodeShape(site.shape);
      this.cachedLocations += shape.operands.length + shape.results.length;
      if (this.cachedLocations > CACHED_LOCATIONS) {
        this.shapeCache.clear();
        this.cachedLocations = 0;
      }
      this.shapeCache.set(site.shape, shape);
    }
    return shape;
  }

  trap(row: number): TrapRow {
    checkRow(row, this.trapCount, 'trap');
    const word = this.traps[row * TS_WORDS + 1];
    return { textOffset: this.traps[row * TS_WORDS], bodyOffset: word & 0x7ffffff, kind: word >>> 27 };
  }

  /** The instruction at exactly `textOffset` that can trap, or undefined. */
  trapAt(textOffset: number): TrapRow | undefined {
    const row = lastNotAbove(this.traps, TS_WORDS, textOffset);
    return row >= 0 && this.traps[row * TS_WORDS] === textOffset ? this.trap(row) : undefined;
  }

  /**
   * Where pinned locals are at a trap site; undefined when there is none at `textOffset`, or the image does not say.
   */
  pinsAt(textOffset: number): PinState | undefined {
    const { pins } = this;
    const functionRow = this.functionAt(textOffset);
    if (pins === undefined || functionRow < 0 || this.trapAt(textOffset) === undefined) return undefined;
    const at = lastNotAbove(pins, TP_WORDS, textOffset) * TP_WORDS;
    if (at < 0 || pins[at] < this.function(functionRow).start) return { registers: 0, lost: 0 };
    return { registers: pins[at + 1], lost: pins[at + 2] };
  }

  private findSite(instance: number, index: number, bodyOffset: number, kind: number): number {
    const functionRow = this.functionRow(instance, index);
    if (functionRow < 0) return -1;
    const { first, end } = this.sitesOf(functionRow);
    for (let row = first; row < end; row++) {
      const at = row * SR_WORDS;
      if (this.sites[at + 1] === bodyOffset && this.sites[at + 2] >>> 30 === kind) return row;
    }
    return -1;
  }

  /** A shape may begin as another one that comes before it in the section, which may likewise. */
  private decodeShape(start: number): Shape {
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
      const locations = new LocationReader(w, from + (refers ? 4 : 2));
      for (let i = kept; i < count && (i < wanted || from === start); i++) {
        if (budget-- === 0) throw damaged('a frame shape is too long');
        operands[i] = locations.next();
      }
      if (from === start) for (let i = 0; i < resultCount; i++) results.push(locations.next());
      if (!refers) return { operands, results };
      wanted = Math.min(wanted, kept);
      from = w[from + 2];
    }
  }

  private checkFunctions(textSize: number): void {
    const f = this.functions;
    let previousEnd = 0;
    for (let at = 0; at < f.length; at += FR_WORDS) {
      if (f[at] < previousEnd || f[at + 1] < f[at] || f[at + 1] > textSize)
        throw damaged('function table out of order');
      previousEnd = f[at + 1];
      if (f[at + 4] % 8 !== 0) throw damaged('odd frame size');
      if (f[at + 5] + f[at + 6] > this.localWords.length) throw damaged('locals out of range');
      if (f[at + 7] > 4) throw damaged('unknown kind of function');
    }
  }
}

/** Reads locations one after the other. */
class LocationReader {
  constructor(
    private readonly words: Uint32Array,
    private at: number,
  ) {}

  next(): Location {
    const { words: w } = this;
    if (this.at >= w.length) throw damaged('a frame shape is cut off');
    const word = w[this.at++];
    const kind = (word >>> 26) & 3;
    const payload = word & 0x3ffffff;
    const location = { type: word >>> 28, kind, slot: 0, local: 0, reg: NO_LOCAL_REG, lo: 0, hi: 0 };
    if (kind === OPERAND_SLOT) location.slot = payload;
    else if (kind === OPERAND_LOCAL) location.local = payload;
    else if (kind === OPERAND_REG) {
      if (payload > 63) throw damaged('a frame shape names an unknown register');
      location.reg = payload;
    } else if (kind === OPERAND_CONST) {
      if (this.at + 2 > w.length) throw damaged('a frame shape is cut off');
      location.lo = w[this.at++];
      location.hi = w[this.at++];
    }
    return location;
  }
}

function words(bytes: Uint8Array, unit: number, what: string): Uint32Array {
  if (bytes.length % unit !== 0) throw damaged(`${what} of odd size`);
  const copy = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(copy.buffer, copy.byteOffset, copy.length / 4);
}

/** The last row whose first word is <= value, or -1. */
function lastNotAbove(table: Uint32Array, rowWords: number, value: number): number {
  let low = 0;
  let high = table.length / rowWords;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (table[middle * rowWords] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function checkAscending(table: Uint32Array, rowWords: number, limit: number, what: string): void {
  let previous = -1;
  for (let at = 0; at < table.length; at += rowWords) {
    if (table[at] <= previous || table[at] > limit) throw damaged(`${what} out of order`);
    previous = table[at];
  }
}

function checkRow(row: number, count: number, what: string): void {
  if (!(Number.isInteger(row) && row >= 0 && row < count)) throw damaged(`no ${what} ${row}`);
}

export function damaged(detail: string): InputError {
  return new InputError('damaged-image', `damaged image: ${detail}`);
}
