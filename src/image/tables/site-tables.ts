/**
 * The site tables while code is generated: growing columns, in the format they have at rest
 * (image/contract/site-tables.ts FR_*, SR_*, TS_*, TP_*, shapes and locals). Text offsets must come in ascending order.
 *
 * Equal frame shapes share one entry of `shapes`, and one that begins as the shape before refers to that for as much
 * (OPERAND_PREFIX); functions with equal locals share those: so tables stay in proportion to the code.
 *
 *     beginFunction, local*, { beginShape, operand*, result*, site }*, endFunction
 */

import { LimitError } from '../../base/errors.js';
import { FUNC_GUEST, OPERAND_CONST, OPERAND_LOCAL, OPERAND_REG, OPERAND_SLOT } from '../contract/site-tables.js';
import { Column } from './column.js';
import { hashWords, WordLists } from './word-lists.js';

export { Column };

/** Operands that two shapes must have in common for the later one to refer to the other: that takes two words. */
const LEAST_SHARED = 8;

export class SiteTables {
  readonly functions = new Column();
  readonly locals: Column;
  readonly sites = new Column();
  readonly shapes: Column;
  readonly traps = new Column();
  readonly pins = new Column();
  private readonly knownShapes = new WordLists();
  private readonly knownLocals = new WordLists();
  /** The shape being described, and the one before it, whose index is `previousShape`: counts, operands, results. */
  private shape = new Column();
  private previous = new Column();
  private previousShape = -1;
  private functionStart = 0;
  private described = 0;

  /**
   * @param limit words that the locals, and those that the shapes may have
   * @param effort words of shapes that may be described, equal ones included
   */
  constructor(
    limit = Infinity,
    private readonly effort = Infinity,
  ) {
    this.locals = new Column(limit);
    this.shapes = new Column(limit);
  }

  beginFunction(textOffset: number, instance: number, funcIndex: number, frameSize: number, kind = FUNC_GUEST): void {
    const f = this.functions;
    this.functionStart = f.length;
    f.reserve(8);
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
    this.functions.words[this.functionStart + 1] = textOffset;
    this.shareLocals();
  }

  /** Functions that have the same locals in the same places have one list of them. May be called twice for one. */
  private shareLocals(): void {
    const { words } = this.locals;
    const first = this.functions.words[this.functionStart + 5];
    const count = this.functions.words[this.functionStart + 6];
    if (count === 0 || first + count !== this.locals.length) return;
    const hash = hashWords(words, first, first + count);
    const known = this.knownLocals.find(hash, (other) => {
      for (let i = 0; i < count; i++) if (words[other + i] !== words[first + i]) return false;
      return true;
    });
    if (known < 0) this.knownLocals.add(hash, first);
    else if (known !== first) {
      this.functions.words[this.functionStart + 5] = known;
      this.locals.length = first;
    }
  }

  /** The next local: its home slot (in 8 bytes from sp, behind the prologue) and its register, or 255 for none. */
  local(type: number, reg: number, slot: number): void {
    this.locals.push(((type << 28) | (reg << 20) | slot) >>> 0);
    this.functions.words[this.functionStart + 6]++;
  }

  beginShape(operandCount: number, resultCount: number): void {
    this.shape.length = 0;
    this.shape.push(operandCount);
    this.shape.push(resultCount);
  }

  slot(type: number, slot: number): void {
    this.shape.push(((type << 28) | (OPERAND_SLOT << 26) | slot) >>> 0);
  }

  constant(type: number, lo: number, hi: number): void {
    this.shape.push(((type << 28) | (OPERAND_CONST << 26)) >>> 0);
    this.shape.push(lo);
    this.shape.push(hi);
  }

  alias(type: number, local: number): void {
    this.shape.push(((type << 28) | (OPERAND_LOCAL << 26) | local) >>> 0);
  }

