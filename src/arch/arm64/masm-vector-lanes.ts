/**
 * The macro-assembler's traffic between vectors and single values: splats, lanes, and what is true of the lanes.
 */

import { Cond, FLOAT_BASE, type Reg } from '../masm/masm.js';
import type { Lanes } from '../masm/masm-vector.js';
import { FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { A } from './encodings.js';
import { V } from './encodings-vector.js';
import { ConstantMasm } from './masm-constants.js';

/** By Lanes: log2 of a lane's bytes. */
export const LANE_SIZES = [0, 1, 2, 3, 2, 3];

export class LaneMasm extends ConstantMasm {
  splat(lanes: Lanes, dst: Reg, src: Reg): void {
    const size = LANE_SIZES[lanes];
    if (src < FLOAT_BASE) this.simdFromInt(V.dup, size, dst, 0, src);
    else this.simdDupLane(V.dup_lane, size, dst, src, 0);
  }

  extractLane(lanes: Lanes, dst: Reg, src: Reg, lane: number, signed: boolean): void {
    const size = LANE_SIZES[lanes];
    if (dst < FLOAT_BASE) {
      const op = size === 3 ? V.umov_x : signed && size < 2 ? V.smov : V.umov;
      this.simdToInt(op, size, dst, src, lane);
    } else if (lane === 0) this.moveFloat(dst, src, size & 1);
    else this.simdDupLane(V.dup_lane, size, dst, src, lane);
  }

  replaceLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, value: Reg): void {
    const size = LANE_SIZES[lanes];
    if (value < FLOAT_BASE) {
      this.moveVector(dst, vector);
      this.simdFromInt(V.ins, size, dst, lane, value);
    } else this.insertLane(size, dst, vector, lane, value, 0);
  }

  /** dst = vector with lane `to` from lane `from` of another. */
  protected insertLane(size: number, dst: Reg, vector: Reg, to: number, other: Reg, from: number): void {
    let source = other;
    if (dst === other && dst !== vector) {
      this.moveVector(FLOAT_SCRATCH, other);
      source = FLOAT_SCRATCH;
    }
    this.moveVector(dst, vector);
    this.simdInsertLane(V.ins_lane, size, dst, to, source, from);
  }

  anyTrue(dst: Reg, src: Reg): void {
    this.maximumToInt(src);
    this.testZero(1, SCRATCH);
    this.setCondition(Cond.Ne, dst);
  }

  allTrue(lanes: Lanes, dst: Reg, src: Reg): void {
    const size = LANE_SIZES[lanes];
    if (size < 3) {
      this.simdTwo(V.uminv, size, FLOAT_SCRATCH, src);
      this.intFromFloat(A.fmov_fr, 0, 0, SCRATCH, FLOAT_SCRATCH);
      this.testZero(0, SCRATCH);
      this.setCondition(Cond.Ne, dst);
    } else {
      this.simdTwo(V.cmeq_0, size, FLOAT_SCRATCH, src);
      this.maximumToInt(FLOAT_SCRATCH);
      this.testZero(1, SCRATCH);
      this.setCondition(Cond.Eq, dst);
    }
  }

  /** The scratch register becomes something that is zero exactly when the vector is. */
  private maximumToInt(src: Reg): void {
    this.simdThree(V.umaxp, 2, FLOAT_SCRATCH, src, src);
    this.intFromFloat(A.fmov_fr, 1, 1, SCRATCH, FLOAT_SCRATCH);
  }

  /**
   * Each lane becomes its sign bit; then bits of neighbours are moved together, in lanes twice as wide each time, until
   * the lowest byte of each half has all of the half's.
   */
  bitmask(lanes: Lanes, dst: Reg, src: Reg): void {
    const size = LANE_SIZES[lanes];
    let from = src;
    let op: number = V.ushr;
    let shift = (8 << size) - 1;
    for (let wider = size; wider <= 3; wider++) {
      this.simdShift(op, FLOAT_SCRATCH, from, (16 << wider) - shift);
      // A lane's bits are 1 << (wider - size) now; the upper one of two lies a lane's width higher.
      from = FLOAT_SCRATCH;
      op = V.usra;
      shift = (8 << wider) - (1 << (wider - size));
    }
    this.simdToInt(V.umov, 0, dst, FLOAT_SCRATCH, 0);
    this.simdToInt(V.umov, 0, SCRATCH, FLOAT_SCRATCH, 8);
    this.logicalShifted(A.orr_r, 0, dst, dst, SCRATCH, 8 >> size);
  }
}
