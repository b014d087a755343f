/**
 * Labels and jumps to them.
 *
 * A forward jump is a fixup: its position and kind, in the list of its label. b reaches ±128 MiB, more than a function
 * may be long; b.cond, cbz and cbnz reach ±1 MiB only. Pending short jumps are counted. When the oldest is half a MiB
 * old, an island is emitted: a b instruction for each of them, and a jump over the island. The short jumps branch to
 * the island. That may happen before any instruction, so positions are taken after reserve() or after the instruction.
 * `skip…` are forward jumps inside one macro-instruction.
 */

import { BugError } from '../../base/errors.js';
import { Cond, type Label, type Reg } from '../masm/masm.js';
import { NEVER } from './code-buffer.js';
import { VectorEmitter } from './emitter-vector.js';
import { CC } from './encoding.js';
import { A } from './encodings.js';

/** By Cond. Float conditions are those that are false when unordered, but for NE (manual, C1.2.4). */
export const CODE_OF = new Uint8Array([
  CC.EQ,
  CC.NE,
  CC.LT,
  CC.LO,
  CC.GT,
  CC.HI,
  CC.LE,
  CC.LS,
  CC.GE,
  CC.HS,
  CC.EQ,
  CC.NE,
  CC.MI,
  CC.GT,
  CC.LS,
  CC.GE,
]);

// Kinds of fixups, in the two low bits of their position.
const LONG = 0; // b
const SHORT = 1; // b.cond, cbz, cbnz
const WORD = 2; // a table's entry: the label less the entry's position
const RESOLVED = -1;

const SHORT_REACH = 1 << 20;
const ISLAND_AGE = SHORT_REACH / 2;

export class LabelEmitter extends VectorEmitter {
  /** By label: text offset, or -1 while unbound; its last fixup, or -1. */
  private positions = new Int32Array(64);
  private heads = new Int32Array(64);
  private labelCount = 0;
  private unbound = 0;
  /** Fixups: position | kind, and the label's previous one. */
  private fixups = new Int32Array(256);
  private nexts = new Int32Array(256);
  private fixupCount = 0;
  /** Fixups of kind SHORT in the order of their positions, resolved ones too; from `shortStart`. */
  private shorts = new Int32Array(256);
  private shortStart = 0;
  private shortEnd = 0;
  /** After the last comparison of a register with zero, what it was: cbz may take its place. */
  protected zeroTestEnd = -1;
  protected zeroTestReg: Reg = 0;
  protected zeroTestWide = 0;
  /** After the last comparison that became a cbz: no branch may ask for its flags. */
  private withoutFlags = -1;

  resetLabels(): void {
    if (this.unbound !== 0) throw new BugError('a label was used but not bound');
    this.labelCount = 0;
    this.fixupCount = 0;
    this.shortStart = this.shortEnd = 0;
    this.jumpDeadline = NEVER;
    this.setLimit();
  }

  newLabel(): Label {
    const label = this.labelCount++;
    if (label === this.positions.length) {
      this.positions = doubled(this.positions);
      this.heads = doubled(this.heads);
    }
    this.positions[label] = -1;
    this.heads[label] = -1;
    return label;
  }

  bind(label: Label): void {
    const target = this.at;
    this.positions[label] = target;
    let fixup = this.heads[label];
    if (fixup < 0) return;
    this.unbound--;
    while (fixup >= 0) {
      this.resolve(this.fixups[fixup], target);
      this.fixups[fixup] = RESOLVED;
      fixup = this.nexts[fixup];
    }
  }

  private resolve(fixup: number, target: number): void {
    const at = fixup & ~3;
    const offset = target - at;
    const kind = fixup & 3;
    if (kind === WORD) this.words[at >> 2] = offset;
    else if (kind === SHORT) this.words[at >> 2] |= shortField(offset);
    else this.words[at >> 2] |= longField(offset);
  }

  jump(label: Label): void {
    const at = this.reserve();
    const target = this.positions[label];
    if (target >= 0) this.branchImmediate(A.b, target - at);
    else {
      this.addFixup(label, LONG);
      this.branchImmediate(A.b, 0);
    }
  }

  protected jumpIf(code: CC, label: Label): void {
    const at = this.reserve();
    const target = this.positions[label];
    if (target < 0) {
      this.addFixup(label, SHORT);
      this.conditionalBranch(A.b_cond, code, 0);
    } else if (target - at >= -SHORT_REACH) this.conditionalBranch(A.b_cond, code, target - at);
    else {
      this.overFar(A.b_cond | (code ^ 1), target);
    }
  }

  /** Jumps when a register is (cbz) or is not (cbnz) zero. */
  protected jumpIfZero(op: typeof A.cbz | typeof A.cbnz, wide: number, reg: Reg, label: Label): void {
    const at = this.reserve();
    const target = this.positions[label];
    if (target < 0) {
      this.addFixup(label, SHORT);
      this.compareAndBranch(op, wide, reg, 0);
    } else if (target - at >= -SHORT_REACH) this.compareAndBranch(op, wide, reg, target - at);
    else {
      this.overFar((op === A.cbz ? A.cbnz : A.cbz) | (wide << 31) | reg, target);
    }
  }

