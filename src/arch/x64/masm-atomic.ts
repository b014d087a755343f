/**
 * The macro-assembler's atomic accesses. A plain load is sequentially consistent when every store is an xchg.
 *
 * xadd and xchg give the old value; and, or and xor need a loop around cmpxchg, which wants it in rax.
 */

import { IntOp, LoadOp, type Reg } from '../masm/masm.js';
import { AtomicOp, AtomicWidth } from '../masm/masm-atomic.js';
import { SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';
import { VectorMasm } from './masm-vector.js';
import { RAX } from './registers.js';

// By AtomicWidth.
const LOAD_OPS = [LoadOp.I64_8U, LoadOp.I64_16U, LoadOp.I64_32U, LoadOp.I64];
const XCHG = [X.xchg_mr8, X.xchg_mr16, X.xchg, X.xchg];
const XADD = [X.lock_xadd_8, X.lock_xadd_16, X.lock_xadd, X.lock_xadd];
const CMPXCHG = [X.lock_cmpxchg_8, X.lock_cmpxchg_16, X.lock_cmpxchg, X.lock_cmpxchg];
// By AtomicOp; those without a loop have none.
const LOOP_OPS = [IntOp.Add, IntOp.Sub, IntOp.And, IntOp.Or, IntOp.Xor];

function wideOf(width: AtomicWidth): number {
  return width === AtomicWidth.W64 ? 1 : 0;
}

export class AtomicMasm extends VectorMasm {
  atomicLoad(width: AtomicWidth, dst: Reg, base: Reg, index: Reg, offset: number): void {
    this.load(LOAD_OPS[width], dst, base, index, offset);
  }

  atomicStore(width: AtomicWidth, src: Reg, base: Reg, index: Reg, offset: number): void {
    this.move(SCRATCH, src);
    this.faultOffset = this.at;
    this.rx(XCHG[width], wideOf(width), SCRATCH, base, index, 0, offset);
  }

  atomicRmw(op: AtomicOp, width: AtomicWidth, _dst: Reg, src: Reg, base: Reg, index: Reg, offset: number): void {
    const wide = wideOf(width);
    if (op === AtomicOp.Add || op === AtomicOp.Sub || op === AtomicOp.Exchange) {
      this.move(RAX, src);
      if (op === AtomicOp.Sub) this.r(X.neg, wide, RAX);
      this.faultOffset = this.at;
      this.rx((op === AtomicOp.Exchange ? XCHG : XADD)[width], wide, RAX, base, index, 0, offset);
      this.zeroExtend(width);
      return;
    }
    this.load(LOAD_OPS[width], RAX, base, index, offset);
    const again = this.at;
    this.move(SCRATCH, RAX);
    this.binary(LOOP_OPS[op], wide, SCRATCH, SCRATCH, src);
    this.rx(CMPXCHG[width], wide, SCRATCH, base, index, 0, offset);
    this.i(X.jcc_rel8[CC.NE], again - (this.at + 2));
  }

  compareExchange(
    width: AtomicWidth,
    _dst: Reg,
    expected: Reg,
    replacement: Reg,
    base: Reg,
    index: Reg,
    offset: number,
  ): void {
    const wide = wideOf(width);
    this.rr(X.mov_rm, wide, RAX, expected); // a 32-bit one may be the low part of an i64
    this.faultOffset = this.at;
    this.rx(CMPXCHG[width], wide, replacement, base, index, 0, offset);
    this.zeroExtend(width);
  }

  fence(): void {
    this.none(X.mfence);
  }

  /** rax, of which an instruction has written the low part; one of 32 bits has cleared the rest. */
  private zeroExtend(width: AtomicWidth): void {
    if (width === AtomicWidth.W8) this.rr(X.movzx_8, 0, RAX, RAX);
    else if (width === AtomicWidth.W16) this.rr(X.movzx_16, 0, RAX, RAX);
  }
}
