/**
 * The macro-assembler's conversions between integers and floats.
 *
 * fcvtzs and fcvtzu saturate and give 0 for NaN: exactly the saturating truncations. The trapping ones look at the
 * operand for NaN and at the result for saturation.
 */

import { Conversion, type Label, type Reg, type Truncation } from '../masm/masm.js';
import { FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { CC } from './encoding.js';
import { A } from './encodings.js';
import { FloatMasm } from './masm-floats.js';
import { ZR } from './registers.js';

const UXTW = 2;
const SXTW = 6;

export class ConversionMasm extends FloatMasm {
  convert(op: Conversion, dst: Reg, src: Reg): void {
    switch (op) {
      case Conversion.F32FromI32S:
        this.floatFromInt(A.scvtf, 0, 0, dst, src);
        return;
      case Conversion.F32FromI32U:
        this.floatFromInt(A.ucvtf, 0, 0, dst, src);
        return;
      case Conversion.F32FromI64S:
        this.floatFromInt(A.scvtf, 1, 0, dst, src);
        return;
      case Conversion.F32FromI64U:
        this.floatFromInt(A.ucvtf, 1, 0, dst, src);
        return;
      case Conversion.F64FromI32S:
        this.floatFromInt(A.scvtf, 0, 1, dst, src);
        return;
      case Conversion.F64FromI32U:
        this.floatFromInt(A.ucvtf, 0, 1, dst, src);
        return;
      case Conversion.F64FromI64S:
        this.floatFromInt(A.scvtf, 1, 1, dst, src);
        return;
      case Conversion.F64FromI64U:
        this.floatFromInt(A.ucvtf, 1, 1, dst, src);
        return;
      case Conversion.F32Demote:
        this.floatOneSource(A.fcvt_s, 1, dst, src);
        return;
      case Conversion.F64Promote:
        this.floatOneSource(A.fcvt_d, 0, dst, src);
        return;
      case Conversion.I32FromF32Bits:
        this.intFromFloat(A.fmov_fr, 0, 0, dst, src);
        return;
      case Conversion.I64FromF64Bits:
        this.intFromFloat(A.fmov_fr, 1, 1, dst, src);
        return;
      case Conversion.F32FromI32Bits:
        this.floatFromInt(A.fmov_rf, 0, 0, dst, src);
        return;
      case Conversion.F64FromI64Bits:
        this.floatFromInt(A.fmov_rf, 1, 1, dst, src);
    }
  }

  truncate(op: Truncation, dst: Reg, src: Reg, invalid: Label, overflow: Label): void {
    const double = op >> 2;
    const unsigned = op & 1;
    if ((op & 2) === 0) {
      // In 64 bits: it did not fit exactly when it changes by extension from 32.
      this.floatCompare(A.fcmp, double, src, src);
      this.jumpIf(CC.VS, invalid);
      this.intFromFloat(A.fcvtzs, 1, double, SCRATCH, src);
      this.addSubExtended(A.subs_x, 1, ZR, SCRATCH, SCRATCH, unsigned !== 0 ? UXTW : SXTW);
      this.jumpIf(CC.NE, overflow);
      this.moveInt(0, dst, SCRATCH);
    } else if (unsigned === 0) {
      this.floatCompare(A.fcmp, double, src, src);
      this.jumpIf(CC.VS, invalid);
      this.intFromFloat(A.fcvtzs, 1, double, dst, src);
      // V when it is the least integer or the greatest
      this.addSubImmediate(A.subs_i, 1, ZR, dst, 1);
      this.conditionalCompare(A.ccmn_i, 1, dst, 1, 1, CC.VC);
      const fits = this.skipIf(CC.VC);
      // Only -2^63 itself fits: no float lies between it and -2^63 - 1.
      this.floatConstant(FLOAT_SCRATCH, double, double !== 0 ? 0 : 0xdf000000 | 0, 0xc3e00000 | 0);
      this.floatCompare(A.fcmp, double, src, FLOAT_SCRATCH);
      this.jumpIf(CC.NE, overflow);
      this.skipTo(fits);
    } else {
      this.floatConstant(FLOAT_SCRATCH, double, double !== 0 ? 0 : 0xbf800000 | 0, 0xbff00000 | 0); // -1
      this.floatCompare(A.fcmp, double, src, FLOAT_SCRATCH);
      this.jumpIf(CC.VS, invalid);
      this.jumpIf(CC.LE, overflow);
      this.intFromFloat(A.fcvtzu, 1, double, dst, src);
      // No float is 2^64 - 1, so that comes of saturation.
      this.addSubImmediate(A.adds_i, 1, ZR, dst, 1);
      this.jumpIf(CC.EQ, overflow);
    }
  }

  truncateSaturating(op: Truncation, dst: Reg, src: Reg): void {
    this.intFromFloat((op & 1) !== 0 ? A.fcvtzu : A.fcvtzs, (op >> 1) & 1, op >> 2, dst, src);
  }
}
