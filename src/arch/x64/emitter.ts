/**
 * Emission: one method per form of operands. Knows prefixes, ModRM and SIB, but no instruction.
 *
 * Intel Software Developer's Manual, volume 2, chapter 2: an instruction is
 *
 *     [66 F2 F3] [REX] [0F [38 3A]] opcode [ModRM [SIB] [disp8 disp32]] [immediate]
 *
 * Letters of the method names, in the order of the operands: r register, m [base + disp], x [base + index << scale +
 * disp], p [rip + disp] given as a text offset, i immediate. `wide` 1 asks for REX.W. In forms with fewer registers
 * than ModRM has fields, the encoding's /digit fills the reg field.
 */

import { NO_REG, type Reg } from '../masm/masm.js';
import { CodeBuffer } from './code-buffer.js';
import type { Encoding } from './encoding.js';

export class Emitter extends CodeBuffer {
  /** No operands in ModRM. */
  protected none(e: Encoding): void {
    this.at = this.opcode(e, this.reserve(), e.w, 0);
  }

  /** reg field, rm field. */
  protected rr(e: Encoding, wide: number, reg: Reg, rm: Reg): void {
    const at = this.opcode(
      e,
      this.reserve(),
      e.w | (wide << 3) | ((reg & 8) >> 1) | ((rm & 8) >> 3),
      byteRex(e, reg, rm),
    );
    this.bytes[at] = 0xc0 | ((reg & 7) << 3) | (rm & 7);
    this.at = at + 1;
  }

  protected rri(e: Encoding, wide: number, reg: Reg, rm: Reg, imm: number): void {
    this.rr(e, wide, reg, rm);
    this.immediate(e.immediate, imm);
  }

  protected rm(e: Encoding, wide: number, reg: Reg, base: Reg, disp: number): void {
    const rex = e.w | (wide << 3) | ((reg & 8) >> 1) | ((base & 8) >> 3);
    const at = this.opcode(e, this.reserve(), rex, byteRex(e, reg, 0));
    this.at = this.modRM(at, (reg & 7) << 3, base, disp);
  }

  /** index may be NO_REG, but not rsp, which cannot be one. */
  protected rx(e: Encoding, wide: number, reg: Reg, base: Reg, index: Reg, scale: number, disp: number): void {
    if (index === NO_REG) {
      this.rm(e, wide, reg, base, disp);
      return;
    }
    const rex = e.w | (wide << 3) | ((reg & 8) >> 1) | ((index & 8) >> 2) | ((base & 8) >> 3);
    const at = this.opcode(e, this.reserve(), rex, byteRex(e, reg, 0));
    const bytes = this.bytes;
    const field = (reg & 7) << 3;
    bytes[at + 1] = (scale << 6) | ((index & 7) << 3) | (base & 7);
    if (disp === 0 && (base & 7) !== 5) {
      bytes[at] = 0x04 | field;
      this.at = at + 2;
    } else if (disp === (disp << 24) >> 24) {
      bytes[at] = 0x44 | field;
      bytes[at + 2] = disp;
      this.at = at + 3;
    } else {
      bytes[at] = 0x84 | field;
      this.writeInt32(at + 2, disp);
      this.at = at + 6;
    }
  }

  /** `target` counts from the start of the code; it may lie outside of it. */
  protected rp(e: Encoding, wide: number, reg: Reg, target: number): void {
    const at = this.opcode(e, this.reserve(), e.w | (wide << 3) | ((reg & 8) >> 1), byteRex(e, reg, 0));
    this.bytes[at] = 0x05 | ((reg & 7) << 3);
    this.writeInt32(at + 1, target - (at + 5 + e.immediate));
    this.at = at + 5;
  }

  protected r(e: Encoding, wide: number, rm: Reg): void {
    this.rr(e, wide, e.digit, rm);
  }

  protected ri(e: Encoding, wide: number, rm: Reg, imm: number): void {
    this.rr(e, wide, e.digit, rm);
    this.immediate(e.immediate, imm);
  }

