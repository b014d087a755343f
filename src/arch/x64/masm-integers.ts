/**
 * The macro-assembler's integer arithmetic: three-operand operations lowered to two-operand instructions.
 *
 * `mov dst, lhs; op dst, rhs`, where dst may be rhs: then a commutative operation swaps its operands, subtraction
 * negates. lea adds without a move.
 */

import { TAB_BASE, TAB_LENGTH } from '../../image/contract/instance.js';
import { DivOp, IntOp, IntUnary, type Label, NO_REG, type Reg, ShiftOp } from '../masm/masm.js';
import { SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';
import { MoveMasm } from './masm-moves.js';
import { RAX, RDX, RSP } from './registers.js';

// By IntOp.
const OP_RM = [X.add_rm, X.sub_rm, X.imul_rm, X.and_rm, X.or_rm, X.xor_rm];
const OP_I8 = [X.add_i8, X.sub_i8, X.imul_rmi8, X.and_i8, X.or_i8, X.xor_i8];
const OP_I32 = [X.add_i32, X.sub_i32, X.imul_rmi32, X.and_i32, X.or_i32, X.xor_i32];
const OP_A = [X.add_a, X.sub_a, X.imul_rmi32, X.and_a, X.or_a, X.xor_a];
// By ShiftOp.
const SHIFT_CL = [X.shl_cl, X.sar_cl, X.shr_cl, X.rol_cl, X.ror_cl];
const SHIFT_1 = [X.shl_1, X.sar_1, X.shr_1, X.rol_1, X.ror_1];
const SHIFT_I8 = [X.shl_i8, X.sar_i8, X.shr_i8, X.rol_i8, X.ror_i8];

export class IntegerMasm extends MoveMasm {
  /** Text offset of the instruction that faults: of the last load, store, trap or divide. */
  faultOffset = 0;

  binary(op: IntOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst !== lhs) {
      if (dst === rhs) {
        if (op === IntOp.Sub) {
          this.r(X.neg, wide, dst);
          this.rr(X.add_rm, wide, dst, lhs);
        } else this.rr(OP_RM[op], wide, dst, lhs);
        return;
      }
      if (op === IntOp.Add) {
        this.addScaled(wide, dst, lhs, rhs, 0);
        return;
      }
      this.moveInt(wide, dst, lhs);
    }
    this.rr(OP_RM[op], wide, dst, rhs);
  }

  binaryImm(op: IntOp, wide: number, dst: Reg, lhs: Reg, imm: number): void {
    switch (op) {
      case IntOp.Add:
        this.addImm(wide, dst, lhs, imm);
        return;
      case IntOp.Sub:
        if (imm !== -0x80000000) {
          this.addImm(wide, dst, lhs, -imm);
          return;
        }
        break;
      case IntOp.Mul:
        this.multiplyImm(wide, dst, lhs, imm);
        return;
      case IntOp.And:
        if (imm === -1) {
          this.moveInt(wide, dst, lhs);
          return;
        }
        if (imm === 0) {
          this.rr(X.xor_rm, 0, dst, dst);
          return;
        }
        if (imm === 0xff || imm === 0xffff) {
          this.rr(imm === 0xff ? X.movzx_8 : X.movzx_16, 0, dst, lhs);
          return;
        }
        if (imm > 0) wide = 0; // the upper half of the result is zero
        break;
      default:
        if (imm === 0) {
          this.moveInt(wide, dst, lhs);
          return;
        }
        if (op === IntOp.Xor && imm === -1) {
          this.moveInt(wide, dst, lhs);
          this.r(X.not, wide, dst);
          return;
        }
    }
    this.moveInt(wide, dst, lhs);
    this.updateImm(op, wide, dst, imm);
  }

  /** dst op= imm, in the shortest encoding; not for Mul. */
  protected updateImm(op: IntOp, wide: number, dst: Reg, imm: number): void {
    if (imm === (imm << 24) >> 24) this.ri(OP_I8[op], wide, dst, imm);
    else if (dst === RAX) this.oi(OP_A[op], wide, dst, imm);
    else this.ri(OP_I32[op], wide, dst, imm);
  }

  private addImm(wide: number, dst: Reg, lhs: Reg, imm: number): void {
    if (dst !== lhs) {
      if (imm === 0) this.moveInt(wide, dst, lhs);
      else this.rm(X.lea, wide, dst, lhs, imm);
    } else if (imm === 128) this.ri(X.sub_i8, wide, dst, -128);
    else if (imm !== 0) this.updateImm(IntOp.Add, wide, dst, imm);
  }

  private multiplyImm(wide: number, dst: Reg, lhs: Reg, imm: number): void {
    if (imm === 0) this.rr(X.xor_rm, 0, dst, dst);
    else if (imm === 1) this.moveInt(wide, dst, lhs);
    else if (imm === 3 || imm === 5 || imm === 9)
      this.addScaled(wide, dst, lhs, lhs, imm === 3 ? 1 : imm === 5 ? 2 : 3);
    else if (imm > 0 && (imm & (imm - 1)) === 0) this.shiftImm(ShiftOp.Shl, wide, dst, lhs, 31 - Math.clz32(imm));
    else this.rri(imm === (imm << 24) >> 24 ? X.imul_rmi8 : X.imul_rmi32, wide, dst, lhs, imm);
  }

  binarySlot(op: IntOp, wide: number, dst: Reg, lhs: Reg, slot: number): void {
    this.moveInt(wide, dst, lhs);
    this.rm(OP_RM[op], wide, dst, RSP, slot);
  }

  addScaled(wide: number, dst: Reg, lhs: Reg, rhs: Reg, scale: number): void {
    // rbp and r13 as base cost a displacement byte; unscaled operands may change places.
    if (scale === 0 && (lhs & 7) === 5) this.rx(X.lea, wide, dst, rhs, lhs, 0, 0);
    else this.rx(X.lea, wide, dst, lhs, rhs, scale, 0);
  }

  /** The CPU takes the count modulo the width, as WebAssembly does. */
  shift(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    this.rr(X.mov_rm, 0, SCRATCH, rhs);
    this.moveInt(wide, dst, lhs);
    this.r(SHIFT_CL[op], wide, dst);
  }

  shiftImm(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, imm: number): void {
    if (imm === 1 && op === ShiftOp.Shl && dst !== lhs) {
      this.addScaled(wide, dst, lhs, lhs, 0);
      return;
    }
    this.moveInt(wide, dst, lhs);
    if (imm === 1) this.r(SHIFT_1[op], wide, dst);
    else if (imm !== 0) this.ri(SHIFT_I8[op], wide, dst, imm);
  }

  unary(op: IntUnary, wide: number, dst: Reg, src: Reg): void {
    switch (op) {
      case IntUnary.Clz:
        // bsr gives the highest bit's number, and sets ZF (dst undefined) for 0: then 2w - 1, which the xor turns into
        // w.
        this.rr(X.bsr, wide, dst, src);
        this.constant(SCRATCH, 0, wide !== 0 ? 127 : 63, 0);
        this.rr(X.cmovcc[CC.E], wide, dst, SCRATCH);
        this.ri(X.xor_i8, 0, dst, wide !== 0 ? 63 : 31);
        return;
      case IntUnary.Ctz:
        this.rr(X.bsf, wide, dst, src);
        this.constant(SCRATCH, 0, wide !== 0 ? 64 : 32, 0);
        this.rr(X.cmovcc[CC.E], wide, dst, SCRATCH);
        return;
      case IntUnary.Popcnt:
        this.rr(X.popcnt, wide, dst, src);
        return;
      case IntUnary.Extend8S:
        this.rr(X.movsx_8, wide, dst, src);
        return;
      case IntUnary.Extend16S:
        this.rr(X.movsx_16, wide, dst, src);
        return;
      case IntUnary.Extend32S:
        this.rr(X.movsxd, 1, dst, src);
        return;
      case IntUnary.WrapOrZeroExtend:
        this.rr(X.mov_rm, 0, dst, src); // also when dst is src
    }
  }

  binary128(op: IntOp.Add | IntOp.Sub, lo: Reg, hi: Reg, rhsLo: Reg, rhsHi: Reg): void {
    const isSub = op === IntOp.Sub;
    this.rr(OP_RM[op], 1, lo, rhsLo);
    if (rhsHi === NO_REG) this.ri(isSub ? X.sbb_i8 : X.adc_i8, 1, hi, 0);
    else this.rr(isSub ? X.sbb_rm : X.adc_rm, 1, hi, rhsHi);
  }

  multiplyWide(isSigned: boolean, _lo: Reg, _hi: Reg, _lhs: Reg, rhs: Reg): void {
    this.r(isSigned ? X.imul : X.mul, 1, rhs);
  }

  divide(op: DivOp, wide: number, _dst: Reg, _lhs: Reg, rhs: Reg): void {
    let skip = 0;
    if (op === DivOp.DivU || op === DivOp.RemU) this.rr(X.xor_rm, 0, RDX, RDX);
    else {
      if (op === DivOp.RemS) {
        this.rr(X.xor_rm, 0, RDX, RDX); // the remainder by -1; idiv would fault for the least integer
        this.ri(X.cmp_i8, wide, rhs, -1);
        skip = this.skipIf(CC.E);
      }
      this.none(wide !== 0 ? X.cqo : X.cdq);
    }
    this.faultOffset = this.at;
    this.r(op === DivOp.DivU || op === DivOp.RemU ? X.div : X.idiv, wide, rhs);
    if (skip !== 0) this.skipTo(skip);
    if (op === DivOp.RemS || op === DivOp.RemU) this.moveInt(wide, RAX, RDX);
  }

  compare(wide: number, lhs: Reg, rhs: Reg): void {
    this.rr(X.cmp_rm, wide, lhs, rhs);
  }

  compareImm(wide: number, lhs: Reg, imm: number): void {
    if (imm === 0)
      this.rr(X.test_mr, wide, lhs, lhs); // same flags as a comparison with 0
    else if (imm === (imm << 24) >> 24) this.ri(X.cmp_i8, wide, lhs, imm);
    else if (lhs === RAX) this.oi(X.cmp_a, wide, lhs, imm);
    else this.ri(X.cmp_i32, wide, lhs, imm);
  }

  compareSlot(wide: number, lhs: Reg, slot: number): void {
    this.rm(X.cmp_rm, wide, lhs, RSP, slot);
  }

  testZero(wide: number, reg: Reg): void {
    this.rr(X.test_mr, wide, reg, reg);
  }

  compareField(wide: number, lhs: Reg, base: Reg, offset: number): void {
    this.rm(X.cmp_rm, wide, lhs, base, offset);
  }

  compareFieldImm(wide: number, base: Reg, offset: number, imm: number): void {
    this.mi(imm === (imm << 24) >> 24 ? X.cmp_i8 : X.cmp_i32, wide, base, offset, imm);
  }

  /** Neither mov nor lea changes the flags of the comparison. */
  elementAddress(dst: Reg, table: Reg, offset: number, index: Reg, outOfBounds: Label): void {
    this.rm(X.cmp_rm, 1, index, table, offset + TAB_LENGTH);
    this.jumpIf(CC.AE, outOfBounds);
    this.rm(X.mov_rm, 1, dst, table, offset + TAB_BASE);
    this.rx(X.lea, 1, dst, dst, index, 3, 0);
    this.rm(X.cmovcc[CC.AE], 1, dst, table, offset + TAB_BASE);
  }

  /** Jumps to labels[min(index, count - 1)]. The clamp is a cmov, so that speculation stays in the table too. */
  jumpTable(index: Reg, labels: Int32Array, count: number): void {
    if (count > 1) {
      this.constant(SCRATCH, 0, count - 1, 0);
      this.rr(X.cmp_rm, 0, index, SCRATCH);
      this.rr(X.cmovcc[CC.A], 0, index, SCRATCH);
      const lea = this.at;
      this.rp(X.lea, 1, SCRATCH, 0);
      const leaEnd = this.at;
      // An entry counts from its own end, like a jump: so it can be a label's fixup.
      this.rx(X.lea, 1, SCRATCH, SCRATCH, index, 2, 4);
      this.rm(X.movsxd, 1, index, SCRATCH, -4);
      this.rr(X.add_rm, 1, SCRATCH, index);
      this.r(X.jmp_m, 0, SCRATCH);
      while ((this.at & 3) !== 0) this.none(X.int3);
      this.writeInt32(lea + 3, this.at - leaEnd);
      for (let i = 0; i < count; i++) this.labelField(labels[i]);
    } else this.jump(labels[0]);
  }
}
