/**
 * Encodes .wagsnap.shapes (image/contract/site-tables.ts) for frame-map-decoder.ts: the locations of the values in
 * frames, as code generators describe them.
 *
 * Equal shapes share one entry, and a shape that begins like the previous one refers to it for that part: so the tables
 * stay in proportion to the code. Locals that a site places itself are a shape of their own, shared by all sites that
 * place them alike.
 *
 *     [begin, a location for each local, endLocals,] begin, a location for each operand and result, end
 *
 * `absorb` adds the shapes of functions that were compiled by other threads, in the order of the functions. The result
 * is the same as if they had been described here.
 */

import { BugError, LimitError } from '../../base/errors.js';
import { ValType } from '../../wasm/module.js';
import {
  LOCATION_CONST,
  LOCATION_DEAD,
  LOCATION_LOCAL,
  LOCATION_REG,
  LOCATION_SLOT,
  SHAPE_LOCALS,
  TYPE_V128,
} from '../contract/site-tables.js';
import { Column } from './column.js';
import { typeCode } from './type-codes.js';
import { hashWords, WordLists } from './word-lists.js';

/** The number of operands that two shapes must share for a reference, which takes two words. */
const LEAST_SHARED = 8;
const PAYLOAD_MAX = 1 << 25;
const KIND_SHIFT = 25;
/** Words before the operands of a described shape: counts, and the shape of the locals or 0. */
const HEADER = 3;

/** The shape of locals that are at home. */
export const AT_HOME = -1;

/** The shapes that another encoder has recorded, for `absorb`. */
export interface ShapeLog {
  /**
   * For each new shape: its index there, that of the shape described before it or -1, its kind, its length, its words.
   */
  readonly words: Uint32Array<ArrayBuffer>;
  /** The number of words described, equal shapes included. */
  readonly described: number;
  /** The last shapes described, by kind; or -1. */
  readonly last: readonly [number, number];
  /** Greater than any index. */
  readonly span: number;
}

const LOG_HEADER = 4;
const OPERANDS = 0;
const LOCALS = 1;

export class FrameMapEncoder {
  /** The shapes in their stored form. */
  readonly column: Column;
  private readonly known = new WordLists();
  /** The shape being described: header, operands, results. */
  private shape = new Column();
  /** The previous shapes of operands and of locals, as a shape usually resembles its own kind. */
  private readonly before = [new Before(), new Before()] as const;
  private described = 0;
  private log: Column | undefined;

  /**
   * @param limit the most words
   * @param effort the most words that may be described, equal shapes included
   */
  constructor(
    limit: number,
    private readonly effort: number,
  ) {
    this.column = new Column(limit);
  }

  /** @param locals the result of endLocals, or AT_HOME */
  begin(operandCount: number, resultCount: number, locals = AT_HOME): void {
    const { shape } = this;
    shape.length = 0;
    shape.push(operandCount);
    shape.push(locals === AT_HOME ? resultCount : (resultCount | SHAPE_LOCALS) >>> 0);
    shape.push(locals === AT_HOME ? 0 : locals);
  }

  /** @param slot counts 8 bytes from sp */
  slot(type: ValType, slot: number): void {
    this.location(type, LOCATION_SLOT, slot);
  }

  register(type: ValType, reg: number): void {
    this.location(type, LOCATION_REG, reg);
  }

  /** A copy of a local, wherever that is. */
  copy(type: ValType, local: number): void {
    this.location(type, LOCATION_LOCAL, local);
  }

  /** Raw bits, lowest word first; the last two of a v128 only. */
  constant(type: ValType, lo: number, hi: number, upperLo = 0, upperHi = 0): void {
    this.location(type, LOCATION_CONST, 0);
    this.shape.push(lo);
    this.shape.push(hi);
    if (type !== ValType.V128) return;
    this.shape.push(upperLo);
    this.shape.push(upperHi);
  }

  /** A value that no code reads any more. */
  dead(type: ValType): void {
    this.location(type, LOCATION_DEAD, 0);
  }

  /** Ends a shape of locals. @returns the value to begin a site's shape with */
  endLocals(): number {
    return this.store(LOCALS);
  }

  /** Ends a shape. @returns its index */
  end(): number {
    return this.store(OPERANDS);
  }

  private location(type: ValType, kind: number, payload: number): void {
    if (payload >>> 0 >= PAYLOAD_MAX) throw new BugError(`frame map: ${payload} is more than a location can say`);
    this.shape.push(((typeCode(type) << 28) | (kind << KIND_SHIFT) | payload) >>> 0);
  }

