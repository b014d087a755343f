/**
 * Where the pinned locals' values are: in the register (`valid`), in the home slot (`clean`), or in both; never in
 * neither. Sets of pins are bit masks.
 *
 * Which locals are pinned to which registers is fixed before, by frame.ts. Knows no control flow: control.ts joins
 * states at labels.
 */

import type { MacroAssembler, Reg } from '../../arch/masm/masm.js';
import { widthOf } from '../convention/call-layout.js';
import type { Frame } from './frame.js';

export class Pins {
  /** Pins whose register has the value, and pins whose home slot has it. */
  valid = 0;
  clean = 0;

  constructor(
    private readonly masm: MacroAssembler,
    private readonly frame: Frame,
  ) {}

  reset(): void {
    this.valid = this.clean = 0;
  }

  isValid(pin: number): boolean {
    return ((this.valid >>> pin) & 1) !== 0;
  }

  /** Makes one valid. */
  reload(pin: number): void {
    if (this.isValid(pin)) return;
    const { frame } = this;
    const local = frame.pinnedLocals[pin];
    this.masm.loadSlot(widthOf(frame.types[local]), frame.pinnedRegisters[pin], frame.homes[local]);
    this.valid |= 1 << pin;
  }

  /** Makes the pins of a mask valid. */
  load(mask: number): void {
    mask &= ~this.valid & this.frame.allPins;
    while (mask !== 0) {
      const pin = 31 - Math.clz32(mask);
      this.reload(pin);
      mask &= ~(1 << pin);
    }
  }

  /** Makes the pins of a mask clean. */
  store(mask: number): void {
    const { frame } = this;
    mask &= ~this.clean & frame.allPins;
    this.clean |= mask;
    while (mask !== 0) {
      const pin = 31 - Math.clz32(mask);
      const local = frame.pinnedLocals[pin];
      this.masm.storeSlot(widthOf(frame.types[local]), frame.pinnedRegisters[pin], frame.homes[local]);
      mask &= ~(1 << pin);
    }
  }

  /** The register has just got the local's new value. */
  wrote(pin: number): void {
    this.valid |= 1 << pin;
    this.clean &= ~(1 << pin);
  }

  /** A register will be overwritten; the local that lives there is in its slot. */
  forget(reg: Reg): void {
    this.valid &= ~this.maskOf(reg);
  }

  /** A register will be overwritten: the local that lives there goes to its slot. */
  release(reg: Reg): void {
    this.store(this.maskOf(reg));
    this.forget(reg);
  }

  private maskOf(reg: Reg): number {
    const { frame } = this;
    let mask = 0;
    for (let pin = 0; pin < frame.pinCount; pin++) if (frame.pinnedRegisters[pin] === reg) mask |= 1 << pin;
    return mask;
  }
}
