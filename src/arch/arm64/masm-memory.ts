/**
 * The macro-assembler's guest memory accesses and position-independent access to the image's data.
 *
 * [base + index] is one instruction, and so is [base + offset] for offsets below 4096 times the size. Others add into
 * the address scratch register first; the sum is 64 bits wide and stays inside the memory's reservation.
 */

import type { CodeReferences } from '../masm/code-references.js';
import { type LoadOp, NO_REG, type Reg, StoreOp, Width } from '../masm/masm.js';
import { ADDRESS_SCRATCH, SCRATCH } from './abi.js';
import { addSubField, isUnscaled, scaledField } from './encoding.js';
import { A } from './encodings.js';
import { ConversionMasm } from './masm-conversions.js';
import { WIDTH_LOADS, WIDTH_SIZES, WIDTH_STORES } from './masm-moves.js';

// By LoadOp, and the log2 of the bytes.
const LOADS = [
  A.ldr_w,
  A.ldr_x,
  A.ldr_s,
  A.ldr_d,
  A.ldrsb_w,
  A.ldrb,
  A.ldrsh_w,
  A.ldrh,
  A.ldrsb_x,
  A.ldrb,
  A.ldrsh_x,
  A.ldrh,
  A.ldrsw,
  A.ldr_w,
];
const LOAD_SIZES = [2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2];
// By StoreOp.
const STORES = [A.strb, A.strh, A.str_w, A.str_x, A.str_s, A.str_d];
const STORE_SIZES = [0, 1, 2, 3, 2, 3];
// By Width.
const LITERALS = [A.ldr_lit_w, A.ldr_lit_x, A.ldr_lit_s, A.ldr_lit_d, A.ldr_lit_q];

/**
 * In loads and stores of all kinds: the bit that tells them apart, and Rt for xzr or for the float scratch register,
 * v31.
 */
const IS_LOAD = 1 << 22;
const ZERO_REGISTER = 31;

/** Of adr and ldr (literal). */
const NEAR = 1 << 20;
const PAGE = 4096;

export class MemoryMasm extends ConversionMasm {
  /** Where offset 0 of this code buffer will lie in the image. */
  imageStart = 0;
  references: CodeReferences | undefined;
  readonly settledFrom = NEAR;

  load(op: LoadOp, dst: Reg, base: Reg, index: Reg, offset: number): void {
    this.accessGuest(LOADS[op], LOAD_SIZES[op], dst, base, index, offset);
  }

  store(op: StoreOp, src: Reg, base: Reg, index: Reg, offset: number): void {
    this.accessGuest(STORES[op], STORE_SIZES[op], src, base, index, offset);
    if (op !== StoreOp.Int8) this.probeStore();
  }

  storeImm(op: StoreOp, imm: number, base: Reg, index: Reg, offset: number): void {
    const wide = op === StoreOp.Int64 ? 1 : 0;
    this.store(op, this.constantOrZero(wide, imm, imm >> 31), base, index, offset);
  }

  protected accessGuest(op: number, log2Size: number, reg: Reg, base: Reg, index: Reg, offset: number): void {
    if (index === NO_REG) this.accessFar(op, log2Size, reg, base, offset);
    else if (offset === 0) this.loadStoreRegister(op, reg, base, index, 0);
    else if (scaledField(offset, log2Size) >= 0 || isUnscaled(offset)) {
      this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, base, index);
      this.access(op, log2Size, reg, ADDRESS_SCRATCH, offset);
    } else {
      const field = addSubField(offset);
      if (field >= 0) this.addSubImmediate(A.add_i, 1, ADDRESS_SCRATCH, index, field);
      else {
        this.constant(ADDRESS_SCRATCH, 0, offset | 0, 0);
        this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, index);
      }
      this.loadStoreRegister(op, reg, base, ADDRESS_SCRATCH, 0);
    }
    this.faultOffset = this.at - 4;
  }

  /**
   * Puts a load of the same bytes before the store that has just been emitted. A store that reaches past the
   * memory's end must have no effect (core spec 4.4.7). The CPU may write its first bytes and fault then (Arm
   * Architecture Reference Manual, B2.2.1: a store across pages is not single-copy atomic). A load writes nothing.
   */
  protected probeStore(): void {
    const probe = this.at - 4;
    const store = this.words[probe >> 2];
    this.words[probe >> 2] = store | IS_LOAD | ZERO_REGISTER;
    this.word(store);
    this.faultOffset = probe;
  }

  private accessFar(op: number, log2Size: number, reg: Reg, base: Reg, offset: number): void {
    if (scaledField(offset, log2Size) >= 0 || isUnscaled(offset)) this.access(op, log2Size, reg, base, offset);
    else {
      this.constant(ADDRESS_SCRATCH, 0, offset | 0, 0); // zero-extended
      this.loadStoreRegister(op, reg, base, ADDRESS_SCRATCH, 0);
    }
  }

  address(dst: Reg, imageOffset: number): void {
    const distance = this.distanceTo(imageOffset);
    if (distance >= -NEAR && distance < NEAR) this.pcRelative(A.adr, dst, distance);
    else {
      this.page(dst, imageOffset);
      const low = imageOffset & (PAGE - 1);
      if (low !== 0) this.addSubImmediate(A.add_i, 1, dst, dst, low);
    }
  }

  /**
   * Distance of an image offset from the next instruction. In a piece of code that is made apart, everything counts as
   * far.
   */
  private distanceTo(imageOffset: number): number {
    return this.references === undefined ? imageOffset - (this.imageStart + this.reserve()) : -Infinity;
  }

  /** dst = the page that an image offset lies in; the image is loaded at a multiple of a page. */
  protected page(dst: Reg, imageOffset: number): void {
    const at = this.imageStart + this.reserve();
    this.references?.data.add(this.at);
    this.pcRelative(A.adrp, dst, Math.floor(imageOffset / PAGE) - Math.floor(at / PAGE));
  }

  loadGlobal(width: Width, dst: Reg, imageOffset: number): void {
    const distance = this.distanceTo(imageOffset);
    if (distance >= -NEAR && distance < NEAR && (distance & 3) === 0) {
      this.loadLiteral(LITERALS[width], dst, distance);
      return;
    }
    this.accessGlobal(WIDTH_LOADS[width], width, dst, imageOffset);
  }

  storeGlobal(width: Width, src: Reg, imageOffset: number): void {
    this.accessGlobal(WIDTH_STORES[width], width, src, imageOffset);
  }

  private accessGlobal(op: number, width: Width, reg: Reg, imageOffset: number): void {
    const low = imageOffset & (PAGE - 1);
    if (scaledField(low, WIDTH_SIZES[width]) >= 0) {
      this.page(ADDRESS_SCRATCH, imageOffset);
      this.loadStore(op, reg, ADDRESS_SCRATCH, low);
    } else {
      this.address(ADDRESS_SCRATCH, imageOffset);
      this.loadStore(op, reg, ADDRESS_SCRATCH, 0);
    }
  }

  storeGlobalConstant(width: Width, imageOffset: number, lo: number): void {
    this.storeGlobal(width, this.constantOrZero(width, lo, lo >> 31), imageOffset);
  }

  compareGlobalImm(imageOffset: number, imm: number): void {
    this.loadGlobal(Width.Int32, SCRATCH, imageOffset);
    this.compareImm(0, SCRATCH, imm);
  }
}
