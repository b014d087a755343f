/**
 * The macro-assembler's atomic accesses: load-acquire and store-release, and loops of their exclusive forms.
 *
 * These take no offset, so the address goes to the scratch register for addresses. The status of a store-exclusive must
 * not be in a register that it stores (Arm Architecture Reference Manual, K1.2.3): loops with a result to store need
 * one more.
 */

import { IntOp, NO_REG, type Reg } from '../masm/masm.js';
import { AtomicOp, AtomicWidth } from '../masm/masm-atomic.js';
import { ADDRESS_SCRATCH, SCRATCH } from './abi.js';
import { addSubField, CC } from './encoding.js';
import { A } from './encodings.js';
import { VectorMasm } from './masm-vector.js';

// By AtomicWidth.
const LDAR = [A.ldarb, A.ldarh, A.ldar_w, A.ldar_x];
const STLR = [A.stlrb, A.stlrh, A.stlr_w, A.stlr_x];
const LDAXR = [A.ldaxrb, A.ldaxrh, A.ldaxr_w, A.ldaxr_x];
const STLXR = [A.stlxrb, A.stlxrh, A.stlxr_w, A.stlxr_x];
// By AtomicOp but Exchange.
const OPS = [IntOp.Add, IntOp.Sub, IntOp.And, IntOp.Or, IntOp.Xor];

export class AtomicMasm extends VectorMasm {
  atomicLoad(width: AtomicWidth, dst: Reg, base: Reg, index: Reg, offset: number): void {
    this.loadStoreOrdered(LDAR[width], dst, this.atomicAddress(base, index, offset));
    this.faultOffset = this.at - 4;
  }

  atomicStore(width: AtomicWidth, src: Reg, base: Reg, index: Reg, offset: number): void {
    this.loadStoreOrdered(STLR[width], src, this.atomicAddress(base, index, offset));
    this.faultOffset = this.at - 4;
  }

  atomicRmw(
    op: AtomicOp,
    width: AtomicWidth,
    dst: Reg,
    src: Reg,
    base: Reg,
    index: Reg,
    offset: number,
    temp: Reg,
  ): void {
    const address = this.atomicAddress(base, index, offset);
    const again = this.reserve();
    this.loadStoreOrdered(LDAXR[width], dst, address);
    this.faultOffset = this.at - 4;
    let result = src;
    if (op !== AtomicOp.Exchange) {
      result = SCRATCH;
      this.binary(OPS[op], width === AtomicWidth.W64 ? 1 : 0, result, dst, src);
    }
    this.storeExclusive(STLXR[width], temp, result, address);
    this.compareAndBranch(A.cbnz, 0, temp, again - this.reserve());
  }

  compareExchange(
    width: AtomicWidth,
    dst: Reg,
    expected: Reg,
    replacement: Reg,
    base: Reg,
    index: Reg,
    offset: number,
  ): void {
    const address = this.atomicAddress(base, index, offset);
    const again = this.reserve();
    this.loadStoreOrdered(LDAXR[width], dst, address);
    this.faultOffset = this.at - 4;
    // The loaded value less the low part of what is expected: uxtb, uxth, uxtw, uxtx.
    this.addSubExtended(A.subs_x, width === AtomicWidth.W64 ? 1 : 0, 31, dst, expected, width);
    const differs = this.skipIf(CC.NE);
    this.storeExclusive(STLXR[width], SCRATCH, replacement, address);
    this.compareAndBranch(A.cbnz, 0, SCRATCH, again - this.reserve());
    this.skipTo(differs);
  }

  fence(): void {
    this.none(A.dmb_ish);
  }

  /** The register with base + index + offset. */
  private atomicAddress(base: Reg, index: Reg, offset: number): Reg {
    const field = addSubField(offset);
    if (field > 0) {
      this.addSubImmediate(A.add_i, 1, ADDRESS_SCRATCH, base, field);
      base = ADDRESS_SCRATCH;
    } else if (offset !== 0) {
      this.constant(ADDRESS_SCRATCH, 0, offset, 0);
      this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, base);
      base = ADDRESS_SCRATCH;
    }
    if (index === NO_REG) return base;
    this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, base, index);
    return ADDRESS_SCRATCH;
  }
}
