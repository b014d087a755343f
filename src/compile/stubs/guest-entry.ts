/**
 * Calls from the host layer into guests: `invoke` with a trampoline per function type, `resume`, `land` and `unwind`.
 *
 *     host code --call--> invoke --jump--> trampoline --callRecord--> guest
 *               <-------------- ret ------ return point <--- ret ----
 *
 * TH_HOST_SP is the host's sp with the return address into host code on top (in a frame of the least size), so that
 * code that sets sp to it and returns makes the running invoke or resume return: the trampoline's return point and
 * `unwind` do that. The return point is the bottom return address of each guest stack, also of one that restore has
 * built: it uses nothing but the runtime block.
 */

import { Conversion, frameSizeFor, IntOp, NO_REG, Width } from '../../arch/masm/masm.js';
import { FN_TRAMPOLINE } from '../../image/contract/instance.js';
import { RT_IMAGE_BASE } from '../../image/contract/runtime-block.js';
import { TH_HOST_SP, TH_INVOKE_VALUES, TH_STACK_TOP } from '../../image/contract/thread.js';
import { ValType } from '../../wasm/module.js';
import { type CallLayout, slotsOf, widthOf } from '../convention/call-layout.js';
import { type StubContext, setHostInstance } from './context.js';

/** native.invoke(record, values) with both in argInts. */
export function emitInvoke({ masm, runtimeBlock, thread }: StubContext): void {
  const { argInts, callTemp, instance } = masm.plan;
  masm.storeGlobal(Width.Int64, argInts[1], thread + TH_INVOKE_VALUES);
  masm.loadField(Width.Int32, callTemp, argInts[0], FN_TRAMPOLINE);
  masm.loadGlobal(Width.Int64, instance, runtimeBlock + RT_IMAGE_BASE);
  masm.binary(IntOp.Add, 1, callTemp, callTemp, instance);
  masm.jumpReg(callTemp);
}

/**
 * Loads arguments from u64 values[] (a v128 takes two), calls the record, stores the results to TH_INVOKE_VALUES
 * likewise.
 * @param area bytes of the outgoing area, at least what the call needs
 * @returns text offset of the call's return address
 */
export function emitTrampoline(context: StubContext, layout: CallLayout, area: number): number {
  const { masm, thread } = context;
  const { argInts, callTemp, instance, memoryBase, resultInt } = masm.plan;
  const { params, results } = layout.type;
  masm.enter(frameSizeFor(masm.plan, 0));
  masm.move64Sp(instance);
  masm.storeGlobal(Width.Int64, instance, thread + TH_HOST_SP);
  masm.move(callTemp, argInts[0]);
  masm.move(memoryBase, argInts[1]);
  masm.loadGlobal(Width.Int64, instance, thread + TH_STACK_TOP);
  masm.setSp(instance);
  masm.adjustSp(-area);
  let cell = 0;
  for (let i = 0; i < params.length; i++) {
    if (layout.paramRegs[i] !== NO_REG) {
      masm.loadField(widthOf(params[i]), layout.paramRegs[i], memoryBase, 8 * cell);
    } else {
      for (let half = 0; half < slotsOf(params[i]); half++) {
        const width = widthOf(params[i]) === Width.Int32 ? Width.Int32 : Width.Int64;
        masm.loadField(width, instance, memoryBase, 8 * (cell + half));
        masm.storeSlot(Width.Int64, instance, 8 * (layout.paramSlots[i] + half));
      }
    }
    cell += slotsOf(params[i]);
  }
  masm.callRecord(callTemp);
  const returnOffset = masm.offset;
  masm.loadGlobal(Width.Int64, memoryBase, thread + TH_INVOKE_VALUES);
  if (results.length === 1) {
    const [type] = results;
    if (type === ValType.F64 || type === ValType.V128) {
      masm.storeField(widthOf(type), layout.resultReg, memoryBase, 0);
    } else {
      if (type === ValType.F32) masm.convert(Conversion.I32FromF32Bits, resultInt, layout.resultReg);
      masm.storeField(Width.Int64, resultInt, memoryBase, 0);
    }
  } else {
    // Results lie in the first slots one after the other, as their cells do.
    results.forEach((type, i) => {
      const width = type === ValType.I32 || type === ValType.F32 ? Width.Int32 : Width.Int64;
      for (let half = 0; half < slotsOf(type); half++) {
        masm.loadSlot(width, instance, 8 * (layout.resultSlots[i] + half));
        masm.storeField(Width.Int64, instance, memoryBase, 8 * (layout.resultSlots[i] + half));
      }
    });
  }
  emitUnwind(context);
  return returnOffset;
}

/** native.resume(context) with a CTX_* block in argInts[0]. */
export function emitResume({ masm, thread }: StubContext): void {
  const { argInts, instance } = masm.plan;
  masm.enter(frameSizeFor(masm.plan, 0));
  masm.move64Sp(instance);
  masm.storeGlobal(Width.Int64, instance, thread + TH_HOST_SP);
  masm.restoreContext(argInts[0]);
}

/** native.land(exception, sp, pc): continues in the guest where an exception is caught. */
export function emitLand({ masm }: StubContext): void {
  const { argInts, instance, memoryBase, resultInt } = masm.plan;
  masm.move(memoryBase, argInts[1]);
  masm.move(instance, argInts[2]);
  masm.move(resultInt, argInts[0]);
  masm.setSp(memoryBase);
  masm.jumpReg(instance);
}

/** Makes the running invoke or resume return to host code. */
export function emitUnwind(context: StubContext): void {
  const { masm, thread } = context;
  masm.loadGlobal(Width.Int64, masm.plan.instance, thread + TH_HOST_SP);
  masm.setSp(masm.plan.instance);
  setHostInstance(context);
  masm.leave(frameSizeFor(masm.plan, 0));
  masm.ret();
}
