/** The prologue: the frame is made, parameters go to their places, all other locals become zero. */

import { FLOAT_BASE, NO_REG, Width } from '../../arch/masm/masm.js';
import { ValType } from '../../wasm/module.js';
import { slotsOf, widthOf } from '../convention/call-layout.js';
import type { FunctionCompiler } from './compile-function.js';

export function prologue(c: FunctionCompiler): void {
  const { masm, frame, operands, pins, ownLayout } = c;
  const { paramRegs } = ownLayout;
  masm.enter(frame.size);
  for (let i = 0; i < paramRegs.length; i++) {
    const reg = frame.registers[i];
    const arrived = paramRegs[i];
    const type = frame.types[i];
    if (reg === NO_REG) {
      if (arrived !== NO_REG) masm.storeSlot(widthOf(type), arrived, frame.homes[i]);
    } else {
      if (arrived !== NO_REG) operands.moveReg(type, reg, arrived);
      else masm.loadSlot(widthOf(type), reg, frame.homes[i]);
      pins.wrote(frame.pins[i]);
      if (arrived === NO_REG) pins.clean |= 1 << frame.pins[i];
    }
  }
  zeroLocals(c, paramRegs.length);
}

/** Slots are zeroed from a register when there are several: the instruction is shorter than one with an immediate. */
function zeroLocals(c: FunctionCompiler, first: number): void {
  const { masm, frame } = c;
  let inSlots = 0;
  for (let i = first; i < frame.localCount; i++) {
    const reg = frame.registers[i];
    if (reg === NO_REG) {
      inSlots += slotsOf(frame.types[i]);
      continue;
    }
    if (frame.types[i] === ValType.V128) masm.vectorConstant(reg, 0, 0, 0, 0);
    else if (reg >= FLOAT_BASE) masm.floatConstant(reg, 1, 0, 0);
    else masm.constant(reg, 1, 0, 0);
    c.pins.wrote(frame.pins[i]);
  }
  if (inSlots > 1) masm.constant(masm.scratch, 1, 0, 0);
  for (let i = first; i < frame.localCount && inSlots > 0; i++) {
    if (frame.registers[i] !== NO_REG) continue;
    if (inSlots > 1) masm.storeSlot(Width.Int64, masm.scratch, frame.homes[i]);
    else masm.storeSlotConstant(1, frame.homes[i], 0, 0);
    if (frame.types[i] === ValType.V128) masm.storeSlot(Width.Int64, masm.scratch, frame.homes[i] + 8);
  }
}
