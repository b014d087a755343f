/**
 * The macro-assembler's guest memory accesses and position-independent access to the image's data.
 *
 * An access is one instruction, [base + index + disp32]. The displacement is signed, so an offset from 2^31 on goes
 * through the scratch register; the sum is 64 bits wide and stays inside the memory's reservation.
 */

import type { CodeReferences } from '../masm/code-references.js';
import { LoadOp, NO_REG, type Reg, StoreOp, Width } from '../masm/masm.js';
import { SCRATCH } from './abi.js';
import { X } from './encodings.js';
import { ConversionMasm } from './masm-conversions.js';
import { FLOAT_LOADS, FLOAT_STORES } from './masm-moves.js';

const LOADS = [
  X.mov_rm,
  X.mov_rm,
  X.movss_rm,
  X.movsd_rm,
  X.movsx_8,
  X.movzx_8,
  X.movsx_16,
  X.movzx_16,
  X.movsx_8,
  X.movzx_8,
  X.movsx_16,
  X.movzx_16,
  X.movsxd,
  X.mov_rm,
];
const STORES = [X.mov_mr8, X.mov_mr16, X.mov_mr, X.mov_mr, X.movss_mr, X.movsd_mr];
const STORES_IMM = [X.mov_mi8, X.mov_mi16, X.mov_mi, X.mov_mi];

export class MemoryMasm extends ConversionMasm {
  /** Where offset 0 of this code buffer will lie in the image. */
  imageStart = 0;
  references: CodeReferences | undefined;
  readonly settledFrom = 0;

  load(op: LoadOp, dst: Reg, base: Reg, index: Reg, offset: number): void {
    // The unsigned narrow loads are 32 bits wide: those clear the upper half without a REX.W.
    const wide = op === LoadOp.I64 || op === LoadOp.I64_8S || op === LoadOp.I64_16S ? 1 : 0;
    if (offset > 0x7fffffff) {
      index = this.farIndex(index, offset);
      offset = 0;
    }
    this.faultOffset = this.at;
    this.rx(LOADS[op], wide, dst, base, index, 0, offset);
  }

  store(op: StoreOp, src: Reg, base: Reg, index: Reg, offset: number): void {
    if (offset > 0x7fffffff) {
      index = this.farIndex(index, offset);
      offset = 0;
    }
    this.faultOffset = this.at;
    this.rx(STORES[op], op === StoreOp.Int64 ? 1 : 0, src, base, index, 0, offset);
  }

  storeImm(op: StoreOp, imm: number, base: Reg, index: Reg, offset: number): void {
    if (offset > 0x7fffffff) {
      index = this.farIndex(index, offset);
      offset = 0;
    }
    this.faultOffset = this.at;
    this.xi(STORES_IMM[op], op === StoreOp.Int64 ? 1 : 0, base, index, offset, imm);
  }

  /** base's index for an offset that is no displacement: in the scratch register. */
  protected farIndex(index: Reg, offset: number): Reg {
    this.constant(SCRATCH, 0, offset | 0, 0);
    if (index !== NO_REG) this.rr(X.add_rm, 1, SCRATCH, index);
    return SCRATCH;
  }

  address(dst: Reg, imageOffset: number): void {
    this.rp(X.lea, 1, dst, imageOffset - this.imageStart);
    this.references?.data.add(this.at - 4);
  }

  loadGlobal(width: Width, dst: Reg, imageOffset: number): void {
    const target = imageOffset - this.imageStart;
    if (width <= Width.Int64) this.rp(X.mov_rm, width, dst, target);
    else this.rp(FLOAT_LOADS[width - Width.F32], 0, dst, target);
    this.references?.data.add(this.at - 4);
  }

  storeGlobal(width: Width, src: Reg, imageOffset: number): void {
    const target = imageOffset - this.imageStart;
    if (width <= Width.Int64) this.rp(X.mov_mr, width, src, target);
    else this.rp(FLOAT_STORES[width - Width.F32], 0, src, target);
    this.references?.data.add(this.at - 4);
  }

  storeGlobalConstant(width: Width, imageOffset: number, lo: number): void {
    this.pi(X.mov_mi, width, imageOffset - this.imageStart, lo);
    this.references?.data.add(this.at - 4 - X.mov_mi.immediate);
  }

  compareGlobalImm(imageOffset: number, imm: number): void {
    const compare = imm === (imm << 24) >> 24 ? X.cmp_i8 : X.cmp_i32;
    this.pi(compare, 0, imageOffset - this.imageStart, imm);
    this.references?.data.add(this.at - 4 - compare.immediate);
  }
}
