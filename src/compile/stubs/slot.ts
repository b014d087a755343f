/**
 * The slot of a function that is compiled while the process runs: callers jump to it, and it jumps on by the function's
 * cell. Before the function is there, the cell holds the address of the trap.
 */

import type { MacroAssembler } from '../../arch/masm/masm.js';

/** @param cell image offset of the cell. @returns text offset of the trap */
export function emitSlot(masm: MacroAssembler, cell: number): number {
  masm.address(masm.scratch, cell);
  masm.jumpField(masm.scratch, 0);
  const trap = masm.offset;
  masm.trap();
  return trap;
}
