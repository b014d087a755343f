/**
 * The frame of the function being compiled: where each local lives and where operand slots are.
 *
 * Fixed before the first instruction is emitted, from what validation has learned (FunctionSummary): the drawing is in
 * ARCHITECTURE.md. The locals that are used most, weighed by loop depth, are pinned to a register for the whole
 * function; all have a home slot, a v128 two. Where there may be a v128 among the operands each of their slots is 16
 * bytes wide, whatever is in it, so that operand n has the same place on every path. Pins are numbered (index in
 * `pinnedLocals`), so that a set of them is a bit mask.
 */

import { frameSizeFor, NO_REG, type RegisterPlan } from '../../arch/masm/masm.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { FunctionSummary } from '../../wasm/module.js';
import { type CallLayout, isFloat, slotsOf } from '../convention/call-layout.js';
import type { Variation } from '../convention/variation.js';

const SLOT = 8;

export class Frame {
  /** Bytes between sp and the return address. */
  size = 0;
  localCount = 0;
  types: Uint8Array = new Uint8Array(64);
  /** Of each local: its pinned register or NO_REG; its pin or -1; the byte offset from sp of its home. */
  registers: Uint8Array = new Uint8Array(64);
  pins: Int8Array = new Int8Array(64);
  homes: Int32Array = new Int32Array(64);
  /** The locals that are pinned, and a mask with a bit for each. */
  readonly pinnedLocals = new Int32Array(32);
  readonly pinnedRegisters = new Uint8Array(32);
  pinCount = 0;
  allPins = 0;
  private operandStart = 0;
  private operandStride = SLOT;

  constructor(
    private readonly plan: RegisterPlan,
    private readonly variation?: Variation,
  ) {}

  /** Byte offset from sp of the slot of operand `index` of the value stack. */
  operandSlot(index: number): number {
    return this.operandStart + index * this.operandStride;
  }

  /** Byte offset from sp of slot `index` of the incoming area. */
  incomingSlot(index: number): number {
    return this.size + SLOT + index * SLOT;
  }

  /**
   * @param outgoingSlots slots of 8 bytes that calls of this function need
   * @param mayPin whether locals may live in registers
   */
  layOut(summary: FunctionSummary, call: CallLayout, outgoingSlots: number, mayPin = true): void {
    const count = (this.localCount = summary.localCount);
    if (count > this.registers.length) this.grow(count * 2);
    this.types = summary.localTypes;
    const outgoing = outgoingSlots * SLOT;
    this.operandStart = outgoing;
    this.operandStride = summary.usesVectors ? 2 * SLOT : SLOT;
    let at = outgoing + summary.maxHeight * this.operandStride;
    const paramCount = call.type.params.length;
    for (let i = 0; i < count; i++) {
      this.registers[i] = NO_REG;
      this.pins[i] = -1;
      if (i >= paramCount || call.paramSlots[i] < 0) {
        this.homes[i] = at;
        at += slotsOf(this.types[i]) * SLOT;
      }
    }
    if (this.variation !== undefined) at = this.rearrange(this.variation, call, outgoing, at);
    this.size = frameSizeFor(this.plan, at);
    for (let i = 0; i < paramCount; i++) {
      if (call.paramSlots[i] >= 0) this.homes[i] = this.incomingSlot(call.paramSlots[i]);
    }
    this.choosePins(summary, mayPin);
  }

  /** Arranges the slots in [start, end) in another way: with a gap, locals shuffled, perhaps below the operands. */
  private rearrange(variation: Variation, { paramSlots }: CallLayout, start: number, end: number): number {
    const inFrame: number[] = [];
    for (let i = 0; i < this.localCount; i++) if (!(paramSlots[i] >= 0)) inFrame.push(i);
    const localBytes = inFrame.reduce((sum, local) => sum + slotsOf(this.types[local]) * SLOT, 0);
    const gap = variation.below(4) * SLOT;
    const localsFirst = variation.below(2) === 0;
    this.operandStart = start + gap + (localsFirst ? localBytes : 0);
    let at = localsFirst ? start + gap : end + gap - localBytes;
    for (const n of variation.order(inFrame.length)) {
      this.homes[inFrame[n]] = at;
      at += slotsOf(this.types[inFrame[n]]) * SLOT;
    }
    return end + gap;
  }

  /** Records the locals in the site tables, after beginFunction. */
  describe(sites: SiteTables): void {
    for (let i = 0; i < this.localCount; i++) {
      sites.local(this.types[i], this.registers[i], this.homes[i] >>> 3);
    }
  }

  /**
   * A pinned local costs about one store or load per call (it goes to its slot and comes back), an unpinned one about
   * one per use: so pins go to the heaviest locals whose uses outweigh the calls.
   */
  private choosePins(summary: FunctionSummary, mayPin: boolean): void {
    this.pinCount = 0;
    this.allPins = 0;
    if (!mayPin) return;
    this.chooseClass(summary, false, this.plan.pinnedInts);
    this.chooseClass(summary, true, this.plan.pinnedFloats);
  }

  private chooseClass(summary: FunctionSummary, float: boolean, pool: readonly number[]): void {
    const first = this.pinCount;
    const weights = summary.localWeight;
    const { pinnedLocals } = this;
    let count = first;
    for (let local = 0; local < this.localCount; local++) {
      const weight = weights[local];
      if (weight <= summary.callWeight || isFloat(this.types[local]) !== float) continue;
      if (this.variation?.below(4) === 0) continue;
      // insertion into the sorted few
      let at = count;
      while (at > first && weights[pinnedLocals[at - 1]] < weight) at--;
      if (at - first >= pool.length) continue;
      if (count - first < pool.length) count++;
      for (let i = count - 1; i > at; i--) pinnedLocals[i] = pinnedLocals[i - 1];
      pinnedLocals[at] = local;
    }
    for (let pin = first; pin < count; pin++) {
      const local = pinnedLocals[pin];
      this.registers[local] = this.pinnedRegisters[pin] = pool[pin - first];
      this.pins[local] = pin;
      this.allPins |= 1 << pin;
    }
    this.pinCount = count;
  }

  private grow(size: number): void {
    this.registers = new Uint8Array(size);
    this.pins = new Int8Array(size);
    this.homes = new Int32Array(size);
  }
}
