/**
 * The traps of the function being compiled: branches to trap instructions behind its code, one for each place that may
 * trap, and instructions that may fault. Both are trap sites (.wagsnap.traps) of the instruction at hand.
 */

import { Cond, type Label, type MacroAssembler, type Reg } from '../../arch/masm.js';
import { Column, type SiteTables } from '../metadata/site-tables.js';
import type { BodyReader } from './body-reader.js';

export class Traps {
  private readonly pending = new Column(); // label, kind, body offset

  constructor(
    private readonly masm: MacroAssembler,
    private readonly reader: BodyReader,
    private readonly tables: SiteTables | undefined,
  ) {}

  reset(): void {
    this.pending.length = 0;
  }

  /** A label that traps with `kind`, TRAP_*. */
  label(kind: number): Label {
    const label = this.masm.newLabel();
    this.pending.push(label);
    this.pending.push(kind);
    this.pending.push(this.reader.instructionOffset());
    return label;
  }

  ifZero(wide: number, reg: Reg, kind: number): void {
    this.masm.testZero(wide, reg);
    this.masm.branch(Cond.Eq, this.label(kind));
  }

  /** The instruction at masm.faultOffset may fault: that is a trap of `kind`. */
  site(kind: number): void {
    this.tables?.trap(this.masm.faultOffset, this.reader.instructionOffset(), kind);
  }

  /** Behind the function's code: what its labels lead to. */
  emit(): void {
    const { masm } = this;
    const { words, length } = this.pending;
    for (let i = 0; i < length; i += 3) {
      masm.bind(words[i]);
      masm.trap();
      this.tables?.trap(masm.faultOffset, words[i + 2], words[i + 1]);
    }
  }
}
