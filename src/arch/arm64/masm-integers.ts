/**
 * The macro-assembler's integer arithmetic: mostly one instruction, after a constant where no immediate fits.
 */

import { TAB_BASE, TAB_LENGTH } from '../../image/contract/instance.js';
import { DivOp, IntOp, IntUnary, type Label, NO_REG, type Reg, ShiftOp, Width } from '../masm/masm.js';
import { ADDRESS_SCRATCH, FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { addSubField, CC, logicalField } from './encoding.js';
import { A } from './encodings.js';
import { MoveMasm } from './masm-moves.js';
import { ZR } from './registers.js';

/** The most bytes before a jump table's entries. */
const TABLE_CODE = 64;

export class IntegerMasm extends MoveMasm {
  /** Text offset of the instruction that faults: of the last load, store, trap or divide. */
  faultOffset = 0;

  binary(op: IntOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    switch (op) {
      case IntOp.Add:
        this.addSubShifted(A.add_r, wide, dst, lhs, rhs);
        return;
      case IntOp.Sub:
        this.addSubShifted(A.sub_r, wide, dst, lhs, rhs);
        return;
      case IntOp.Mul:
        this.threeSource(A.madd, wide, dst, lhs, rhs, ZR);
        return;
      case IntOp.And:
        this.logicalShifted(A.and_r, wide, dst, lhs, rhs);
        return;
      case IntOp.Or:
        this.logicalShifted(A.orr_r, wide, dst, lhs, rhs);
        return;
      case IntOp.Xor:
        this.logicalShifted(A.eor_r, wide, dst, lhs, rhs);
    }
  }

  binaryImm(op: IntOp, wide: number, dst: Reg, lhs: Reg, imm: number): void {
    switch (op) {
      case IntOp.Add:
        if (imm === 0) this.moveInt(wide, dst, lhs);
        else this.addConstant(wide, dst, lhs, imm);
        return;
      case IntOp.Sub:
        if (imm === 0) this.moveInt(wide, dst, lhs);
        else this.addConstant(wide, dst, lhs, wide === 0 ? -imm | 0 : -imm);
        return;
      case IntOp.Mul:
        this.multiplyImm(wide, dst, lhs, imm);
        return;
      case IntOp.And:
        if (imm === 0) this.constant(dst, 0, 0, 0);
        else if (imm === -1) this.moveInt(wide, dst, lhs);
        else this.logicalImm(A.and_i, A.and_r, imm > 0 ? 0 : wide, dst, lhs, imm);
        return;
      case IntOp.Or:
        if (imm === 0) this.moveInt(wide, dst, lhs);
        else this.logicalImm(A.orr_i, A.orr_r, wide, dst, lhs, imm);
        return;
      case IntOp.Xor:
        if (imm === 0) this.moveInt(wide, dst, lhs);
        else if (imm === -1) this.logicalShifted(A.orn_r, wide, dst, ZR, lhs);
        else this.logicalImm(A.eor_i, A.eor_r, wide, dst, lhs, imm);
    }
  }

  private logicalImm(immediate: number, register: number, wide: number, dst: Reg, lhs: Reg, imm: number): void {
    const field = logicalField(wide, imm, imm >> 31);
    if (field >= 0) this.logicalImmediate(immediate, wide, dst, lhs, field);
    else {
      this.constant(ADDRESS_SCRATCH, wide, imm, imm >> 31);
      this.logicalShifted(register, wide, dst, lhs, ADDRESS_SCRATCH);
    }
  }

  private multiplyImm(wide: number, dst: Reg, lhs: Reg, imm: number): void {
    if (imm === 0) this.constant(dst, 0, 0, 0);
    else if (imm === 1) this.moveInt(wide, dst, lhs);
    else if (imm === -1) this.addSubShifted(A.sub_r, wide, dst, ZR, lhs);
    else if (imm > 0 && (imm & (imm - 1)) === 0) this.shiftImm(ShiftOp.Shl, wide, dst, lhs, 31 - Math.clz32(imm));
    else if (imm > 0 && ((imm - 1) & (imm - 2)) === 0)
      this.addSubShifted(A.add_r, wide, dst, lhs, lhs, 31 - Math.clz32(imm - 1));
    else {
      this.constant(ADDRESS_SCRATCH, wide, imm, imm >> 31);
      this.threeSource(A.madd, wide, dst, lhs, ADDRESS_SCRATCH, ZR);
    }
  }

  binarySlot(op: IntOp, wide: number, dst: Reg, lhs: Reg, slot: number): void {
    this.loadSlot(wide !== 0 ? Width.Int64 : Width.Int32, SCRATCH, slot);
    this.binary(op, wide, dst, lhs, SCRATCH);
  }

  addScaled(wide: number, dst: Reg, lhs: Reg, rhs: Reg, scale: number): void {
    this.addSubShifted(A.add_r, wide, dst, lhs, rhs, scale);
  }

  /** The CPU takes the count modulo the width, as WebAssembly does. */
  shift(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    switch (op) {
      case ShiftOp.Shl:
        this.twoSource(A.lslv, wide, dst, lhs, rhs);
        return;
      case ShiftOp.ShrS:
        this.twoSource(A.asrv, wide, dst, lhs, rhs);
        return;
      case ShiftOp.ShrU:
        this.twoSource(A.lsrv, wide, dst, lhs, rhs);
        return;
      case ShiftOp.Rotl:
        this.addSubShifted(A.sub_r, wide, SCRATCH, ZR, rhs);
        this.twoSource(A.rorv, wide, dst, lhs, SCRATCH);
        return;
      case ShiftOp.Rotr:
        this.twoSource(A.rorv, wide, dst, lhs, rhs);
    }
  }

  shiftImm(op: ShiftOp, wide: number, dst: Reg, lhs: Reg, imm: number): void {
    const bits = wide !== 0 ? 64 : 32;
    if (imm === 0) {
      this.moveInt(wide, dst, lhs);
      return;
    }
    switch (op) {
      case ShiftOp.Shl:
        this.bitfield(A.ubfm, wide, dst, lhs, bits - imm, bits - 1 - imm);
        return;
      case ShiftOp.ShrS:
        this.bitfield(A.sbfm, wide, dst, lhs, imm, bits - 1);
        return;
      case ShiftOp.ShrU:
        this.bitfield(A.ubfm, wide, dst, lhs, imm, bits - 1);
        return;
      case ShiftOp.Rotl:
        this.extract(A.extr, wide, dst, lhs, lhs, bits - imm);
        return;
      case ShiftOp.Rotr:
        this.extract(A.extr, wide, dst, lhs, lhs, imm);
    }
  }

  unary(op: IntUnary, wide: number, dst: Reg, src: Reg): void {
    switch (op) {
      case IntUnary.Clz:
        this.oneSource(A.clz, wide, dst, src);
        return;
      case IntUnary.Ctz:
        this.oneSource(A.rbit, wide, dst, src);
        this.oneSource(A.clz, wide, dst, dst);
        return;
      case IntUnary.Popcnt: // only vectors are counted: of each byte, then their sum
        this.floatFromInt(A.fmov_rf, wide, wide, FLOAT_SCRATCH, src);
        this.simdTwo(A.cnt_8b, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
        this.simdTwo(A.addv_8b, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
        this.intFromFloat(A.fmov_fr, 0, 0, dst, FLOAT_SCRATCH);
        return;
      case IntUnary.Extend8S:
        this.bitfield(A.sbfm, wide, dst, src, 0, 7);
        return;
      case IntUnary.Extend16S:
        this.bitfield(A.sbfm, wide, dst, src, 0, 15);
        return;
      case IntUnary.Extend32S:
        this.bitfield(A.sbfm, 1, dst, src, 0, 31);
        return;
      case IntUnary.WrapOrZeroExtend:
        this.logicalShifted(A.orr_r, 0, dst, ZR, src); // also when dst is src
    }
  }

  binary128(op: IntOp.Add | IntOp.Sub, lo: Reg, hi: Reg, rhsLo: Reg, rhsHi: Reg): void {
    const isSub = op === IntOp.Sub;
    this.addSubShifted(isSub ? A.subs_r : A.adds_r, 1, lo, lo, rhsLo);
    this.addSubCarry(isSub ? A.sbc : A.adc, 1, hi, hi, rhsHi === NO_REG ? ZR : rhsHi);
  }

  multiplyWide(isSigned: boolean, lo: Reg, hi: Reg, lhs: Reg, rhs: Reg): void {
    this.threeSource(isSigned ? A.smulh : A.umulh, 1, hi, lhs, rhs, ZR);
    this.threeSource(A.madd, 1, lo, lhs, rhs, ZR);
  }

  /** Nothing faults by itself: the overflow of DivS is found first, as lhs - 1 overflows only for the least integer. */
  divide(op: DivOp, wide: number, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (op === DivOp.DivS) {
      this.addSubImmediate(A.adds_i, wide, ZR, rhs, 1);
      this.conditionalCompare(A.ccmp_i, wide, lhs, 1, 0, CC.EQ);
      const fits = this.skipIf(CC.VC);
      this.none(A.udf);
      this.faultOffset = this.at - 4;
      this.skipTo(fits);
    }
    const e = op === DivOp.DivU || op === DivOp.RemU ? A.udiv : A.sdiv;
    if (op === DivOp.DivS || op === DivOp.DivU) {
      this.twoSource(e, wide, dst, lhs, rhs);
      return;
    }
    this.twoSource(e, wide, SCRATCH, lhs, rhs);
    this.threeSource(A.msub, wide, dst, SCRATCH, rhs, lhs);
  }

  compare(wide: number, lhs: Reg, rhs: Reg): void {
    this.addSubShifted(A.subs_r, wide, ZR, lhs, rhs);
  }

  compareImm(wide: number, lhs: Reg, imm: number): void {
    if (imm === 0) {
      this.testZero(wide, lhs);
      return;
    }
    const positive = addSubField(imm);
    const negative = positive < 0 ? addSubField(-imm) : -1;
    if (positive >= 0) this.addSubImmediate(A.subs_i, wide, ZR, lhs, positive);
    else if (negative >= 0) this.addSubImmediate(A.adds_i, wide, ZR, lhs, negative);
    else {
      this.constant(ADDRESS_SCRATCH, wide, imm, imm >> 31);
      this.compare(wide, lhs, ADDRESS_SCRATCH);
    }
  }

  compareSlot(wide: number, lhs: Reg, slot: number): void {
    this.loadSlot(wide !== 0 ? Width.Int64 : Width.Int32, SCRATCH, slot);
    this.compare(wide, lhs, SCRATCH);
  }

  /** branch() after it makes both a cbz. */
  testZero(wide: number, reg: Reg): void {
    this.addSubImmediate(A.subs_i, wide, ZR, reg, 0);
    this.zeroTestEnd = this.at;
    this.zeroTestReg = reg;
    this.zeroTestWide = wide;
  }

  compareField(wide: number, lhs: Reg, base: Reg, offset: number): void {
    this.loadField(wide !== 0 ? Width.Int64 : Width.Int32, SCRATCH, base, offset);
    this.compare(wide, lhs, SCRATCH);
  }

  compareFieldImm(wide: number, base: Reg, offset: number, imm: number): void {
    this.loadField(wide !== 0 ? Width.Int64 : Width.Int32, SCRATCH, base, offset);
    this.compareImm(wide, SCRATCH, imm);
  }

  elementAddress(dst: Reg, table: Reg, offset: number, index: Reg, outOfBounds: Label): void {
    this.loadField(Width.Int64, SCRATCH, table, offset + TAB_LENGTH);
    this.compare(1, index, SCRATCH);
    this.jumpIf(CC.HS, outOfBounds);
    this.guardedSelect(SCRATCH, index, ZR, CC.LO);
    this.loadField(Width.Int64, dst, table, offset + TAB_BASE);
    this.addSubShifted(A.add_r, 1, dst, dst, SCRATCH, 3);
  }

  /**
   * dst = the condition holds ? a : b. The barrier keeps a CPU from predicting which (Arm Architecture Reference
   * Manual, CSDB).
   */
  private guardedSelect(dst: Reg, a: Reg, b: Reg, cc: number): void {
    this.conditionalSelect(A.csel, 1, dst, a, b, cc);
    this.none(A.csdb);
  }

  /** Jumps to labels[min(index, count - 1)]. The clamp is a csel, so that speculation stays in the table too. */
  jumpTable(index: Reg, labels: Int32Array, count: number): void {
    if (count === 1) {
      this.jump(labels[0]);
      return;
    }
    this.keepTogether(4 * count + TABLE_CODE);
    this.constant(SCRATCH, 0, count - 1, 0);
    this.compare(0, index, SCRATCH);
    this.guardedSelect(SCRATCH, index, SCRATCH, CC.LO);
    this.pcRelative(A.adr, ADDRESS_SCRATCH, 0);
    const adr = this.at - 4;
    // An entry counts from its own position.
    this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, SCRATCH, 2);
    this.loadStore(A.ldrsw, SCRATCH, ADDRESS_SCRATCH, 0);
    this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, SCRATCH);
    this.branchRegister(A.br, ADDRESS_SCRATCH);
    this.words[adr >> 2] |= ((this.at - adr) >> 2) << 5;
    for (let i = 0; i < count; i++) this.labelField(labels[i] as Label);
  }
}
