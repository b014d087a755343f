/**
 * Emission: one method per encoding class of the manual (encodings.ts), its parameters the class's fields.
 *
 * Throws BugError when a value does not fit its field: a cut-off branch offset would turn one condition into another.
 * General registers are 0..31, floating point ones 32..63; `sf` is 1 for 64 bits, `ftype` 1 for double. `…Offset` are
 * bytes from the instruction itself.
 */

import { BugError } from '../../base/errors.js';
import type { Reg } from '../masm/masm.js';
import { CodeBuffer } from './code-buffer.js';
import { scaledField } from './encoding.js';
import { A } from './encodings.js';

/** A general register, or 31. */
export function g(reg: Reg): number {
  if (reg >>> 5 !== 0) throw new BugError(`arm64: ${reg} is no general register`);
  return reg;
}

/** A floating point register. */
export function v(reg: Reg): number {
  if (reg >>> 5 !== 1) throw new BugError(`arm64: ${reg} is no floating point register`);
  return reg & 31;
}

export function unsigned(value: number, bits: number): number {
  if (value < 0 || value >= 1 << bits || value !== (value | 0)) throw unfit(value, bits);
  return value;
}

function signed(value: number, bits: number): number {
  if (value !== (value << (32 - bits)) >> (32 - bits)) throw unfit(value, bits);
  return value & ((1 << bits) - 1);
}

/** A branch's distance in instructions. */
function distance(offset: number, bits: number): number {
  if ((offset & 3) !== 0) throw new BugError(`arm64: a branch by ${offset} bytes`);
  return signed(offset / 4, bits);
}

function unfit(value: number, bits: number): BugError {
  return new BugError(`arm64: ${value} does not fit a field of ${bits} bits`);
}

/** Whether a load or store of the table is of a floating point register: the V bit. */
function isVector(op: number): boolean {
  return (op & 0x04000000) !== 0;
}

/** log2 of the bytes that a load or store of the table accesses. */
function log2Size(op: number): number {
  return op === A.str_q || op === A.ldr_q ? 4 : op >>> 30;
}

export class Emitter extends CodeBuffer {
  /** adr, adrp: immhi:immlo counts bytes or pages. */
  protected pcRelative(op: number, rd: Reg, imm21: number): void {
    const imm = signed(imm21, 21);
    this.word(op | ((imm & 3) << 29) | ((imm >> 2) << 5) | g(rd));
  }

  /** add, adds, sub, subs: `field` is sh:imm12, see addSubField. */
  protected addSubImmediate(op: number, sf: number, rd: Reg, rn: Reg, field: number): void {
    this.word(op | (sf << 31) | (unsigned(field, 13) << 10) | (g(rn) << 5) | g(rd));
  }

  /** and, orr, eor: `field` is N:immr:imms, see logicalField. */
  protected logicalImmediate(op: number, sf: number, rd: Reg, rn: Reg, field: number): void {
    this.word(op | (sf << 31) | (unsigned(field, 12 + sf) << 10) | (g(rn) << 5) | g(rd));
  }

  /** movn, movz, movk: imm16 << (16 * hw). */
  protected moveWide(op: number, sf: number, rd: Reg, imm16: number, hw: number): void {
    this.word(op | (sf << 31) | (unsigned(hw, 1 + sf) << 21) | (unsigned(imm16, 16) << 5) | g(rd));
  }

  /** sbfm, ubfm. */
  protected bitfield(op: number, sf: number, rd: Reg, rn: Reg, immr: number, imms: number): void {
    const fields = (unsigned(immr, 5 + sf) << 16) | (unsigned(imms, 5 + sf) << 10);
    this.word(op | (sf << 31) | (sf << 22) | fields | (g(rn) << 5) | g(rd));
  }

  /** extr. */
  protected extract(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, imms: number): void {
    const fields = (g(rm) << 16) | (unsigned(imms, 5 + sf) << 10);
    this.word(op | (sf << 31) | (sf << 22) | fields | (g(rn) << 5) | g(rd));
  }

