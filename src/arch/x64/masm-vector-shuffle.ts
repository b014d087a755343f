/**
 * The macro-assembler's shuffles: i8x16.shuffle by the shortest instruction that has its pattern.
 *
 * In order: one source (a move, pshufd, pshufb); two sources as one instruction, either of them first (palignr,
 * punpck…, shufps, pblendw); else one pshufb each, with indexes that leave the other's bytes zero, and or.
 */

import type { Reg } from '../masm/masm.js';
import { FLOAT_SCRATCH } from './abi.js';
import { V } from './encodings-vector.js';
import { LaneMasm } from './masm-vector-lanes.js';

// By log2 of the lane's bytes.
const INTERLEAVE_LOW = [V.punpcklbw, V.punpcklwd, V.punpckldq, V.punpcklqdq];
const INTERLEAVE_HIGH = [V.punpckhbw, V.punpckhwd, V.punpckhdq, V.punpckhqdq];
/** An index of pshufb that gives zero. */
const ZERO = 0x80;

export class ShuffleMasm extends LaneMasm {
  /** The indexes, 0..15 of the first source, 16..31 of the second. */
  private readonly indexes = new Uint8Array(16);
  private readonly indexWords = new Int32Array(4);

  shuffle(dst: Reg, lhs: Reg, rhs: Reg, bytes: Uint8Array, at: number): void {
    const { indexes } = this;
    let sources = 0;
    for (let i = 0; i < 16; i++) {
      indexes[i] = lhs === rhs ? bytes[at + i] & 15 : bytes[at + i];
      sources |= indexes[i] < 16 ? 1 : 2;
    }
    if (sources !== 3) {
      for (let i = 0; i < 16; i++) indexes[i] &= 15;
      this.shuffleOne(dst, sources === 1 ? lhs : rhs);
      return;
    }
    if (this.shuffleBy(dst, lhs, rhs)) return;
    for (let i = 0; i < 16; i++) indexes[i] ^= 16;
    if (this.shuffleBy(dst, rhs, lhs)) return;
    // By now the first source is rhs.
    this.moveVector(FLOAT_SCRATCH, rhs);
    this.pshufbOf(FLOAT_SCRATCH, 0);
    this.moveVector(dst, lhs);
    this.pshufbOf(dst, 16);
    this.rr(V.por, 0, dst, FLOAT_SCRATCH);
  }

  /** From one source, all indexes below 16. */
  private shuffleOne(dst: Reg, src: Reg): void {
    const words = this.wordPattern();
    if (words === 0xe4) this.moveVector(dst, src);
    else if (words >= 0) this.rri(V.pshufd, 0, dst, src, words);
    else {
      this.moveVector(dst, src);
      this.pshufbOf(dst, 0);
    }
  }

  /** From two sources, when one instruction whose first operand is `first` does it. */
  private shuffleBy(dst: Reg, first: Reg, second: Reg): boolean {
    const { indexes } = this;
    const start = indexes[0];
    if (start < 16 && this.isRun(start)) {
      this.vectorOpImm(V.palignr, dst, second, first, start);
      return true;
    }
    for (let log = 0; log < 4; log++) {
      if (start !== 0 && start !== 8) break;
      if (!this.isInterleaving(log, start)) continue;
      this.vectorOp((start === 0 ? INTERLEAVE_LOW : INTERLEAVE_HIGH)[log], dst, first, second);
      return true;
    }
    if (indexes[0] < 16 && indexes[4] < 16 && indexes[8] >= 16 && indexes[12] >= 16) {
      const words = this.wordPattern();
      if (words >= 0) {
        this.vectorOpImm(V.shufps, dst, first, second, words);
        return true;
      }
    }
    const blend = start === 0 ? this.blendPattern() : -1;
    if (blend < 0) return false;
    this.vectorOpImm(V.pblendw, dst, first, second, blend);
    return true;
  }

  /** Are the indexes `start` and those that follow it? */
  private isRun(start: number): boolean {
    for (let i = 1; i < 16; i++) if (this.indexes[i] !== start + i) return false;
    return true;
  }

  /** Lanes of 1 << log bytes in turn from the first and the second source, from their byte `start` on? */
  private isInterleaving(log: number, start: number): boolean {
    for (let i = 0; i < 16; i++) {
      const lane = i >> log;
      const from = (((lane >> 1) << log) + start) | ((lane & 1) << 4);
      if (this.indexes[i] !== from + (i & ((1 << log) - 1))) return false;
    }
    return true;
  }

  /** The immediate of pshufd or shufps, of whichever source, when words of 32 bits stay together; else -1. */
  private wordPattern(): number {
    const { indexes } = this;
    let pattern = 0;
    for (let i = 0; i < 16; i += 4) {
      const from = indexes[i];
      if ((from & 3) !== 0) return -1;
      for (let k = 1; k < 4; k++) if (indexes[i + k] !== from + k) return -1;
      pattern |= ((from >> 2) & 3) << (i >> 1);
    }
    return pattern;
  }

  /** The immediate of pblendw, when every word of 16 bits stays in its place; else -1. */
  private blendPattern(): number {
    const { indexes } = this;
    let pattern = 0;
    for (let i = 0; i < 16; i += 2) {
      const from = indexes[i];
      if ((from & 15) !== i || indexes[i + 1] !== from + 1) return -1;
      if (from >= 16) pattern |= 1 << (i >> 1);
    }
    return pattern;
  }

  /** reg's bytes at the indexes from `first` to first + 15, zero where another source's are wanted. */
  private pshufbOf(reg: Reg, first: number): void {
    const { indexes, indexWords } = this;
    for (let i = 0; i < 16; i += 4) {
      let word = 0;
      for (let k = 0; k < 4; k++) {
        const from = indexes[i + k] - first;
        word |= (from >= 0 && from < 16 ? from : ZERO) << (8 * k);
      }
      indexWords[i >> 2] = word;
    }
    this.rk(V.pshufb, reg, indexWords[0], indexWords[1], indexWords[2], indexWords[3]);
  }
}
