/**
 * Constants of 128 bits that lie in the code, each once, after the function that loads them.
 *
 * ldr (literal) reaches ±1 MiB. So the pending constants are emitted as an island when the oldest load is a quarter of
 * that away, or when there are many. The island stands before the next instruction, and a jump leads over it. A later
 * load of the same constant gets it again.
 */

import type { Reg } from '../masm/masm.js';
import { NEVER } from './code-buffer.js';
import { A } from './encodings.js';
import { LabelEmitter, shortField } from './labels.js';

const LITERAL_AGE = 1 << 18;
const MAX_LITERALS = 1024;
const BYTES = 16;
/** Slots of the hash table: a power of two. */
const HASH_SLOTS = 4 * MAX_LITERALS;

export class LiteralEmitter extends LabelEmitter {
  /** Words of the pending constants. */
  private readonly literals = new Int32Array(4 * MAX_LITERALS);
  private literalCount = 0;
  /** Pending loads: position, and number of the constant. */
  private loads = new Int32Array(64);
  private loadCount = 0;
  /** Open addressing: number of a pending constant plus 1, or 0. */
  private readonly hash = new Int16Array(HASH_SLOTS);

  /** ldr q of a constant, its words from the lowest. */
  protected loadLiteralVector(rt: Reg, w0: number, w1: number, w2: number, w3: number): void {
    const at = this.reserve();
    if (this.loadCount + 2 > this.loads.length) {
      const loads = new Int32Array(2 * this.loads.length);
      loads.set(this.loads);
      this.loads = loads;
    }
    if (this.loadCount === 0) this.literalDeadline = at + LITERAL_AGE;
    this.loads[this.loadCount++] = at;
    this.loads[this.loadCount++] = this.literalNumber(w0 | 0, w1 | 0, w2 | 0, w3 | 0);
    if (this.literalCount === MAX_LITERALS) this.literalDeadline = at;
    this.setLimit();
    this.loadLiteral(A.ldr_lit_q, rt, 0);
  }

  private literalNumber(w0: number, w1: number, w2: number, w3: number): number {
    const { literals, hash } = this;
    let key =
      Math.imul(w0, 0x9e3779b1) ^ Math.imul(w1, 0x85ebca6b) ^ Math.imul(w2, 0xc2b2ae35) ^ Math.imul(w3, 0x27d4eb2f);
    key ^= key >>> 15;
    for (let slot = key & (HASH_SLOTS - 1); ; slot = (slot + 1) & (HASH_SLOTS - 1)) {
      const number = hash[slot] - 1;
      if (number < 0) {
        const at = 4 * this.literalCount;
        literals[at] = w0;
        literals[at + 1] = w1;
        literals[at + 2] = w2;
        literals[at + 3] = w3;
        hash[slot] = ++this.literalCount;
        return this.literalCount - 1;
      }
      const at = 4 * number;
      if (literals[at] === w0 && literals[at + 1] === w1 && literals[at + 2] === w2 && literals[at + 3] === w3)
        return number;
    }
  }

  /** The constants, aligned; nothing may run into them. */
  flushConstants(): void {
    if (this.loadCount === 0) return;
    this.grow(BYTES * (this.literalCount + 1));
    while (this.at % BYTES !== 0) {
      this.words[this.at >> 2] = A.udf;
      this.at += 4;
    }
    this.words.set(this.literals.subarray(0, 4 * this.literalCount), this.at >> 2);
    for (let i = 0; i < this.loadCount; i += 2) {
      const load = this.loads[i];
      this.words[load >> 2] |= shortField(this.at + BYTES * this.loads[i + 1] - load);
    }
    this.at += BYTES * this.literalCount;
    this.hash.fill(0);
    this.literalCount = this.loadCount = 0;
    this.literalDeadline = NEVER;
    this.setLimit();
  }

  /** The constants come first: an island of jumps may be long. */
  protected override onDeadline(ahead: number): void {
    if (this.loadCount !== 0) {
      this.grow(4);
      const jump = this.at;
      this.at += 4;
      this.flushConstants();
      this.words[jump >> 2] = A.b | ((this.at - jump) >> 2);
    }
    super.onDeadline(ahead);
  }
}
