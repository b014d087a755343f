/**
 * The site tables while code is generated: growing columns, in the format they have at rest (runtime/layout.ts FR_*,
 * SR_*, TS_*, TP_*, shapes and locals). Text offsets must come in ascending order.
 *
 * Frame shapes are hash-consed: equal operand lists share one entry of `shapes`.
 *
 *     beginFunction, local*, { beginShape, operand*, result*, site }*, endFunction
 */

import { FUNC_GUEST, OPERAND_CONST, OPERAND_LOCAL, OPERAND_REG, OPERAND_SLOT } from '../../runtime/layout.js';

/** A growing column of u32. */
export class Column {
  words = new Uint32Array(1024);
  length = 0;

  reserve(count: number): void {
    if (this.length + count <= this.words.length) return;
    const grown = new Uint32Array(Math.max(this.words.length * 2, this.length + count));
    grown.set(this.words);
    this.words = grown;
  }

  push(word: number): void {
    if (this.length === this.words.length) this.reserve(1);
    this.words[this.length++] = word;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer, 0, this.length * 4);
  }
}

export class SiteTables {
  readonly functions = new Column();
  readonly locals = new Column();
  readonly sites = new Column();
  readonly shapes = new Column();
  readonly traps = new Column();
  readonly pins = new Column();
  private buckets = new Int32Array(1024).fill(-1); // open addressing: start of a shape in `shapes`
  private lengths = new Int32Array(1024); // its words
  private shapeCount = 0;
  private shapeStart = 0;
  private functionStart = 0;

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
  }

  /** The next local: its home slot (in 8 bytes from sp, behind the prologue) and its register, or 255 for none. */
  local(type: number, reg: number, slot: number): void {
    this.locals.push(((type << 28) | (reg << 20) | slot) >>> 0);
    this.functions.words[this.functionStart + 6]++;
  }

  beginShape(operandCount: number, resultCount: number): void {
    this.shapeStart = this.shapes.length;
    this.shapes.push(operandCount);
    this.shapes.push(resultCount);
  }

  slot(type: number, slot: number): void {
    this.shapes.push(((type << 28) | (OPERAND_SLOT << 26) | slot) >>> 0);
  }

  constant(type: number, lo: number, hi: number): void {
    this.shapes.push(((type << 28) | (OPERAND_CONST << 26)) >>> 0);
    this.shapes.push(lo);
    this.shapes.push(hi);
  }

  alias(type: number, local: number): void {
    this.shapes.push(((type << 28) | (OPERAND_LOCAL << 26) | local) >>> 0);
  }

  register(type: number, reg: number): void {
    this.shapes.push(((type << 28) | (OPERAND_REG << 26) | reg) >>> 0);
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

  private endShape(): number {
    const { words } = this.shapes;
    const start = this.shapeStart;
    const length = this.shapes.length - start;
    let hash = 0x811c9dc5;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ words[start + i], 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.buckets.length - 1;
    let bucket = hash & mask;
    for (;;) {
      const other = this.buckets[bucket];
      if (other < 0) break;
      if (this.lengths[bucket] === length) {
        let i = 0;
        while (i < length && words[other + i] === words[start + i]) i++;
        if (i === length) {
          this.shapes.length = start;
          return other;
        }
      }
      bucket = (bucket + 1) & mask;
    }
    this.buckets[bucket] = start;
    this.lengths[bucket] = length;
    if (++this.shapeCount * 2 > this.buckets.length) this.rehash();
    return start;
  }

  private rehash(): void {
    const { words } = this.shapes;
    const { buckets, lengths } = this;
    const size = buckets.length * 4;
    this.buckets = new Int32Array(size).fill(-1);
    this.lengths = new Int32Array(size);
    for (let i = 0; i < buckets.length; i++) {
      if (buckets[i] < 0) continue;
      let hash = 0x811c9dc5;
      for (let k = 0; k < lengths[i]; k++) hash = Math.imul(hash ^ words[buckets[i] + k], 0x01000193);
      hash ^= hash >>> 15;
      let bucket = hash & (size - 1);
      while (this.buckets[bucket] >= 0) bucket = (bucket + 1) & (size - 1);
      this.buckets[bucket] = buckets[i];
      this.lengths[bucket] = lengths[i];
    }
  }
}
