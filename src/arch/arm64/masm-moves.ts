/**
 * The macro-assembler's moves: between registers, constants, frame slots, fields.
 *
 * A field whose offset no addressing mode can hold is reached through the address scratch register, never through the
 * other scratch register, in which the code generator passes values (MacroAssembler.scratch).
 */

import { FLOAT_BASE, type Label, NO_REG, type Reg, Width } from '../masm/masm.js';
import { ADDRESS_SCRATCH, FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { addSubField, floatField, isUnscaled, logicalField, scaledField } from './encoding.js';
import { A } from './encodings.js';
import { V } from './encodings-vector.js';
import { LiteralEmitter } from './literals.js';
import { SP, ZR } from './registers.js';

// By Width.
export const WIDTH_LOADS = [A.ldr_w, A.ldr_x, A.ldr_s, A.ldr_d, A.ldr_q];
export const WIDTH_STORES = [A.str_w, A.str_x, A.str_s, A.str_d, A.str_q];
/** log2 of the bytes. */
export const WIDTH_SIZES = [2, 3, 2, 3, 4];

export class MoveMasm extends LiteralEmitter {
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
    if (dst === src) return;
    if (dst === SP || src === SP) this.addSubImmediate(A.add_i, 1, dst, src, 0);
    else this.logicalShifted(A.orr_r, 1, dst, ZR, src);
  }

  /** A move of a value known to be 32 bits, upper bits zero, or of all 64. */
  moveInt(wide: number, dst: Reg, src: Reg): void {
    if (dst !== src) this.logicalShifted(A.orr_r, wide, dst, ZR, src);
  }

  moveFloat(dst: Reg, src: Reg, wide: number): void {
    if (dst !== src) this.floatOneSource(A.fmov, wide, dst, src);
  }

  moveVector(dst: Reg, src: Reg): void {
    if (dst !== src) this.simdThree(V.orr, 0, dst, src, src);
  }

  exchange(a: Reg, b: Reg): void {
    if (a === b) return;
    if (a < FLOAT_BASE) {
      this.move(SCRATCH, a);
      this.move(a, b);
      this.move(b, SCRATCH);
    } else {
      this.moveVector(FLOAT_SCRATCH, a);
      this.moveVector(a, b);
      this.moveVector(b, FLOAT_SCRATCH);
    }
  }

  /** One instruction where a bitmask immediate will do, else movz or movn and a movk for each other half-word. */
  constant(dst: Reg, wide: number, lo: number, hi: number): void {
    lo |= 0;
    if (wide === 0) hi = 0;
    if (hi === 0) this.constant32(dst, lo);
    else this.constant64(dst, lo, hi);
  }

  private constant32(dst: Reg, lo: number): void {
    const low = lo & 0xffff;
    const high = lo >>> 16;
    if (high === 0) this.moveWide(A.movz, 0, dst, low, 0);
    else if (low === 0) this.moveWide(A.movz, 0, dst, high, 1);
    else if (high === 0xffff) this.moveWide(A.movn, 0, dst, low ^ 0xffff, 0);
    else if (low === 0xffff) this.moveWide(A.movn, 0, dst, high ^ 0xffff, 1);
    else {
      const field = logicalField(0, lo, 0);
      if (field >= 0) this.logicalImmediate(A.orr_i, 0, dst, ZR, field);
      else {
        this.moveWide(A.movz, 0, dst, low, 0);
        this.moveWide(A.movk, 0, dst, high, 1);
      }
    }
  }

  private constant64(dst: Reg, lo: number, hi: number): void {
    const zeros = count(lo, hi, 0);
    const ones = count(lo, hi, 0xffff);
    if (zeros < 3 && ones < 3) {
      const field = logicalField(1, lo, hi);
      if (field >= 0) {
        this.logicalImmediate(A.orr_i, 1, dst, ZR, field);
        return;
      }
    }
    const fill = ones > zeros ? 0xffff : 0;
    let first = true;
    for (let hw = 0; hw < 4; hw++) {
      const half = halfWord(lo, hi, hw);
      if (half === fill) continue;
      if (!first) this.moveWide(A.movk, 1, dst, half, hw);
      else this.moveWide(fill === 0 ? A.movz : A.movn, 1, dst, half ^ fill, hw);
      first = false;
    }
    if (first) this.moveWide(A.movn, 1, dst, 0, 0); // all ones
  }

  floatConstant(dst: Reg, wide: number, lo: number, hi: number): void {
    if (lo === 0 && (wide === 0 || hi === 0)) {
      this.floatFromInt(A.fmov_rf, wide, wide, dst, ZR);
      return;
    }
    const imm8 = floatField(wide, lo, hi);
    if (imm8 >= 0) this.floatImmediate(A.fmov_i, wide, dst, imm8);
    else {
      this.constant(SCRATCH, wide, lo, hi);
      this.floatFromInt(A.fmov_rf, wide, wide, dst, SCRATCH);
    }
  }

  loadSlot(width: Width, dst: Reg, slot: number): void {
    if (this.storeEnd !== this.at || this.storedSlot !== slot || this.storedWidth !== width) {
      this.access(WIDTH_LOADS[width], WIDTH_SIZES[width], dst, SP, slot);
    } else if (width <= Width.Int64) this.moveInt(width, dst, this.storedReg);
    else this.moveVector(dst, this.storedReg);
  }

  storeSlot(width: Width, src: Reg, slot: number): void {
    this.access(WIDTH_STORES[width], WIDTH_SIZES[width], src, SP, slot);
    this.storeEnd = this.at;
    this.storedReg = src;
    this.storedSlot = slot;
    this.storedWidth = width;
  }

  storeSlotConstant(wide: number, slot: number, lo: number, hi: number): void {
    this.storeSlot(wide !== 0 ? Width.Int64 : Width.Int32, this.constantOrZero(wide, lo, hi), slot);
  }

  /** A register with the constant: the zero register, or the scratch one. */
  protected constantOrZero(wide: number, lo: number, hi: number): Reg {
    if (lo === 0 && (wide === 0 || hi === 0)) return ZR;
    this.constant(SCRATCH, wide, lo, hi);
    return SCRATCH;
  }

  loadField(width: Width, dst: Reg, base: Reg, offset: number): void {
    this.access(WIDTH_LOADS[width], WIDTH_SIZES[width], dst, base, offset);
  }

  storeField(width: Width, src: Reg, base: Reg, offset: number): void {
    this.access(WIDTH_STORES[width], WIDTH_SIZES[width], src, base, offset);
  }

  /** A load or store at [base + offset], offset of any size; of 1 << log2Size bytes. */
  protected access(op: number, log2Size: number, reg: Reg, base: Reg, offset: number): void {
    const field = scaledField(offset, log2Size);
    if (field >= 0) this.loadStoreField(op, reg, base, field);
    else if (isUnscaled(offset)) this.loadStoreUnscaled(op, reg, base, offset);
    else {
      const low = offset & 0xfff;
      const high = addSubField(offset - low);
      if (high >= 0 && scaledField(low, log2Size) >= 0) {
        this.addSubImmediate(A.add_i, 1, ADDRESS_SCRATCH, base, high);
        this.loadStore(op, reg, ADDRESS_SCRATCH, low);
      } else {
        this.constant(ADDRESS_SCRATCH, 1, offset | 0, offset < 0 ? -1 : 0);
        this.loadStoreRegister(op, reg, base, ADDRESS_SCRATCH, 0);
      }
    }
  }

  /** dst = lhs + imm of any size; `temporary` may be dst, unless that is lhs. */
  protected addConstant(wide: number, dst: Reg, lhs: Reg, imm: number, temporary: Reg = ADDRESS_SCRATCH): void {
    const positive = addSubField(imm);
    const negative = positive < 0 ? addSubField(-imm) : NO_REG;
    if (positive >= 0) this.addSubImmediate(A.add_i, wide, dst, lhs, positive);
    else if (negative >= 0) this.addSubImmediate(A.sub_i, wide, dst, lhs, negative);
    else {
      this.constant(temporary, wide, imm | 0, imm < 0 ? -1 : 0);
      // as an extended register, so that the others may be the stack pointer
      if (dst === SP || lhs === SP) this.addSubExtended(A.add_x, 1, dst, lhs, temporary, 3);
      else this.addSubShifted(A.add_r, wide, dst, lhs, temporary);
    }
  }
}

function halfWord(lo: number, hi: number, hw: number): number {
  const word = hw < 2 ? lo : hi;
  return hw & 1 ? word >>> 16 : word & 0xffff;
}

function count(lo: number, hi: number, value: number): number {
  let n = 0;
  for (let hw = 0; hw < 4; hw++) if (halfWord(lo, hi, hw) === value) n++;
  return n;
}
