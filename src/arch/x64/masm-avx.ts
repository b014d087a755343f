/**
 * The macro-assembler for CPUs with AVX (x86-64-v3 and later): vector operations with three operands, so that nothing
 * has to be moved to keep a source.
 *
 * Only the 128-bit VEX forms: same results, same sites, and the state that a snapshot holds. They leave the upper half
 * of the wide registers zero, so that mixing them with the other instructions costs nothing.
 */

import type { Reg } from '../masm/masm.js';
import type { Encoding } from './encoding.js';
import { X64MacroAssembler } from './masm.js';

/** The three-byte VEX prefix's fields, by what they stand for (Intel SDM volume 2, 2.3.5). */
const MAPS: Readonly<Record<number, number>> = { 0: 1, 56: 2, 58: 3 };
const PREFIXES: Readonly<Record<number, number>> = { 0: 0, 102: 1, 243: 2, 242: 3 };

export class X64AvxMacroAssembler extends X64MacroAssembler {
  protected override vectorOp(e: Encoding, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst === lhs) this.rr(e, 0, dst, rhs);
    else this.vex(e, dst, lhs, rhs);
  }

  protected override vectorOpCommutative(e: Encoding, dst: Reg, lhs: Reg, rhs: Reg): void {
    if (dst === rhs) this.vectorOp(e, dst, rhs, lhs);
    else this.vectorOp(e, dst, lhs, rhs);
  }

  /**
   * [VEX] opcode ModRM: reg field, VEX.vvvv, rm field. In two bytes where the rm field's register is below 8 and the
   * map is 0F.
   */
  protected vex(e: Encoding, reg: Reg, vvvv: Reg, rm: Reg): void {
    const at = this.reserve();
    const { bytes } = this;
    const last = ((~vvvv & 15) << 3) | PREFIXES[e.prefix];
    let next = at;
    if (e.escapes === 1 && (rm & 8) === 0) {
      bytes[next++] = 0xc5;
      bytes[next++] = ((~reg & 8) << 4) | last;
    } else {
      bytes[next++] = 0xc4;
      bytes[next++] = ((~reg & 8) << 4) | 0x40 | ((~rm & 8) << 2) | MAPS[e.escape];
      bytes[next++] = last;
    }
    bytes[next++] = e.opcode;
    bytes[next++] = 0xc0 | ((reg & 7) << 3) | (rm & 7);
    this.at = next;
  }
}