  protected m(e: Encoding, wide: number, base: Reg, disp: number): void {
    this.rm(e, wide, e.digit, base, disp);
  }

  protected mi(e: Encoding, wide: number, base: Reg, disp: number, imm: number): void {
    this.rm(e, wide, e.digit, base, disp);
    this.immediate(e.immediate, imm);
  }

  protected rxi(e: Encoding, reg: Reg, base: Reg, index: Reg, disp: number, imm: number): void {
    this.rx(e, 0, reg, base, index, 0, disp);
    this.immediate(e.immediate, imm);
  }

  protected xi(e: Encoding, wide: number, base: Reg, index: Reg, disp: number, imm: number): void {
    this.rx(e, wide, e.digit, base, index, 0, disp);
    this.immediate(e.immediate, imm);
  }

  protected pi(e: Encoding, wide: number, target: number, imm: number): void {
    this.rp(e, wide, e.digit, target);
    this.immediate(e.immediate, imm);
  }

  /** Register in the opcode (+rd), or implied (rax), and a 32-bit immediate. */
  protected oi(e: Encoding, wide: number, reg: Reg, imm: number): void {
    const at = this.opcode(e, this.reserve(), e.w | (wide << 3) | ((reg & 8) >> 3), 0);
    if (e.inOpcode) this.bytes[at - 1] |= reg & 7;
    this.writeInt32(at, imm);
    this.at = at + 4;
  }

  /** Register in the opcode and a 64-bit immediate. */
  protected oi64(e: Encoding, reg: Reg, lo: number, hi: number): void {
    this.oi(e, 1, reg, lo);
    this.writeInt32(this.at, hi);
    this.at += 4;
  }

  /** Opcode and a relative displacement or an immediate alone. */
  protected i(e: Encoding, value: number): void {
    this.at = this.opcode(e, this.reserve(), e.w, 0);
    this.immediate(e.immediate, value);
  }

  private immediate(size: number, value: number): void {
    if (size === 1) this.bytes[this.at++] = value;
    else if (size === 4) {
      this.writeInt32(this.at, value);
      this.at += 4;
    } else {
      this.bytes[this.at++] = value;
      this.bytes[this.at++] = value >> 8;
    }
  }

  /** Prefixes and opcode; `rex` are its low four bits, and it is left out when they are 0 and `byteRex` too. */
  private opcode(e: Encoding, at: number, rex: number, byteRex: number): number {
    const bytes = this.bytes;
    if (e.prefix !== 0) {
      if (e.prefix > 0xff) bytes[at++] = e.prefix >> 8;
      bytes[at++] = e.prefix;
    }
    if ((rex | byteRex) !== 0) bytes[at++] = 0x40 | rex;
    if (e.escapes !== 0) {
      bytes[at++] = 0x0f;
      if (e.escapes === 2) bytes[at++] = e.escape;
    }
    bytes[at] = e.opcode;
    return at + 1;
  }

  /** ModRM of [base + disp]. rsp and r12 (rm 4) need a SIB; rbp and r13 (rm 5) have no form without displacement. */
  private modRM(at: number, field: number, base: Reg, disp: number): number {
    const bytes = this.bytes;
    const low = base & 7;
    const mode = disp === 0 && low !== 5 ? 0 : disp === (disp << 24) >> 24 ? 0x40 : 0x80;
    bytes[at++] = mode | field | low;
    if (low === 4) bytes[at++] = 0x24;
    if (mode === 0) return at;
    if (mode === 0x40) {
      bytes[at] = disp;
      return at + 1;
    }
    this.writeInt32(at, disp);
    return at + 4;
  }
}

/** Not 0 when a byte register is spl, bpl, sil or dil, which without REX would be ah, ch, dh or bh. */
function byteRex(e: Encoding, reg: Reg, rm: Reg): number {
  const which = e.byteRegisters;
  if (which === 0) return 0;
  // Digits are numbers below 8 too: an encoding with a digit has no byte register in the reg field.
  return ((which & 1) !== 0 && reg >= 4 ? 1 : 0) | ((which & 2) !== 0 && rm >= 4 ? 1 : 0);
}
