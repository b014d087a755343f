/**
 * Looks up rows in stored site tables: the decoder for what site-tables.ts writes, and for what was written before
 * (site-rows-v2.ts). Lookups are binary searches in words.
 *
 * Formats: image/contract/site-tables.ts FR_*, locals, sites, shapes, traps, pins. The bytes may come from a hostile
 * file: everything that is reached through an index is checked, and a contradiction throws InputError 'damaged-image'.
 *
 * A row is an index into the function table or the site table; -1 means none.
 */

import { FR_SIZE, FUNC_HOST, FUNC_TRAMPOLINE, SITE_ENTRY, TABLES_PACKED } from '../contract/site-tables.js';
import { damaged } from './damaged.js';
import { type FrameMap, frameMap, type LocalHome, type PinState } from './frame-map.js';
import { FrameMapDecoder } from './frame-map-decoder.js';
import { unpackRows } from './packed-rows.js';
import {
  BODY,
  END,
  FR_WORDS,
  FRAME,
  INDEX,
  INSTANCE,
  KIND,
  LOCAL_COUNT,
  LOCALS,
  LOST,
  REGISTERS,
  ROW_WORDS,
  SHAPE,
  START,
  TEXT,
  TRAP,
} from './site-columns.js';
import { rowsOfPins, rowsOfSites, rowsOfTraps } from './site-rows-v2.js';
import { tableWords } from './table-words.js';

/** A row of the function table. Text offsets count from TEXT; `frameSize` is in bytes, without the return address. */
export interface FunctionRow {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly instance: number;
  /** The function index; for a trampoline the type id. */
  readonly index: number;
  readonly frameSize: number;
  readonly kind: number; // FUNC_*
}

export interface SiteRow {
  readonly row: number;
  readonly textOffset: number; // of the safepoint; for calls the return address
  readonly bodyOffset: number;
  readonly kind: number; // SITE_*
  readonly shape: number; // for FrameMapDecoder
}

export interface TrapRow {
  readonly textOffset: number;
  readonly bodyOffset: number;
  readonly kind: number; // TRAP_*
}

export interface SiteSections {
  /** From 1 to TABLES_VERSION. */
  readonly version: number;
  readonly functions: Uint8Array;
  readonly locals: Uint8Array;
  readonly sites: Uint8Array;
  readonly shapes: Uint8Array;
  readonly traps: Uint8Array;
  readonly pins?: Uint8Array | undefined; // not in older images
}

export class SiteLookup {
  private readonly functions: Uint32Array;
  private readonly maps: FrameMapDecoder;
  private readonly sites: Uint32Array;
  private readonly traps: Uint32Array;
  private readonly pins: Uint32Array | undefined;
  private readonly siteCache = new Map<string, number>();
  private rowsByIndex: Map<number, number> | undefined;

  /** @param textSize size of text in bytes: no row may point beyond it */
  constructor(sections: SiteSections, textSize: number) {
    this.functions = tableWords(sections.functions, FR_SIZE, 'function table');
    this.maps = new FrameMapDecoder(sections.version, sections.locals, sections.shapes);
    const isPacked = sections.version >= TABLES_PACKED;
    this.sites = (isPacked ? unpackRows : rowsOfSites)(sections.sites, 'site table');
    this.traps = (isPacked ? unpackRows : rowsOfTraps)(sections.traps, 'trap table');
    this.pins = sections.pins && (isPacked ? unpackRows : rowsOfPins)(sections.pins, 'pin table');
    this.checkFunctions(textSize);
    checkAscending(this.sites, textSize, 'site table');
    checkAscending(this.traps, textSize, 'trap table');
    if (this.pins) checkAscending(this.pins, textSize, 'pin table');
  }

  get functionCount(): number {
    return this.functions.length / FR_WORDS;
  }

  get siteCount(): number {
    return this.sites.length / ROW_WORDS;
  }

  get trapCount(): number {
    return this.traps.length / ROW_WORDS;
  }

  function(row: number): FunctionRow {
    checkRow(row, this.functionCount, 'function');
    const f = this.functions;
    const at = row * FR_WORDS;
    return {
      row,
      start: f[at + START],
      end: f[at + END],
      instance: f[at + INSTANCE],
      index: f[at + INDEX],
      frameSize: f[at + FRAME],
      kind: f[at + KIND],
    };
  }

  /**
   * Row of the function whose text contains `textOffset`, or -1. Works for return addresses, too: a call is never a
   * function's last instruction, so its return address is inside the function.
   */
  functionAt(textOffset: number): number {
    const row = lastNotAbove(this.functions, FR_WORDS, textOffset);
    return row >= 0 && textOffset < this.functions[row * FR_WORDS + END] ? row : -1;
  }

  /**
   * Row of function `index` of an instance: its own code (FUNC_GUEST, FUNC_HOST) or, for an import, its thunk. -1:
   * none.
   */
  functionRow(instance: number, index: number): number {
    if (this.rowsByIndex === undefined) {
      this.rowsByIndex = new Map();
      const f = this.functions;
      for (let at = 0; at < f.length; at += FR_WORDS) {
        if (f[at + KIND] > FUNC_HOST) continue; // a stub or a trampoline does not belong to a module's function
        this.rowsByIndex.set(f[at + INSTANCE] * 0x100000000 + f[at + INDEX], at / FR_WORDS);
      }
    }
    return this.rowsByIndex.get(instance * 0x100000000 + index) ?? -1;
  }

