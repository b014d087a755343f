/**
 * i8x16.shuffle on AArch64: one permuting instruction where one does it, else tbl with the indexes as a constant.
 *
 * The pattern is looked at in lanes, from the widest that it moves as a whole. Two vectors that are the same, or of
 * which one is not used, are one: then all indexes are below 16.
 */

import type { Reg } from '../masm/masm.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2 } from './abi.js';
import { V } from './encodings-vector.js';
import { LaneMasm } from './masm-vector-lanes.js';

const PERMUTES = [V.zip1, V.zip2, V.uzp1, V.uzp2, V.trn1, V.trn2];
/** By log2 of the bytes inside which lanes are reversed. */
const REVERSALS = [0, V.rev16, V.rev32, V.rev64];

export class ShuffleMasm extends LaneMasm {
  /** The indexes: of bytes, and of lanes where those move as a whole. */
  private readonly byteIndexes = new Uint8Array(16);
  private readonly laneIndexes = new Uint8Array(16);

  shuffle(dst: Reg, lhs: Reg, rhs: Reg, bytes: Uint8Array, at: number): void {
    const indexes = this.byteIndexes;
    let or = 0;
    let and = 16;
    for (let i = 0; i < 16; i++) {
      const index = bytes[at + i];
      indexes[i] = index;
      or |= index;
      and &= index;
    }
    if (lhs !== rhs && (or & 16) !== 0 && and === 0) {
      this.shuffleVectors(dst, lhs, rhs, 31);
      return;
    }
    for (let i = 0; i < 16; i++) indexes[i] &= 15;
    const only = and === 0 ? lhs : rhs;
    this.shuffleVectors(dst, only, only, 15);
  }

  /** `mask` is 15 when a is b. */
  private shuffleVectors(dst: Reg, a: Reg, b: Reg, mask: number): void {
    if (this.extractShuffle(dst, a, b, mask)) return;
    for (let size = 3; size >= 0; size--) {
      if (this.findLanes(size) && this.laneShuffle(size, dst, a, b, mask >> size)) return;
    }
    this.tableShuffle(dst, a, b);
  }

  /** Consecutive bytes, cyclically. */
  private extractShuffle(dst: Reg, a: Reg, b: Reg, mask: number): boolean {
    const indexes = this.byteIndexes;
    const first = indexes[0];
    for (let i = 1; i < 16; i++) if (indexes[i] !== ((first + i) & mask)) return false;
    if (first === 0) this.moveVector(dst, a);
    else if (first < 16) this.simdExtract(V.ext, dst, a, b, first);
    else this.simdExtract(V.ext, dst, b, a, first - 16);
    return true;
  }

  /** Whether lanes of 1 << size bytes move as a whole; then their indexes are in laneIndexes. */
  private findLanes(size: number): boolean {
    const { byteIndexes, laneIndexes } = this;
    const within = (1 << size) - 1;
    for (let i = 0; i < 16; i++) {
      const index = byteIndexes[i];
      if ((index & within) !== (i & within) || index >> size !== byteIndexes[i & ~within] >> size) return false;
      laneIndexes[i >> size] = index >> size;
    }
    return true;
  }

  private laneShuffle(size: number, dst: Reg, a: Reg, b: Reg, mask: number): boolean {
    const count = 16 >> size;
    const indexes = this.laneIndexes;
    if (isSplat(indexes, count)) {
      this.simdDupLane(V.dup_lane, size, dst, indexes[0] < count ? a : b, indexes[0] & (count - 1));
      return true;
    }
    if (a === b)
      for (let container = size + 1; container <= 3; container++) {
        if (!isReversal(indexes, count, (1 << (container - size)) - 1)) continue;
        this.simdTwo(REVERSALS[container], size, dst, a);
        return true;
      }
    for (let kind = 0; kind < 6; kind++) {
      if (isPermute(kind, indexes, count, mask, 0)) this.simdThree(PERMUTES[kind], size, dst, a, b);
      else if (isPermute(kind, indexes, count, mask, count)) this.simdThree(PERMUTES[kind], size, dst, b, a);
      else continue;
      return true;
    }
    return this.insertShuffle(size, dst, a, b, 0) || (a !== b && this.insertShuffle(size, dst, b, a, count));
  }

  /** All lanes of one vector are in place but one. `first` is the number of that vector's first lane. */
  private insertShuffle(size: number, dst: Reg, vector: Reg, other: Reg, first: number): boolean {
    const count = 16 >> size;
    const indexes = this.laneIndexes;
    let odd = -1;
    for (let lane = 0; lane < count; lane++) {
      if (indexes[lane] === first + lane) continue;
      if (odd >= 0) return false;
      odd = lane;
    }
    const from = indexes[odd];
    const source = (from & count) === first ? vector : other;
    this.insertLane(size, dst, vector, odd, source, from & (count - 1));
    return true;
  }

  private tableShuffle(dst: Reg, a: Reg, b: Reg): void {
    const bytes = this.byteIndexes;
    const word = (i: number) => bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    if (a === b || b === a + 1) {
      this.vectorConstant(FLOAT_SCRATCH, word(0), word(4), word(8), word(12));
      this.simdTable(a === b ? V.tbl : V.tbl_2, dst, a, FLOAT_SCRATCH);
      return;
    }
    // The table is two consecutive registers; dst has the indexes.
    this.moveVector(FLOAT_SCRATCH_2, a);
    this.moveVector(FLOAT_SCRATCH, b);
    this.vectorConstant(dst, word(0), word(4), word(8), word(12));
    this.simdTable(V.tbl_2, dst, FLOAT_SCRATCH_2, dst);
  }
}

function isSplat(indexes: Uint8Array, count: number): boolean {
  for (let lane = 1; lane < count; lane++) if (indexes[lane] !== indexes[0]) return false;
  return true;
}

function isReversal(indexes: Uint8Array, count: number, flip: number): boolean {
  for (let lane = 0; lane < count; lane++) if (indexes[lane] !== (lane ^ flip)) return false;
  return true;
}

/** `swap` is 0, or `count` for the operands the other way round. */
function isPermute(kind: number, indexes: Uint8Array, count: number, mask: number, swap: number): boolean {
  const isSecond = kind & 1;
  for (let lane = 0; lane < count; lane++) {
    const fromSecond = (lane & 1) * count;
    const index =
      kind < 2
        ? (lane >> 1) + isSecond * (count >> 1) + fromSecond
        : kind < 4
          ? 2 * lane + isSecond
          : (lane & ~1) + isSecond + fromSecond;
    if (indexes[lane] !== ((index ^ swap) & mask)) return false;
  }
  return true;
}
