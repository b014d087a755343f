/**
 * Emission of vector instructions: one method per encoding class (encodings-vector.ts), as emitter.ts has for the
 * others.
 *
 * `size` is log2 of a lane's bytes, 0 to 3; of floating point lanes 0 single, 1 double. A lane's number counts from the
 * lowest.
 */

import type { Reg } from '../masm/masm.js';
import { Emitter, g, unsigned, v } from './emitter.js';

export class VectorEmitter extends Emitter {
  /** Three same, three different and permute: vectors rn and rm. */
  protected simdThree(op: number, size: number, rd: Reg, rn: Reg, rm: Reg): void {
    this.word(op | (unsigned(size, 2) << 22) | (v(rm) << 16) | (v(rn) << 5) | v(rd));
  }

  /** Two-register miscellaneous and across lanes. */
  protected simdTwo(op: number, size: number, rd: Reg, rn: Reg): void {
    this.word(op | (unsigned(size, 2) << 22) | (v(rn) << 5) | v(rd));
  }

  /** dup of a lane. */
  protected simdDupLane(op: number, size: number, rd: Reg, rn: Reg, lane: number): void {
    this.word(op | (laneField(size, lane) << 16) | (v(rn) << 5) | v(rd));
  }

  /** dup and ins of a general register; lane 0 for dup. */
  protected simdFromInt(op: number, size: number, rd: Reg, lane: number, rn: Reg): void {
    this.word(op | (laneField(size, lane) << 16) | (g(rn) << 5) | v(rd));
  }

  /** smov, umov. */
  protected simdToInt(op: number, size: number, rd: Reg, rn: Reg, lane: number): void {
    this.word(op | (laneField(size, lane) << 16) | (v(rn) << 5) | g(rd));
  }

  /** ins of a lane: rd[to] = rn[from]. */
  protected simdInsertLane(op: number, size: number, rd: Reg, to: number, rn: Reg, from: number): void {
    const imm4 = unsigned(from, 4 - size) << size;
    this.word(op | (laneField(size, to) << 16) | (imm4 << 11) | (v(rn) << 5) | v(rd));
  }

  /** movi, mvni, fmov: `shift` is in bytes. */
  protected simdImmediate(op: number, rd: Reg, imm8: number, shift = 0): void {
    unsigned(imm8, 8);
    this.word(op | ((imm8 >> 5) << 16) | (unsigned(shift, 2) << 13) | ((imm8 & 31) << 5) | v(rd));
  }

  /**
   * shl and the widening shifts (field: the lane's bits plus the shift), others (field: twice the bits less the shift).
   */
  protected simdShift(op: number, rd: Reg, rn: Reg, field: number): void {
    this.word(op | (unsigned(field, 7) << 16) | (v(rn) << 5) | v(rd));
  }

  /** tbl: rm has the indexes. */
  protected simdTable(op: number, rd: Reg, rn: Reg, rm: Reg): void {
    this.word(op | (v(rm) << 16) | (v(rn) << 5) | v(rd));
  }

  /** ext: bytes imm4 and on of rm:rn. */
  protected simdExtract(op: number, rd: Reg, rn: Reg, rm: Reg, imm4: number): void {
    this.word(op | (v(rm) << 16) | (unsigned(imm4, 4) << 11) | (v(rn) << 5) | v(rd));
  }

  /** ld1, st1 of a lane: [rn]. */
  protected simdLane(op: number, size: number, rt: Reg, lane: number, rn: Reg): void {
    // Q:S:size is the lane's number, shifted; size has its lowest bit set for lanes of 64 bits.
    const index = unsigned(lane, 4 - size) << size;
    const fields = ((index >> 3) << 30) | ((index & 7) << 10) | (Math.min(size, 2) << 14) | (size === 3 ? 1 << 10 : 0);
    this.word(op | fields | (g(rn) << 5) | v(rt));
  }

  /** ld1r: [rn]. */
  protected simdReplicate(op: number, size: number, rt: Reg, rn: Reg): void {
    this.word(op | (unsigned(size, 2) << 10) | (g(rn) << 5) | v(rt));
  }
}

/** imm5: a one after the lane's number says its size. */
function laneField(size: number, lane: number): number {
  return ((unsigned(lane, 4 - unsigned(size, 2)) << 1) | 1) << size;
}