  site(row: number): SiteRow {
    checkRow(row, this.siteCount, 'site');
    const at = row * ROW_WORDS;
    const s = this.sites;
    return {
      row,
      textOffset: s[at + TEXT],
      bodyOffset: s[at + BODY],
      kind: s[at + SHAPE] & 3,
      shape: s[at + SHAPE] >>> 2,
    };
  }

  /** Row of the site at exactly `textOffset` (a return address, a loop header, an entry), or -1. */
  siteAt(textOffset: number): number {
    const row = lastNotAbove(this.sites, ROW_WORDS, textOffset);
    return row >= 0 && this.sites[row * ROW_WORDS] === textOffset ? row : -1;
  }

  /** Row of the site that a snapshot names, or -1. */
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
      first: lastNotAbove(this.sites, ROW_WORDS, start - 1) + 1,
      end: lastNotAbove(this.sites, ROW_WORDS, end - 1) + 1,
    };
  }

  /** Number of parameters and locals of a function, for a check before they are decoded. */
  localCount(functionRow: number): number {
    checkRow(functionRow, this.functionCount, 'function');
    return this.functions[functionRow * FR_WORDS + LOCAL_COUNT];
  }

  /** Number of operands and results of a site, for a check before they are decoded. */
  valueCount({ shape }: SiteRow): number {
    return this.maps.valueCount(shape);
  }

  /** Homes of all parameters and locals of a function, valid after its prologue. */
  homes(functionRow: number): LocalHome[] {
    checkRow(functionRow, this.functionCount, 'function');
    const at = functionRow * FR_WORDS;
    return this.maps.homes(this.functions[at + LOCALS], this.functions[at + LOCAL_COUNT]);
  }

  /** The locations of a frame's values at one of its function's sites. */
  frameMap(functionRow: number, site: SiteRow): FrameMap {
    const homes = site.kind === SITE_ENTRY ? [] : this.homes(functionRow);
    return frameMap(site.kind, homes, this.maps.shape(site.shape, homes.length));
  }

  trap(row: number): TrapRow {
    checkRow(row, this.trapCount, 'trap');
    const at = row * ROW_WORDS;
    return { textOffset: this.traps[at], bodyOffset: this.traps[at + BODY], kind: this.traps[at + TRAP] };
  }

  /** The trap site at exactly `textOffset`, or undefined. */
  trapAt(textOffset: number): TrapRow | undefined {
    const row = lastNotAbove(this.traps, ROW_WORDS, textOffset);
    return row >= 0 && this.traps[row * ROW_WORDS] === textOffset ? this.trap(row) : undefined;
  }

  /**
   * The pins of locals at a trap site; undefined when there is no site at `textOffset`, or the image does not say.
   */
  pinsAt(textOffset: number): PinState | undefined {
    const { pins } = this;
    const functionRow = this.functionAt(textOffset);
    if (pins === undefined || functionRow < 0 || this.trapAt(textOffset) === undefined) return undefined;
    const at = lastNotAbove(pins, ROW_WORDS, textOffset) * ROW_WORDS;
    if (at < 0 || pins[at] < this.function(functionRow).start) return { registers: 0, lost: 0 };
    return { registers: pins[at + REGISTERS], lost: pins[at + LOST] };
  }

  private findSite(instance: number, index: number, bodyOffset: number, kind: number): number {
    const functionRow = this.functionRow(instance, index);
    if (functionRow < 0) return -1;
    const { first, end } = this.sitesOf(functionRow);
    for (let row = first; row < end; row++) {
      const at = row * ROW_WORDS;
      if (this.sites[at + BODY] === bodyOffset && (this.sites[at + SHAPE] & 3) === kind) return row;
    }
    return -1;
  }

  private checkFunctions(textSize: number): void {
    const f = this.functions;
    let previousEnd = 0;
    for (let at = 0; at < f.length; at += FR_WORDS) {
      const start = f[at + START];
      const end = f[at + END];
      if (start < previousEnd || end < start || end > textSize) throw damaged('function table out of order');
      previousEnd = end;
      if (f[at + FRAME] % 8 !== 0) throw damaged('odd frame size');
      if (f[at + LOCALS] + f[at + LOCAL_COUNT] > this.maps.localCount) throw damaged('locals out of range');
      if (f[at + KIND] > FUNC_TRAMPOLINE) throw damaged('unknown kind of function');
    }
  }
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

function checkAscending(table: Uint32Array, limit: number, what: string): void {
  let previous = -1;
  for (let at = 0; at < table.length; at += ROW_WORDS) {
    if (table[at] <= previous || table[at] > limit) throw damaged(`${what} out of order`);
    previous = table[at];
  }
}

function checkRow(row: number, count: number, what: string): void {
  if (!(Number.isInteger(row) && row >= 0 && row < count)) throw damaged(`no ${what} ${row}`);
}
