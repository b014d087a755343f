/** Copies of whole values to frame slots, through the scratch register. */

import { type MacroAssembler, type Reg, Width } from '../../arch/masm/masm.js';
import { ValType } from '../../wasm/module.js';
import { isWide } from './call-layout.js';

/** From one slot to another. */
export function copySlots(masm: MacroAssembler, type: ValType, from: number, to: number): void {
  const width = isWide(type) ? Width.Int64 : Width.Int32;
  masm.loadSlot(width, masm.scratch, from);
  masm.storeSlot(width, masm.scratch, to);
  if (type !== ValType.V128) return;
  masm.loadSlot(width, masm.scratch, from + 8);
  masm.storeSlot(width, masm.scratch, to + 8);
}

/** From a field, at `offset` from `base`, to a slot. */
export function copyField(masm: MacroAssembler, type: ValType, base: Reg, offset: number, slot: number): void {
  const width = isWide(type) ? Width.Int64 : Width.Int32;
  masm.loadField(width, masm.scratch, base, offset);
  masm.storeSlot(width, masm.scratch, slot);
  if (type !== ValType.V128) return;
  masm.loadField(width, masm.scratch, base, offset + 8);
  masm.storeSlot(width, masm.scratch, slot + 8);
}
