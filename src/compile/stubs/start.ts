/**
 * The ELF entry. The kernel has left argc, argv and so on at the stack pointer, and nothing is relocated yet.
 *
 *     RT_IMAGE_BASE = address of image offset 0
 *     boot(sp)     without a linear memory: relocates DATA, maps all memories
 *     start(sp)    with it: runs the guest and exits
 */

import { Width } from '../../arch/masm/masm.js';
import { INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { RT_IMAGE_BASE } from '../../image/contract/runtime-block.js';
import { callTo, type StubContext } from './context.js';

/** @param boot text offset of the host layer's boot(i64), @param start of its start(i64) */
export function emitStart(context: StubContext, boot: number, start: number): void {
  const { masm, runtimeBlock, hostInstance } = context;
  const { instance, memoryBase, argInts } = masm.plan;
  masm.address(instance, 0);
  masm.storeGlobal(Width.Int64, instance, runtimeBlock + RT_IMAGE_BASE);
  masm.address(instance, hostInstance);
  masm.constant(memoryBase, 1, 0, 0);
  masm.move64Sp(argInts[0]);
  callTo(masm, boot);
  masm.loadField(Width.Int64, memoryBase, instance, INST_MEMORY_BASE);
  masm.move64Sp(argInts[0]);
  callTo(masm, start);
  masm.trap();
}
