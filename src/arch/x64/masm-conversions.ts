/**
 * The macro-assembler's conversions between integers and floats.
 *
 * cvttss2si and cvttsd2si give the least integer ("integer indefinite") for NaN and for what does not fit. A 32-bit
 * result is computed in 64 bits: it did not fit exactly when sign- or zero-extending its low 32 bits changes it. A
 * 64-bit result is checked again when it is the least integer. Unsigned 64 bits have no instruction: both directions
 * treat the upper half of the range on its own.
 */

import { Conversion, type Label, type Reg, type Truncation } from '../masm/masm.js';
import { FLOAT_SCRATCH, FLOAT_SCRATCH_2, SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';
import { FloatMasm } from './masm-floats.js';

export class ConversionMasm extends FloatMasm {
  convert(op: Conversion, dst: Reg, src: Reg): void {
    switch (op) {
      case Conversion.F32FromI32S:
        this.partial(X.cvtsi2ss, 0, dst, src);
        return;
      case Conversion.F32FromI32U: // its upper half is zero: as a signed 64-bit one
      case Conversion.F32FromI64S:
        this.partial(X.cvtsi2ss, 1, dst, src);
        return;
      case Conversion.F64FromI32S:
        this.partial(X.cvtsi2sd, 0, dst, src);
        return;
      case Conversion.F64FromI32U:
      case Conversion.F64FromI64S:
        this.partial(X.cvtsi2sd, 1, dst, src);
        return;
      case Conversion.F32FromI64U:
        this.convertUnsigned64(0, dst, src);
        return;
      case Conversion.F64FromI64U:
        this.convertUnsigned64(1, dst, src);
        return;
      case Conversion.F32Demote:
        this.partial(X.cvtsd2ss, 0, dst, src);
        return;
      case Conversion.F64Promote:
        this.partial(X.cvtss2sd, 0, dst, src);
        return;
      case Conversion.I32FromF32Bits:
        this.rr(X.movd_rx, 0, src, dst);
        return;
      case Conversion.I64FromF64Bits:
        this.rr(X.movd_rx, 1, src, dst);
        return;
      case Conversion.F32FromI32Bits:
        this.rr(X.movd_xr, 0, dst, src);
        return;
      case Conversion.F64FromI64Bits:
        this.rr(X.movd_xr, 1, dst, src);
    }
  }

  /** From 2^63 on: half of it, the lost bit kept so that it rounds alike, then doubled. */
  private convertUnsigned64(wide: number, dst: Reg, src: Reg): void {
    const e = wide !== 0 ? X.cvtsi2sd : X.cvtsi2ss;
    this.rr(X.xorps, 0, dst, dst);
    this.rr(X.test_mr, 1, src, src);
    const big = this.skipIf(CC.S);
    this.rr(e, 1, dst, src);
    const done = this.skip();
    this.skipTo(big);
    this.rr(X.mov_rm, 1, SCRATCH, src);
    this.r(X.shr_1, 1, SCRATCH);
    const exact = this.skipIf(CC.AE);
    this.ri(X.or_i8, 1, SCRATCH, 1);
    this.skipTo(exact);
    this.rr(e, 1, dst, SCRATCH);
    this.rr(wide !== 0 ? X.addsd : X.addss, 0, dst, dst);
    this.skipTo(done);
  }

  truncate(op: Truncation, dst: Reg, src: Reg, invalid: Label, overflow: Label): void {
    const double = op >> 2;
    const unsigned = op & 1;
    if ((op & 2) === 0) {
      const done = this.truncateTo32(double, unsigned, dst, src);
      this.ucomis(double, src, src);
      this.jumpIf(CC.P, invalid);
      this.jump(overflow);
      this.skipTo(done);
      this.rr(X.mov_rm, 0, dst, SCRATCH);
    } else if (unsigned === 0) {
      const done = this.truncateTo64(double, dst, src);
      this.ucomis(double, src, src);
      this.jumpIf(CC.P, invalid);
      // Only -2^63 itself fits: no float lies between it and -2^63 - 1.
      this.floatConstant(FLOAT_SCRATCH, double, double !== 0 ? 0 : 0xdf000000 | 0, 0xc3e00000 | 0);
      this.ucomis(double, src, FLOAT_SCRATCH);
      this.jumpIf(CC.NE, overflow);
      this.skipTo(done);
    } else {
      const big = this.truncateLower(double, dst, src);
      const done = this.skipIf(CC.NS);
      this.ucomis(double, src, src);
      this.jumpIf(CC.P, invalid);
      this.jump(overflow);
      this.skipTo(big);
      this.truncateUpper(double, dst, src);
      this.rr(X.test_mr, 1, dst, dst);
      this.jumpIf(CC.S, overflow);
      this.ri(X.bts_i8, 1, dst, 63);
      this.skipTo(done);
    }
  }

  truncateSaturating(op: Truncation, dst: Reg, src: Reg): void {
    const double = op >> 2;
    const unsigned = op & 1;
    if ((op & 2) === 0) {
      const done = this.truncateTo32(double, unsigned, dst, src);
      this.rr(X.xorps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
      this.rr(X.xor_rm, 0, SCRATCH, SCRATCH);
      this.ucomis(double, src, FLOAT_SCRATCH);
      if (unsigned !== 0) {
        const zero = this.skipIf(CC.BE); // negative or NaN
        this.constant(SCRATCH, 0, -1, 0);
        this.skipTo(zero);
      } else {
        const nan = this.skipIf(CC.P);
        this.constant(SCRATCH, 0, 0x7fffffff, 0);
        const most = this.skipIf(CC.A);
        this.constant(SCRATCH, 0, -0x80000000, 0);
        this.skipTo(most);
        this.skipTo(nan);
      }
      this.skipTo(done);
      this.rr(X.mov_rm, 0, dst, SCRATCH);
    } else if (unsigned === 0) {
      const done = this.truncateTo64(double, dst, src);
      this.rr(X.xorps, 0, FLOAT_SCRATCH, FLOAT_SCRATCH);
      this.ucomis(double, src, FLOAT_SCRATCH);
      const nan = this.skipIf(CC.P);
      const least = this.skipIf(CC.B);
      this.r(X.not, 1, dst); // the least integer becomes the greatest
      const most = this.skip();
      this.skipTo(nan);
      this.rr(X.xor_rm, 0, dst, dst);
      this.skipTo(done);
      this.skipTo(least);
      this.skipTo(most);
    } else {
      const big = this.truncateLower(double, dst, src);
      const done = this.skipIf(CC.NS);
      this.rr(X.xor_rm, 0, dst, dst); // negative or NaN
      const zero = this.skip();
      this.skipTo(big);
      this.truncateUpper(double, dst, src);
      this.rr(X.mov_rm, 1, SCRATCH, dst);
      this.ri(X.sar_i8, 1, SCRATCH, 63);
      this.rr(X.or_rm, 1, dst, SCRATCH); // all ones when it did not fit
      this.ri(X.bts_i8, 1, dst, 63);
      this.skipTo(done);
      this.skipTo(zero);
    }
  }

  private cvtt(double: number, wide: number, dst: Reg, src: Reg): void {
    this.rr(double !== 0 ? X.cvttsd2si : X.cvttss2si, wide, dst, src);
  }

  /** The result in the scratch register; falls through when it does not fit. Returns the skip for when it does. */
  private truncateTo32(double: number, unsigned: number, dst: Reg, src: Reg): number {
    this.cvtt(double, 1, dst, src);
    if (unsigned !== 0) this.rr(X.mov_rm, 0, SCRATCH, dst);
    else this.rr(X.movsxd, 1, SCRATCH, dst);
    this.rr(X.cmp_rm, 1, SCRATCH, dst);
    return this.skipIf(CC.E);
  }

  /** The signed result; falls through when it is the least integer. */
  private truncateTo64(double: number, dst: Reg, src: Reg): number {
    this.cvtt(double, 1, dst, src);
    this.ri(X.cmp_i8, 1, dst, 1);
    return this.skipIf(CC.NO);
  }

  /** Unsigned: returns the skip for 2^63 and above. Else truncates and sets SF when below 0 or NaN. */
  private truncateLower(double: number, dst: Reg, src: Reg): number {
    this.floatConstant(FLOAT_SCRATCH, double, double !== 0 ? 0 : 0x5f000000, 0x43e00000); // 2^63
    this.ucomis(double, src, FLOAT_SCRATCH);
    const big = this.skipIf(CC.AE);
    this.cvtt(double, 1, dst, src);
    this.rr(X.test_mr, 1, dst, dst);
    return big;
  }

  /** After truncateLower: src - 2^63, negative when that does not fit. */
  private truncateUpper(double: number, dst: Reg, src: Reg): void {
    this.rr(X.movaps, 0, FLOAT_SCRATCH_2, src);
    this.rr(double !== 0 ? X.subsd : X.subss, 0, FLOAT_SCRATCH_2, FLOAT_SCRATCH);
    this.cvtt(double, 1, dst, FLOAT_SCRATCH_2);
  }
}
