/**
 * What every stub is emitted with. Stubs are CPU-neutral: they go through the macro-assembler alone.
 *
 * A stub may use the two pinned registers as temporaries while it is about to set them anyway: no argument or result
 * ever travels in them.
 */

import { type MacroAssembler, Width } from '../../arch/masm/masm.js';
import { INST_MEMORY_BASE } from '../../image/contract/instance.js';

export interface StubContext {
  readonly masm: MacroAssembler;
  /** Image offset of the runtime block: add RT_*. */
  readonly runtimeBlock: number;
  /** Image offset of the record of the thread that runs: add TH_*. */
  readonly thread: number;
  /** Image offset of the host layer's instance block. */
  readonly hostInstance: number;
}

/** Sets the pinned registers to the host layer's instance. */
export function setHostInstance({ masm, hostInstance }: StubContext): void {
  const { instance, memoryBase } = masm.plan;
  masm.address(instance, hostInstance);
  masm.loadField(Width.Int64, memoryBase, instance, INST_MEMORY_BASE);
}

/** Calls a text offset that is known already. */
export function callTo(masm: MacroAssembler, target: number): void {
  masm.patchCall(masm.call(), target);
}
