/**
 * Collects the site tables while code is generated: growing columns (image/contract/site-tables.ts FR_*, locals, sites,
 * traps, pins; shapes: frame-map-encoder.ts). Text offsets must ascend. Functions with equal locals share them.
 *
 *     beginFunction, local*, { shapes.begin, a location for each operand and result, site }*, endFunction
 *
 * Tables of functions that were compiled elsewhere, for text from offset 0, are appended as they are (SiteRows).
 */

import type { ValType } from '../../wasm/module.js';
import { FUNC_GUEST, TABLES_VERSION } from '../contract/site-tables.js';
import { Column } from './column.js';
import { FrameMapEncoder, type ShapeLog } from './frame-map-encoder.js';
import { RowPacker } from './packed-rows.js';
import { END, FR_WORDS, FRAME, INDEX, INSTANCE, KIND, LOCAL_COUNT, LOCALS, ROW_WORDS, SHAPE } from './site-columns.js';
import type { SiteSections } from './site-lookup.js';
import { typeCode } from './type-codes.js';
import { hashWords, WordLists } from './word-lists.js';

export { Column };

/** The rows of some functions, to be appended to other tables. */
export interface SiteRows {
  readonly functions: Uint32Array<ArrayBuffer>;
  readonly locals: Uint32Array<ArrayBuffer>;
  readonly sites: Uint32Array<ArrayBuffer>;
  readonly traps: Uint32Array<ArrayBuffer>;
  readonly pins: Uint32Array<ArrayBuffer>;
  readonly shapes: ShapeLog;
}

export class SiteTables {
  readonly functions = new Column();
  readonly locals: Column;
  readonly sites = new Column();
  readonly shapes: FrameMapEncoder;
  readonly traps = new Column();
  readonly pins = new Column();
  private readonly knownLocals = new WordLists();
  private functionStart = 0;

  /**
   * @param limit the most words of locals, and of shapes
   * @param effort the most words of shapes that may be described, equal ones included
   */
  constructor(
    readonly limit = Infinity,
    readonly effort = Infinity,
  ) {
    this.locals = new Column(limit);
    this.shapes = new FrameMapEncoder(limit, effort);
  }

  get functionCount(): number {
    return this.functions.length / FR_WORDS;
  }

  beginFunction(textOffset: number, instance: number, funcIndex: number, frameSize: number, kind = FUNC_GUEST): void {
    const f = this.functions;
    this.functionStart = f.length;
    f.reserve(FR_WORDS);
    f.push(textOffset);
    f.push(textOffset);
    f.push(instance);
    f.push(funcIndex);
    f.push(frameSize);
    f.push(this.locals.length);
    f.push(0);
    f.push(kind);
  }

  endFunction(textOffset: number): void {
    this.functions.words[this.functionStart + END] = textOffset;
    this.shareLocals();
  }

  /** Functions with the same locals in the same places share one list. May be called twice for one function. */
  private shareLocals(): void {
    const { words } = this.locals;
    const first = this.functions.words[this.functionStart + LOCALS];
    const count = this.functions.words[this.functionStart + LOCAL_COUNT];
    if (count === 0 || first + count !== this.locals.length) return;
    const hash = hashWords(words, first, first + count);
    const known = this.knownLocals.find(hash, (other) => {
      for (let i = 0; i < count; i++) if (words[other + i] !== words[first + i]) return false;
      return true;
    });
    if (known < 0) this.knownLocals.add(hash, first);
    else if (known !== first) {
      this.functions.words[this.functionStart + LOCALS] = known;
      this.locals.length = first;
    }
  }

  /** The next local: its home slot (in 8 bytes from sp, after the prologue) and its register, or 255 for none. */
  local(type: ValType, reg: number, slot: number): void {
    this.locals.push(((typeCode(type) << 28) | (reg << 20) | slot) >>> 0);
    this.functions.words[this.functionStart + LOCAL_COUNT]++;
  }

  /** Ends the shape and records a safepoint with it. `kind` is SITE_*. */
  site(textOffset: number, bodyOffset: number, kind: number): void {
    const shape = this.shapes.end();
    const s = this.sites;
    s.reserve(3);
    s.push(textOffset);
    s.push(bodyOffset);
    s.push((kind | (shape << 2)) >>> 0);
  }

  /** `kind` is TRAP_*. */
  trap(textOffset: number, bodyOffset: number, kind: number): void {
    const t = this.traps;
    t.reserve(3);
    t.push(textOffset);
    t.push(bodyOffset);
    t.push(kind);
  }

  /** Changes of the pinned locals at the next trap site to be recorded; masks as in the section. */
  trapPins(textOffset: number, registers: number, lost: number): void {
    const p = this.pins;
    p.reserve(3);
    p.push(textOffset);
    p.push(registers);
    p.push(lost);
  }

  /** A copy of the rows; the shapes must have kept a log. */
  rows(): SiteRows {
    return {
      functions: this.functions.copy(),
      locals: this.locals.copy(),
      sites: this.sites.copy(),
      traps: this.traps.copy(),
      pins: this.pins.copy(),
      shapes: this.shapes.takeLog(),
    };
  }

  /** Whether append stays within the limits. */
  canAppend({ locals, shapes }: SiteRows): boolean {
    return this.locals.hasRoom(locals.length) && this.shapes.canAbsorb(shapes);
  }

  /** Appends rows as if they had been recorded here. @param textOffset where their text begins */
  append({ functions, locals, sites, traps, pins, shapes }: SiteRows, textOffset: number): void {
    const shapeIndexes = this.shapes.absorb(shapes);
    for (let at = 0; at < functions.length; at += FR_WORDS) {
      const first = functions[at + LOCALS];
      const count = functions[at + LOCAL_COUNT];
      const start = functions[at] + textOffset;
      this.beginFunction(
        start,
        functions[at + INSTANCE],
        functions[at + INDEX],
        functions[at + FRAME],
        functions[at + KIND],
      );
      this.locals.appendWords(locals, first, first + count);
      this.functions.words[this.functionStart + LOCAL_COUNT] = count;
      this.endFunction(functions[at + END] + textOffset);
    }
    const first = this.sites.length;
    appendMoved(this.sites, sites, textOffset);
    const { words, length } = this.sites;
    for (let at = first + SHAPE; at < length; at += ROW_WORDS) {
      words[at] = (words[at] & 3) | (shapeIndexes[words[at] >>> 2] << 2);
    }
    appendMoved(this.traps, traps, textOffset);
    appendMoved(this.pins, pins, textOffset);
  }

  /** The tables in their stored form. */
  sections(): Required<SiteSections> {
    return {
      version: TABLES_VERSION,
      functions: this.functions.bytes(),
      locals: this.locals.bytes(),
      sites: packed(this.sites),
      shapes: this.shapes.column.bytes(),
      traps: packed(this.traps),
      pins: packed(this.pins),
    };
  }
}

/** Rows of ROW_WORDS. */
function appendMoved(column: Column, rows: Uint32Array, textOffset: number): void {
  const start = column.length;
  column.appendWords(rows, 0, rows.length);
  for (let at = start; at < column.length; at += ROW_WORDS) column.words[at] += textOffset;
}

function packed({ words, length }: Column): Uint8Array {
  const packer = new RowPacker(length / ROW_WORDS);
  for (let at = 0; at < length; at += ROW_WORDS) packer.add(words[at], words[at + 1], words[at + 2]);
  return packer.finish();
}