  private store(kind: typeof OPERANDS | typeof LOCALS): number {
    const { shape, column } = this;
    const before = this.before[kind];
    this.described += shape.length;
    if (this.described > this.effort) {
      throw new LimitError(
        'table-size',
        `the module has more than ${this.effort} operands at its safepoints, far more than a module of its size should need`,
      );
    }
    const hash = hashWords(shape.words, 0, shape.length);
    let index = this.known.find(hash, (other) => this.equals(other));
    if (index < 0) {
      index = column.length;
      const { operands, words } = before.shared(shape);
      const header = headerOf(shape.words, 0);
      column.append(shape, 0, header);
      if (operands >= LEAST_SHARED) {
        column.push(before.index);
        column.push(operands);
        column.append(shape, HEADER + words, shape.length);
      } else column.append(shape, HEADER, shape.length);
      this.known.add(hash, index);
      if (this.log !== undefined) {
        this.log.push(index);
        this.log.push(before.index >>> 0);
        this.log.push(kind);
        this.log.push(shape.length);
        this.log.append(shape, 0, shape.length);
      }
    }
    this.shape = before.replace(shape, index);
    return index;
  }

  /** Starts a log. To be called before anything is described. */
  startLog(): void {
    this.log = new Column();
  }

  takeLog(): ShapeLog {
    const { log, described, before, column } = this;
    if (log === undefined) throw new BugError('frame map: no log was kept');
    return { words: log.copy(), described, last: [before[0].index, before[1].index], span: column.length };
  }

  /** Whether absorb stays within the limits, even if every shape is new. */
  canAbsorb({ words, described }: ShapeLog): boolean {
    return this.column.hasRoom(words.length) && this.described + described <= this.effort;
  }

  /** @returns the index here, by index there */
  absorb({ words, described, last, span }: ShapeLog): Uint32Array {
    const indexes = new Uint32Array(span);
    const places = new Uint32Array(span); // indexes in the log
    const previous = [-1, -1];
    const total = this.described + described;
    const follow = (kind: typeof OPERANDS | typeof LOCALS, index: number) => {
      if (index < 0 || index === previous[kind]) return;
      const at = places[index];
      this.before[kind].become(words, at, at + words[at - 1], indexes[index]);
    };
    for (let at = LOG_HEADER; at < words.length; at += words[at - 1] + LOG_HEADER) {
      const kind = words[at - 2] === OPERANDS ? OPERANDS : LOCALS;
      const index = words[at - 4];
      follow(kind, words[at - 3] | 0);
      const { shape } = this;
      shape.length = 0;
      shape.appendWords(words, at, at + words[at - 1]);
      if (shape.words[1] >= SHAPE_LOCALS) shape.words[2] = indexes[shape.words[2]];
      places[index] = at;
      indexes[index] = this.store(kind);
      previous[kind] = index;
    }
    follow(OPERANDS, last[OPERANDS]);
    follow(LOCALS, last[LOCALS]);
    this.described = total;
    return indexes;
  }

  /** Whether the described shape equals the one at an index. */
  private equals(index: number): boolean {
    const { words: want, length } = this.shape;
    const { words } = this.column;
    if (words[index] !== want[0] || words[index + 1] !== want[1]) return false;
    if (headerOf(want, 0) === HEADER && words[index + 2] !== want[2]) return false;
    // from the end backwards, as the beginning may be a reference to another shape
    let end = length;
    let operands = want[0];
    for (let from = index; ; ) {
      const at = from + headerOf(words, from);
      const isShared = words[from] > 0 && words[at] >>> 28 === 0;
      const kept = isShared ? Math.min(words[at + 1], operands) : 0; // the next one may share less
      const first = at + (isShared ? 2 : 0);
      const start = isShared ? operandAt(want, kept) : HEADER;
      for (let i = start; i < end; i++) if (words[first + i - start] !== want[i]) return false;
      if (!isShared) return true;
      from = words[at];
      end = start;
      operands = kept;
      if (words[from] < operands) return false;
    }
  }
}

/** The last shape of a kind that was described. */
class Before {
  index = -1;
  private shape = new Column();

  /** How much a shape has in common with the previous one: operands from the first on, and their words. */
  shared({ words: a }: Column): { operands: number; words: number } {
    const { words: b } = this.shape;
    if (this.index < 0) return { operands: 0, words: 0 };
    const most = Math.min(a[0], b[0]);
    let at = HEADER;
    let operands = 0;
    for (; operands < most; operands++) {
      const length = lengthOf(a[at]);
      let i = 0;
      while (i < length && a[at + i] === b[at + i]) i++;
      if (i < length) break;
      at += length;
    }
    return { operands, words: at - HEADER };
  }

  become(words: Uint32Array, start: number, end: number, index: number): void {
    this.shape.length = 0;
    this.shape.appendWords(words, start, end);
    this.index = index;
  }

  /** @returns the previous one, to be overwritten */
  replace(shape: Column, index: number): Column {
    const { shape: old } = this;
    this.shape = shape;
    this.index = index;
    return old;
  }
}

/** The number of words before the operands of a stored shape. */
function headerOf(words: Uint32Array, index: number): number {
  return words[index + 1] >= SHAPE_LOCALS ? 3 : 2;
}

/** Index of operand `count` in a described shape. */
function operandAt(shape: Uint32Array, count: number): number {
  let at = HEADER;
  for (let i = 0; i < count; i++) at += lengthOf(shape[at]);
  return at;
}

/** The number of words of a location. */
function lengthOf(word: number): number {
  if (((word >>> KIND_SHIFT) & 7) !== LOCATION_CONST) return 1;
  return word >>> 28 === TYPE_V128 ? 5 : 3;
}
