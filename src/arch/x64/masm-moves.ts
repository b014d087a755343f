/** The macro-assembler's moves: between registers, constants, frame slots. */

import { FLOAT_BASE, type Label, type Reg, Width } from '../masm/masm.js';
import { FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { X } from './encodings.js';
import { LabelEmitter } from './labels.js';
import { RSP } from './registers.js';

// From Width.F32 on.
export const FLOAT_LOADS = [X.movss_rm, X.movsd_rm, X.movups_rm];
export const FLOAT_STORES = [X.movss_mr, X.movsd_mr, X.movups_mr];

export class MoveMasm extends LabelEmitter {
  /** The last storeSlot: where its instruction ended, or -1, and what it stored. */
  private storeEnd = -1;
  private storedReg: Reg = 0;
  private storedSlot = 0;
  private storedWidth = Width.Int32;

  override bind(label: Label): void {
    this.storeEnd = -1;
    super.bind(label);
  }

  move(dst: Reg, src: Reg): void {
    if (dst !== src) this.rr(X.mov_rm, 1, dst, src);
  }

  /** A move of a value known to be 32 bits, upper bits zero: saves the REX prefix. */
  moveInt(wide: number, dst: Reg, src: Reg): void {
    if (dst !== src) this.rr(X.mov_rm, wide, dst, src);
  }

  /** Whole registers: movss and movsd between registers would wait for the old upper part. */
  moveFloat(dst: Reg, src: Reg, _wide: number): void {
    if (dst !== src) this.rr(X.movaps, 0, dst, src);
  }

  exchange(a: Reg, b: Reg): void {
    if (a === b) return;
    if (a < FLOAT_BASE) this.rr(X.xchg, 1, a, b);
    else {
      this.rr(X.movaps, 0, FLOAT_SCRATCH, a);
      this.rr(X.movaps, 0, a, b);
      this.rr(X.movaps, 0, b, FLOAT_SCRATCH);
    }
  }

  constant(dst: Reg, wide: number, lo: number, hi: number): void {
    if (lo === 0 && (wide === 0 || hi === 0)) this.rr(X.xor_rm, 0, dst, dst);
    else if (wide === 0 || hi === 0) this.oi(X.mov_ri32, 0, dst, lo);
    else if (hi === lo >> 31) this.ri(X.mov_mi, 1, dst, lo);
    else this.oi64(X.mov_ri64, dst, lo, hi);
  }

  floatConstant(dst: Reg, wide: number, lo: number, hi: number): void {
    if (lo === 0 && (wide === 0 || hi === 0)) {
      this.rr(X.xorps, 0, dst, dst);
      return;
    }
    this.constant(SCRATCH, wide, lo, hi);
    this.rr(X.movd_xr, wide, dst, SCRATCH);
  }

  loadSlot(width: Width, dst: Reg, slot: number): void {
    if (this.storeEnd !== this.at || this.storedSlot !== slot || this.storedWidth !== width) {
      this.loadField(width, dst, RSP, slot);
    } else if (width <= Width.Int64) this.moveInt(width, dst, this.storedReg);
    else this.moveFloat(dst, this.storedReg, 1);
  }

  storeSlot(width: Width, src: Reg, slot: number): void {
    this.storeField(width, src, RSP, slot);
    this.storeEnd = this.at;
    this.storedReg = src;
    this.storedSlot = slot;
    this.storedWidth = width;
  }

  storeSlotConstant(wide: number, slot: number, lo: number, hi: number): void {
    if (wide === 0 || hi === lo >> 31) {
      this.mi(X.mov_mi, wide, RSP, slot, lo);
      return;
    }
    // Not two 32-bit stores: a 64-bit load of them could not be forwarded.
    this.constant(SCRATCH, 1, lo, hi);
    this.rm(X.mov_mr, 1, SCRATCH, RSP, slot);
  }

  loadField(width: Width, dst: Reg, base: Reg, offset: number): void {
    if (width <= Width.Int64) this.rm(X.mov_rm, width, dst, base, offset);
    else this.rm(FLOAT_LOADS[width - Width.F32], 0, dst, base, offset);
  }

  storeField(width: Width, src: Reg, base: Reg, offset: number): void {
    if (width <= Width.Int64) this.rm(X.mov_mr, width, src, base, offset);
    else this.rm(FLOAT_STORES[width - Width.F32], 0, src, base, offset);
  }
}
