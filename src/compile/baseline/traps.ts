/**
 * The traps of the function being compiled: branches to trap instructions after its code, one for each place that may
 * trap, and instructions that may fault. Both are trap sites (.wagsnap.traps) of the instruction at hand. Where the
 * places of pinned locals have changed since the last site, .wagsnap.pins gets a row.
 */

import { Cond, type Label, type MacroAssembler, type Reg } from '../../arch/masm/masm.js';
import { Column, type SiteTables } from '../../image/tables/site-tables.js';
import type { BodyReader } from './body-reader.js';
import type { Frame } from './frame.js';
import type { Pins } from './pins.js';

export class Traps {
  private readonly pending = new Column(); // label, kind, body offset, pins in registers, pins lost
  /** The pins that are in registers according to this function's last row. */
  private inRegisters = 0;
  private lost = 0;
  /** By pin: its bit in the rows. */
  private readonly bits = new Uint32Array(32);
  private hasBits = false;

  constructor(
    private readonly masm: MacroAssembler,
    private readonly reader: BodyReader,
    private readonly frame: Frame,
    private readonly pins: Pins,
    private readonly tables: SiteTables | undefined,
  ) {}

  reset(): void {
    this.pending.length = 0;
    this.inRegisters = 0;
    this.lost = 0;
    this.hasBits = false;
  }

  /**
   * A label that traps with `kind`, TRAP_*.
   * @param overwritten the pin, as a mask, whose register may have the result already when it is branched to
   */
  label(kind: number, overwritten = 0): Label {
    const label = this.masm.newLabel();
    const dirty = this.pins.valid & ~this.pins.clean;
    this.pending.push(label);
    this.pending.push(kind);
    this.pending.push(this.reader.instructionOffset());
    this.pending.push(dirty & ~overwritten);
    this.pending.push(dirty & overwritten);
    return label;
  }

  ifZero(wide: number, reg: Reg, kind: number): void {
    this.masm.testZero(wide, reg);
    this.masm.branch(Cond.Eq, this.label(kind));
  }

  /** The instruction at masm.faultOffset may fault: that is a trap of `kind`. @param overwritten see label */
  site(kind: number, overwritten = 0): void {
    if (this.tables === undefined) return;
    const dirty = this.pins.valid & ~this.pins.clean;
    this.record(this.tables, kind, this.reader.instructionOffset(), dirty & ~overwritten, dirty & overwritten);
  }

  /** Emits the trap instructions that the labels lead to, after the function's code. */
  emit(): void {
    const { masm, tables } = this;
    const { words, length } = this.pending;
    for (let i = 0; i < length; i += 5) {
      masm.bind(words[i]);
      masm.trap();
      if (tables !== undefined) this.record(tables, words[i + 1], words[i + 2], words[i + 3] | 0, words[i + 4] | 0);
    }
  }

  private record(tables: SiteTables, kind: number, bodyOffset: number, inRegisters: number, lost: number): void {
    const { faultOffset } = this.masm;
    if (inRegisters !== this.inRegisters || lost !== this.lost) {
      this.inRegisters = inRegisters;
      this.lost = lost;
      tables.trapPins(faultOffset, this.rowMask(inRegisters), this.rowMask(lost));
    }
    tables.trap(faultOffset, bodyOffset, kind);
  }

  /** From pins, which are in the order of their weight, to the order of the locals. */
  private rowMask(pins: number): number {
    const { frame, bits } = this;
    if (!this.hasBits) {
      this.hasBits = true;
      let count = 0;
      for (let local = 0; local < frame.localCount; local++) {
        if (frame.pins[local] >= 0) bits[frame.pins[local]] = 1 << count++;
      }
    }
    let mask = 0;
    for (; pins !== 0; pins &= pins - 1) mask |= bits[31 - Math.clz32(pins & -pins)];
    return mask >>> 0;
  }
}