  /** A short jump over a long one, which no island may part; after reserve(). */
  private overFar(short: number, target: number): void {
    this.words[this.at >> 2] = short | shortField(8);
    this.words[(this.at >> 2) + 1] = A.b | longField(target - (this.at + 4));
    this.at += 8;
  }

  branch(cond: Cond, label: Label): void {
    this.branchOn(CODE_OF[cond], cond, label);
  }

  branchUnless(cond: Cond, label: Label): void {
    this.branchOn(CODE_OF[cond] ^ 1, cond, label);
  }

  private branchOn(code: CC, cond: Cond, label: Label): void {
    if (this.zeroTestEnd === this.at && cond <= Cond.Ne) {
      this.at -= 4; // the comparison
      this.zeroTestEnd = -1;
      this.jumpIfZero(code === CC.EQ ? A.cbz : A.cbnz, this.zeroTestWide, this.zeroTestReg, label);
      this.withoutFlags = this.at;
    } else {
      if (this.withoutFlags === this.at) throw new BugError('a second branch after a test that left no flags');
      this.jumpIf(code, label);
    }
  }

  /** Emits a 32-bit entry of a table: where the label is, counted from the entry. No island may come between. */
  protected labelField(label: Label): void {
    this.grow(4);
    const target = this.positions[label];
    if (target < 0) this.addFixup(label, WORD);
    this.words[this.at >> 2] = target < 0 ? 0 : target - this.at;
    this.at += 4;
  }

  /** A short forward jump; give the result to skipTo. */
  protected skipIf(code: CC): number {
    this.conditionalBranch(A.b_cond, code, 0);
    return this.at;
  }

  protected skipTo(skip: number): void {
    this.words[(skip - 4) >> 2] |= shortField(this.at - (skip - 4));
  }

  /** The instruction at `at` wants the label. */
  private addFixup(label: Label, kind: number): void {
    const fixup = this.fixupCount++;
    if (fixup === this.fixups.length) {
      this.fixups = doubled(this.fixups);
      this.nexts = doubled(this.nexts);
    }
    if (this.heads[label] < 0) this.unbound++;
    this.fixups[fixup] = this.at | kind;
    this.nexts[fixup] = this.heads[label];
    this.heads[label] = fixup;
    if (kind !== SHORT) return;
    if (this.shortEnd === this.shorts.length) this.shorts = doubled(this.shorts);
    if (this.shortStart === this.shortEnd) {
      this.jumpDeadline = this.at + ISLAND_AGE;
      this.setLimit();
    }
    this.shorts[this.shortEnd++] = fixup;
  }

  /** Called before an instruction when the oldest pending short jump, if it still is, may be too far back. */
  protected override onDeadline(ahead: number): void {
    const isPending = (fixup: number) => (this.fixups[fixup] & 3) === SHORT && this.fixups[fixup] !== RESOLVED;
    const { shorts } = this;
    while (this.shortStart < this.shortEnd && !isPending(shorts[this.shortStart])) this.shortStart++;
    if (this.shortStart === this.shortEnd) {
      this.shortStart = this.shortEnd = 0;
      this.jumpDeadline = NEVER;
      return;
    }
    this.jumpDeadline = (this.fixups[shorts[this.shortStart]] & ~3) + ISLAND_AGE;
    if (this.at + ahead <= this.jumpDeadline) return;
    let count = 0;
    for (let i = this.shortStart; i < this.shortEnd; i++) if (isPending(shorts[i])) shorts[count++] = shorts[i];
    this.grow(4 * (count + 1));
    this.words[this.at >> 2] = A.b | longField(4 * (count + 1));
    this.at += 4;
    for (let i = 0; i < count; i++) {
      const fixup = shorts[i];
      this.resolve(this.fixups[fixup], this.at);
      this.fixups[fixup] = this.at | LONG;
      this.words[this.at >> 2] = A.b;
      this.at += 4;
    }
    this.shortStart = this.shortEnd = 0;
    this.jumpDeadline = NEVER;
  }
}

/** The field of a word offset of 19 bits. */
export function shortField(offset: number): number {
  if (offset < -SHORT_REACH || offset >= SHORT_REACH) throw new BugError(`arm64: a short jump by ${offset}`);
  return ((offset >> 2) & 0x7ffff) << 5;
}

function longField(offset: number): number {
  if (offset < -0x8000000 || offset >= 0x8000000) throw new BugError(`arm64: a jump by ${offset}`);
  return (offset >> 2) & 0x3ffffff;
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const result = new Int32Array(array.length * 2);
  result.set(array);
  return result;
}
