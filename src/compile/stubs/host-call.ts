/**
 * Calls from a guest into the host layer: thunks of imported functions, of missing ones, and builtins.
 *
 * Each switches from the guest's stack to the host's and back, so that the guest's holds nothing but wasm frames:
 *
 *     guest's stack                          host's stack
 *     | outgoing slots  |  --copied-->       | ...             |  <- TH_HOST_SP
 *     | return address  |                    | outgoing slots  |
 *     | saved arguments |  <- TH_GUEST_SP    | host's frames   |
 *
 * A thunk's entry is a safepoint (SITE_ENTRY of the import): a host function that was interrupted by a stop undoes
 * itself and sets TH_REISSUE, and the thunk goes back to its entry with the arguments it was called with.
 */

import { Cond, frameSizeFor, NO_REG, Width } from '../../arch/masm/masm.js';
import { INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { TH_GUEST_INSTANCE, TH_GUEST_SP, TH_HOST_SP, TH_REISSUE } from '../../image/contract/thread.js';
import { TRAP_MISSING_IMPORT } from '../../image/contract/traps.js';
import { type CallLayout, widthOf } from '../convention/call-layout.js';
import { callTo, type StubContext, setHostInstance } from './context.js';

/**
 * The thunk of an imported function that the host layer provides.
 * @param emitFunction calls the host's function, of the same type, or emits its body
 */
export function emitImportThunk(context: StubContext, layout: CallLayout, emitFunction: () => void): void {
  const { masm, thread } = context;
  const { params } = layout.type;
  const entry = masm.offset;
  const frame = frameSizeFor(masm.plan, 8 * params.length);
  masm.enter(frame);
  for (let i = 0; i < params.length; i++) {
    if (layout.paramRegs[i] !== NO_REG) masm.storeSlot(widthOf(params[i]), layout.paramRegs[i], 8 * i);
  }
  enterHost(context, layout.slots, frame);
  emitFunction();
  masm.resetLabels();
  const reissue = masm.newLabel();
  enterGuest(context);
  masm.compareGlobalImm(thread + TH_REISSUE, 0);
  masm.branch(Cond.Ne, reissue);
  masm.leaveThunk(frame);
  masm.bind(reissue);
  masm.storeGlobalConstant(Width.Int32, thread + TH_REISSUE, 0);
  for (let i = 0; i < params.length; i++) {
    if (layout.paramRegs[i] !== NO_REG) masm.loadSlot(widthOf(params[i]), layout.paramRegs[i], 8 * i);
  }
  masm.leave(frame);
  masm.patchJump(masm.jumpTo(), entry);
}

/**
 * The thunk of an import that nothing provides: traps when called.
 * @param raise text offset of the host layer's raise(kind i32), which does not return
 */
export function emitMissingThunk(context: StubContext, raise: number): void {
  const { masm } = context;
  const frame = frameSizeFor(masm.plan, 0);
  masm.enter(frame);
  masm.patchCall(masm.call(), masm.offset); // to here: the backtrace finds the thunk, with its name, on the stack
  masm.enter(frame);
  enterHost(context, 0, frame);
  masm.constant(masm.plan.argInts[0], 0, TRAP_MISSING_IMPORT, 0);
  callTo(masm, raise);
  masm.trap();
}

/**
 * A builtin (compile/convention/environment.ts): TH_GUEST_SP points to the return address into the guest, for a
 * backtrace.
 * @param target text offset of the host's function
 */
export function emitBuiltin(context: StubContext, layout: CallLayout, target: number): void {
  const { masm } = context;
  const frame = frameSizeFor(masm.plan, 0);
  masm.enter(frame);
  enterHost(context, layout.slots, frame);
  callTo(masm, target);
  enterGuest(context);
  masm.leave(frame);
  masm.ret();
}

/**
 * Switches to the host's stack and instance, with a copy of the incoming slots as outgoing area. Keeps all argument
 * registers. `frame` is the distance from sp to the return address.
 * @param copy emits more copies, from the guest's sp in memoryBase by way of the instance register
 */
export function enterHost(context: StubContext, slots: number, frame: number, copy?: () => void): void {
  const { masm, thread } = context;
  const { instance, memoryBase } = masm.plan;
  masm.storeGlobal(Width.Int64, instance, thread + TH_GUEST_INSTANCE);
  masm.move64Sp(memoryBase);
  masm.storeGlobal(Width.Int64, memoryBase, thread + TH_GUEST_SP);
  masm.loadGlobal(Width.Int64, instance, thread + TH_HOST_SP);
  masm.setSp(instance);
  masm.adjustSp(-areaSize(slots));
  for (let i = 0; i < slots; i++) {
    masm.loadField(Width.Int64, instance, memoryBase, frame + 8 + 8 * i);
    masm.storeSlot(Width.Int64, instance, 8 * i);
  }
  copy?.();
  setHostInstance(context);
}

/** Back to the guest's stack and instance; keeps the result registers. */
export function enterGuest({ masm, thread }: StubContext): void {
  const { instance, memoryBase } = masm.plan;
  masm.loadGlobal(Width.Int64, memoryBase, thread + TH_GUEST_SP);
  masm.setSp(memoryBase);
  masm.loadGlobal(Width.Int64, instance, thread + TH_GUEST_INSTANCE);
  masm.loadField(Width.Int64, memoryBase, instance, INST_MEMORY_BASE);
}

/** Bytes of an outgoing area; keeps the stack pointer a multiple of 16. */
export function areaSize(slots: number): number {
  return (8 * slots + 15) & ~15;
}
