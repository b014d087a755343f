/**
 * The thunk of an import function of the embedder. As the host layer's (host-call.ts), but the arguments go through
 * memory: they are cells in the thunk's frame, as are the results after the call.
 *
 *     | outgoing slots of the caller |
 *     | return address               |
 *     | cells: arguments, or results |  <- TH_GUEST_SP
 *
 * A call that a stop interrupts is made again, as the host layer's are.
 */

import { Cond, frameSizeFor, type MacroAssembler, NO_REG, Width } from '../../arch/masm/masm.js';
import { TH_GUEST_SP, TH_REISSUE } from '../../image/contract/thread.js';
import type { ValType } from '../../wasm/module.js';
import { type CallLayout, slotsOf, widthOf } from '../convention/call-layout.js';
import { callTo, type StubContext } from './context.js';
import { enterGuest, enterHost } from './host-call.js';

/** Of the thunk. */
export function embedderFrame(masm: MacroAssembler, { type }: CallLayout): number {
  return frameSizeFor(masm.plan, 8 * Math.max(cellsOf(type.params), cellsOf(type.results)));
}

function cellsOf(types: Iterable<ValType>): number {
  let cells = 0;
  for (const type of types) cells += slotsOf(type);
  return cells;
}

/**
 * @param ordinal of the import in the table of the image
 * @param call text offset of the host layer's call_embedder(ordinal i32): i32, not 0 for a trap
 * @param trap text offset of its embedder_trap(), which does not return
 */
export function emitEmbedderThunk(
  context: StubContext,
  layout: CallLayout,
  ordinal: number,
  call: number,
  trap: number,
): void {
  const { masm, thread } = context;
  const { argInts, instance, memoryBase, resultInt } = masm.plan;
  const { params, results } = layout.type;
  const entry = masm.offset;
  const frame = embedderFrame(masm, layout);
  masm.enter(frame);
  const arrived = params.length > 0 ? cellStarts(params) : [];
  for (let i = 0; i < params.length; i++) {
    if (layout.paramRegs[i] !== NO_REG) masm.storeSlot(widthOf(params[i]), layout.paramRegs[i], 8 * arrived[i]);
  }
  enterHost(context, 0, frame, () => {
    for (let i = 0; i < params.length; i++) {
      if (layout.paramRegs[i] !== NO_REG) continue;
      for (let half = 0; half < slotsOf(params[i]); half++) {
        masm.loadField(Width.Int64, instance, memoryBase, frame + 8 + 8 * (layout.paramSlots[i] + half));
        masm.storeField(Width.Int64, instance, memoryBase, 8 * (arrived[i] + half));
      }
    }
  });
  masm.constant(argInts[0], 0, ordinal, 0);
  callTo(masm, call);
  if (results.length > 1) {
    masm.loadGlobal(Width.Int64, memoryBase, thread + TH_GUEST_SP);
    for (let cell = 0; cell < cellsOf(results); cell++) {
      masm.loadField(Width.Int64, instance, memoryBase, 8 * cell);
      masm.storeField(Width.Int64, instance, memoryBase, frame + 8 + 8 * cell);
    }
  }
  masm.resetLabels();
  const reissue = masm.newLabel();
  const failed = masm.newLabel();
  enterGuest(context);
  masm.testZero(0, resultInt);
  masm.branch(Cond.Ne, failed);
  masm.compareGlobalImm(thread + TH_REISSUE, 0);
  masm.branch(Cond.Ne, reissue);
  if (results.length === 1) masm.loadSlot(widthOf(results[0]), layout.resultReg, 0);
  masm.leaveThunk(frame);
  masm.bind(reissue);
  masm.storeGlobalConstant(Width.Int32, thread + TH_REISSUE, 0);
  for (let i = 0; i < params.length; i++) {
    if (layout.paramRegs[i] !== NO_REG) masm.loadSlot(widthOf(params[i]), layout.paramRegs[i], 8 * arrived[i]);
  }
  masm.leave(frame);
  masm.patchJump(masm.jumpTo(), entry);
  masm.bind(failed);
  masm.patchCall(masm.call(), masm.offset); // to here: the backtrace finds the thunk, with its name, on the stack
  const least = frameSizeFor(masm.plan, 0);
  masm.enter(least);
  enterHost(context, 0, least);
  callTo(masm, trap);
  masm.trap();
}

/** Of each value: its first cell. */
function cellStarts(types: Iterable<ValType>): number[] {
  const starts: number[] = [];
  let at = 0;
  for (const type of types) {
    starts.push(at);
    at += slotsOf(type);
  }
  return starts;
}
