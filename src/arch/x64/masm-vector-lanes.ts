/**
 * The macro-assembler's access to the lanes of a vector, and what several of its vector files share.
 *
 * A lane travels between the register classes by pinsr… and pextr…, between vectors by pshufd and insertps. Tests come
 * down to ptest and pmovmskb.
 */

import { Cond, type Reg } from '../masm/masm.js';
import { Lanes } from '../masm/masm-vector.js';
import { FLOAT_SCRATCH } from './abi.js';
import type { Encoding } from './encoding.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { ConstantMasm } from './masm-constants.js';

// By Lanes, the integer ones.
const EQUAL = [V.pcmpeqb, V.pcmpeqw, X.pcmpeqd, V.pcmpeqq];
export const INSERT = [V.pinsrb, V.pinsrw, V.pinsrd, V.pinsrq];

/** pshufd's immediate: the upper half in both halves. */
export const UPPER_HALF = 0xee;

export class LaneMasm extends ConstantMasm {
  /** dst = lhs op rhs, by an instruction that keeps its result in its first operand. */
  protected vectorOp(e: Encoding, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst === rhs && dst !== lhs) {
      this.moveVector(FLOAT_SCRATCH, rhs);
      rhs = FLOAT_SCRATCH;
    }
    this.moveVector(dst, lhs);
    this.rr(e, 0, dst, rhs);
  }

  /** The same where the operands may change places. */
  protected vectorOpCommutative(e: Encoding, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst === rhs) rhs = lhs;
    else this.moveVector(dst, lhs);
    this.rr(e, 0, dst, rhs);
  }

  /** The same with an immediate. */
  protected vectorOpImm(e: Encoding, dst: Reg, lhs: Reg, rhs: Reg, imm: number): void {
    if (dst === rhs && dst !== lhs) {
      this.moveVector(FLOAT_SCRATCH, rhs);
      rhs = FLOAT_SCRATCH;
    }
    this.moveVector(dst, lhs);
    this.rri(e, 0, dst, rhs, imm);
  }

  /** All ones xor: overwrites the first float scratch register. */
  protected invert(reg: Reg): void {
    this.rr(X.pcmpeqd, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.rr(V.pxor, 0, reg, FLOAT_SCRATCH);
  }

  /** Floats are moved as whole registers. */
  selectVector(cond: Cond, dst: Reg, a: Reg, b: Reg): void {
    this.select(cond, 1, dst, a, b);
  }

  /** `mask` may be any of the others, too. */
  bitselect(dst: Reg, a: Reg, b: Reg, mask: Reg): void {
    this.moveVector(FLOAT_SCRATCH, mask);
    this.rr(V.pandn, 0, FLOAT_SCRATCH, b);
    this.vectorOpCommutative(V.pand, dst, a, mask);
    this.rr(V.por, 0, dst, FLOAT_SCRATCH);
  }

  splat(lanes: Lanes, dst: Reg, src: Reg): void {
    switch (lanes) {
      case Lanes.I8x16:
        this.rr(X.movd_xr, 0, dst, src);
        this.rr(V.pxor, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
        this.rr(V.pshufb, 0, dst, FLOAT_SCRATCH);
        return;
      case Lanes.I16x8:
        this.rr(X.movd_xr, 0, dst, src);
        this.rri(V.pshuflw, 0, dst, dst, 0);
        this.rri(V.pshufd, 0, dst, dst, 0);
        return;
      case Lanes.I32x4:
        this.rr(X.movd_xr, 0, dst, src);
        this.rri(V.pshufd, 0, dst, dst, 0);
        return;
      case Lanes.I64x2:
        this.rr(X.movd_xr, 1, dst, src);
        this.rr(V.punpcklqdq, 0, dst, dst);
        return;
      case Lanes.F32x4:
        this.rri(V.pshufd, 0, dst, src, 0);
        return;
      case Lanes.F64x2:
        this.rr(V.movddup, 0, dst, src);
    }
  }

  extractLane(lanes: Lanes, dst: Reg, src: Reg, lane: number, signed: boolean): void {
    switch (lanes) {
      case Lanes.I8x16:
        this.rri(V.pextrb, 0, src, dst, lane);
        if (signed) this.rr(X.movsx_8, 0, dst, dst);
        return;
      case Lanes.I16x8:
        this.rri(V.pextrw, 0, src, dst, lane);
        if (signed) this.rr(X.movsx_16, 0, dst, dst);
        return;
      case Lanes.I32x4:
        if (lane === 0) this.rr(X.movd_rx, 0, src, dst);
        else this.rri(V.pextrd, 0, src, dst, lane);
        return;
      case Lanes.I64x2:
        if (lane === 0) this.rr(X.movd_rx, 1, src, dst);
        else this.rri(V.pextrq, 0, src, dst, lane);
        return;
      case Lanes.F32x4:
        if (lane === 0) this.moveVector(dst, src);
        else this.rri(V.pshufd, 0, dst, src, lane);
        return;
      case Lanes.F64x2:
        if (lane === 0) this.moveVector(dst, src);
        else this.rri(V.pshufd, 0, dst, src, UPPER_HALF);
    }
  }

  replaceLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, value: Reg): void {
    if (lanes <= Lanes.I64x2) {
      this.moveVector(dst, vector);
      this.rri(INSERT[lanes], 0, dst, value, lane);
    } else if (lanes === Lanes.F32x4) this.vectorOpImm(V.insertps, dst, vector, value, lane << 4);
    else this.vectorOp(lane === 0 ? X.movsd_rm : V.punpcklqdq, dst, vector, value);
  }

  anyTrue(dst: Reg, src: Reg): void {
    this.rr(V.ptest, 0, src, src);
    this.setCondition(Cond.Ne, dst);
  }

  allTrue(lanes: Lanes, dst: Reg, src: Reg): void {
    this.rr(V.pxor, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.rr(EQUAL[lanes], 0, FLOAT_SCRATCH, src);
    this.rr(V.ptest, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
    this.setCondition(Cond.Eq, dst);
  }

  bitmask(lanes: Lanes, dst: Reg, src: Reg): void {
    switch (lanes) {
      case Lanes.I8x16:
        this.rr(V.pmovmskb, 0, dst, src);
        return;
      case Lanes.I16x8:
        this.moveVector(FLOAT_SCRATCH, src);
        this.rr(V.packsswb, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
        this.rr(V.pmovmskb, 0, dst, FLOAT_SCRATCH);
        this.rr(X.movzx_8, 0, dst, dst);
        return;
      case Lanes.I32x4:
      case Lanes.F32x4:
        this.rr(V.movmskps, 0, dst, src);
        return;
      case Lanes.I64x2:
      case Lanes.F64x2:
        this.rr(V.movmskpd, 0, dst, src);
    }
  }
}