  /** b, bl. */
  protected branchImmediate(op: number, offset: number): void {
    this.word(op | distance(offset, 26));
  }

  /** cbz, cbnz. */
  protected compareAndBranch(op: number, sf: number, rt: Reg, offset: number): void {
    this.word(op | (sf << 31) | (distance(offset, 19) << 5) | g(rt));
  }

  /** b.cond. */
  protected conditionalBranch(op: number, cond: number, offset: number): void {
    this.word(op | (distance(offset, 19) << 5) | unsigned(cond, 4));
  }

  /** br, blr, ret. */
  protected branchRegister(op: number, rn: Reg): void {
    this.word(op | (g(rn) << 5));
  }

  /** svc, brk. */
  protected exception(op: number, imm16: number): void {
    this.word(op | (unsigned(imm16, 16) << 5));
  }

  /** nop, csdb, udf #0, dmb ish. */
  protected none(op: number): void {
    this.word(op);
  }

  /** add, sub, subs: rm << imm6. */
  protected addSubShifted(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, imm6 = 0): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (unsigned(imm6, 5 + sf) << 10) | (g(rn) << 5) | g(rd));
  }

  /** add, sub, subs: rm extended by option (0 to 3 uxtb to uxtx, 4 to 7 sxtb to sxtx) << imm3. */
  protected addSubExtended(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, option: number, imm3 = 0): void {
    const fields = (g(rm) << 16) | (unsigned(option, 3) << 13) | (unsigned(imm3, 3) << 10);
    this.word(op | (sf << 31) | fields | (g(rn) << 5) | g(rd));
  }

  /** adc, sbc. */
  protected addSubCarry(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (g(rn) << 5) | g(rd));
  }

  /** and, orr, orn, eor: rm << imm6. */
  protected logicalShifted(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, imm6 = 0): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (unsigned(imm6, 5 + sf) << 10) | (g(rn) << 5) | g(rd));
  }

  /** ccmn, ccmp: compares with imm5 when cond holds, else sets the flags nzcv. */
  protected conditionalCompare(op: number, sf: number, rn: Reg, imm5: number, nzcv: number, cond: number): void {
    const fields = (unsigned(imm5, 5) << 16) | (unsigned(cond, 4) << 12) | unsigned(nzcv, 4);
    this.word(op | (sf << 31) | fields | (g(rn) << 5));
  }

  /** csel, csinc. */
  protected conditionalSelect(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, cond: number): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (unsigned(cond, 4) << 12) | (g(rn) << 5) | g(rd));
  }

  /** udiv, sdiv, lslv, lsrv, asrv, rorv. */
  protected twoSource(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (g(rn) << 5) | g(rd));
  }

  /** rbit, clz. */
  protected oneSource(op: number, sf: number, rd: Reg, rn: Reg): void {
    this.word(op | (sf << 31) | (g(rn) << 5) | g(rd));
  }

  /** madd, msub: ra ± rn * rm; smulh, umulh. */
  protected threeSource(op: number, sf: number, rd: Reg, rn: Reg, rm: Reg, ra: Reg): void {
    this.word(op | (sf << 31) | (g(rm) << 16) | (g(ra) << 10) | (g(rn) << 5) | g(rd));
  }

  /** ldr (literal). */
  protected loadLiteral(op: number, rt: Reg, offset: number): void {
    this.word(op | (distance(offset, 19) << 5) | (isVector(op) ? v(rt) : g(rt)));
  }

  /** All loads and stores: [rn, #offset], a multiple of the size. */
  protected loadStore(op: number, rt: Reg, rn: Reg, offset: number): void {
    const field = scaledField(offset, log2Size(op));
    if (field < 0) throw unfit(offset, 12);
    this.loadStoreField(op, rt, rn, field);
  }

  /** The same, given scaledField of the offset. */
  protected loadStoreField(op: number, rt: Reg, rn: Reg, field: number): void {
    this.word(op | (field << 10) | (g(rn) << 5) | (isVector(op) ? v(rt) : g(rt)));
  }

  /** ldur, stur and so on: [rn, #offset]. */
  protected loadStoreUnscaled(op: number, rt: Reg, rn: Reg, offset: number): void {
    this.word((op - 0x01000000) | (signed(offset, 9) << 12) | (g(rn) << 5) | (isVector(op) ? v(rt) : g(rt)));
  }

  /** [rn], #offset: adds to rn afterwards. */
  protected loadStorePost(op: number, rt: Reg, rn: Reg, offset: number): void {
    this.word((op - 0x01000000) | 0x400 | (signed(offset, 9) << 12) | (g(rn) << 5) | (isVector(op) ? v(rt) : g(rt)));
  }

  /** [rn, rm, lsl #scale]: 64 bits of rm; scale 0 or, with `scaled` 1, the size. */
  protected loadStoreRegister(op: number, rt: Reg, rn: Reg, rm: Reg, scaled: number): void {
    const fields = (g(rm) << 16) | (3 << 13) | (unsigned(scaled, 1) << 12);
    this.word((op - 0x01000000) | 0x200800 | fields | (g(rn) << 5) | (isVector(op) ? v(rt) : g(rt)));
  }

  /** stp, ldp of 64-bit registers; `offset` a multiple of 8. */
  protected loadStorePair(op: number, rt: Reg, rt2: Reg, rn: Reg, offset: number): void {
    if ((offset & 7) !== 0) throw new BugError(`arm64: a pair at ${offset}`);
    this.word(op | (signed(offset / 8, 7) << 15) | (g(rt2) << 10) | (g(rn) << 5) | g(rt));
  }

  /** ldar, stlr, ldaxr and so on: [rn]. */
  protected loadStoreOrdered(op: number, rt: Reg, rn: Reg): void {
    this.word(op | (g(rn) << 5) | g(rt));
  }

  /** stlxr and so on: [rn]; rs becomes 0 when it has stored, else 1. */
  protected storeExclusive(op: number, rs: Reg, rt: Reg, rn: Reg): void {
    this.word(op | (g(rs) << 16) | (g(rn) << 5) | g(rt));
  }

  /** fmov, fabs, fneg, fsqrt, fcvt, frint…. */
  protected floatOneSource(op: number, ftype: number, rd: Reg, rn: Reg): void {
    this.word(op | (ftype << 22) | (v(rn) << 5) | v(rd));
  }

  /** fadd, fsub, fmul, fdiv, fmin, fmax. */
  protected floatTwoSource(op: number, ftype: number, rd: Reg, rn: Reg, rm: Reg): void {
    this.word(op | (ftype << 22) | (v(rm) << 16) | (v(rn) << 5) | v(rd));
  }

  /** fcmp. */
  protected floatCompare(op: number, ftype: number, rn: Reg, rm: Reg): void {
    this.word(op | (ftype << 22) | (v(rm) << 16) | (v(rn) << 5));
  }

  /** fcsel. */
  protected floatSelect(op: number, ftype: number, rd: Reg, rn: Reg, rm: Reg, cond: number): void {
    this.word(op | (ftype << 22) | (v(rm) << 16) | (unsigned(cond, 4) << 12) | (v(rn) << 5) | v(rd));
  }

  /** fmov #imm8: see floatField. */
  protected floatImmediate(op: number, ftype: number, rd: Reg, imm8: number): void {
    this.word(op | (ftype << 22) | (unsigned(imm8, 8) << 13) | v(rd));
  }

  /** scvtf, ucvtf, fmov from a general register. */
  protected floatFromInt(op: number, sf: number, ftype: number, rd: Reg, rn: Reg): void {
    this.word(op | (sf << 31) | (ftype << 22) | (g(rn) << 5) | v(rd));
  }

  /** fcvtzs, fcvtzu, fmov to a general register. */
  protected intFromFloat(op: number, sf: number, ftype: number, rd: Reg, rn: Reg): void {
    this.word(op | (sf << 31) | (ftype << 22) | (v(rn) << 5) | g(rd));
  }
}