  register(type: number, reg: number): void {
    this.shape.push(((type << 28) | (OPERAND_REG << 26) | reg) >>> 0);
  }

  /** Ends the shape and records a safepoint with it. `kind` is SITE_*. */
  site(textOffset: number, bodyOffset: number, kind: number): void {
    const shape = this.endShape();
    const s = this.sites;
    s.reserve(3);
    s.push(textOffset);
    s.push(bodyOffset);
    s.push(((kind << 30) | shape) >>> 0);
  }

  /** `kind` is TRAP_*. */
  trap(textOffset: number, bodyOffset: number, kind: number): void {
    const t = this.traps;
    t.reserve(2);
    t.push(textOffset);
    t.push(((kind << 27) | bodyOffset) >>> 0);
  }

  /** What changes for the pinned locals at a trap site, the one to be recorded next; masks as in the section. */
  trapPins(textOffset: number, registers: number, lost: number): void {
    const p = this.pins;
    p.reserve(3);
    p.push(textOffset);
    p.push(registers);
    p.push(lost);
  }

  /** Index of the shape that was described. */
  private endShape(): number {
    const { shape, shapes } = this;
    this.described += shape.length;
    if (this.described > this.effort) {
      throw new LimitError(
        'table-size',
        `the module has more than ${this.effort} operands at its safepoints, far more than a module of its size should need`,
      );
    }
    const hash = hashWords(shape.words, 0, shape.length);
    let index = this.knownShapes.find(hash, (other) => this.equals(other));
    if (index < 0) {
      index = shapes.length;
      const { operands, words } = this.shared();
      shapes.push(shape.words[0]);
      shapes.push(shape.words[1]);
      if (operands >= LEAST_SHARED) {
        shapes.push(this.previousShape);
        shapes.push(operands);
        shapes.append(shape, 2 + words, shape.length);
      } else shapes.append(shape, 2, shape.length);
      this.knownShapes.add(hash, index);
    }
    this.shape = this.previous;
    this.previous = shape;
    this.previousShape = index;
    return index;
  }

  /** How much the shape has in common with the one before: operands from the first one on, and their words. */
  private shared(): { operands: number; words: number } {
    const { words: a } = this.shape;
    const { words: b } = this.previous;
    if (this.previousShape < 0) return { operands: 0, words: 0 };
    const most = Math.min(a[0], b[0]);
    let at = 2;
    let operands = 0;
    for (; operands < most; operands++) {
      const length = isConstant(a[at]) ? 3 : 1;
      let i = 0;
      while (i < length && a[at + i] === b[at + i]) i++;
      if (i < length) break;
      at += length;
    }
    return { operands, words: at - 2 };
  }

  /** Whether the shape that was described is the one at an index. */
  private equals(index: number): boolean {
    const { words: want, length } = this.shape;
    const { words } = this.shapes;
    if (words[index] !== want[0] || words[index + 1] !== want[1]) return false;
    // from the end on, as what comes first is another shape's
    let end = length;
    let operands = want[0];
    for (let from = index; ; ) {
      const isShared = words[from] > 0 && words[from + 2] >>> 28 === 0;
      const kept = isShared ? Math.min(words[from + 3], operands) : 0; // the one after may keep less
      const first = from + (isShared ? 4 : 2);
      const start = isShared ? wordsOf(want, kept) : 2;
      for (let i = start; i < end; i++) if (words[first + i - start] !== want[i]) return false;
      if (!isShared) return true;
      from = words[from + 2];
      end = start;
      operands = kept;
      if (words[from] < operands) return false;
    }
  }
}

/** Where operand `count` of a shape that is written out starts. */
function wordsOf(shape: Uint32Array, count: number): number {
  let at = 2;
  for (let i = 0; i < count; i++) at += isConstant(shape[at]) ? 3 : 1;
  return at;
}

function isConstant(word: number): boolean {
  return ((word >>> 26) & 3) === OPERAND_CONST;
}
