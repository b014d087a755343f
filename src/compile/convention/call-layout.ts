/**
 * How arguments and results of a function type travel: wag-snap's own calling convention, the same for guests, the host
 * layer and stubs.
 *
 *  - One result comes in resultInt or resultFloat. Two or more all come in the first slots of the outgoing area, in order.
 *  - Parameters take the next argument register of their class (RegisterPlan.argInts, argFloats); the rest take the
 *    slots after the results, in order. So the places of results do not depend on the parameters: the caller finds them
 *    also after a tail call, and writing them overwrites no parameter.
 *  - A v128 takes two slots and is named by the lower one.
 *  - A call preserves the stack pointer, instance and memoryBase, and no other register. A callee that is called
 *    through a record need not preserve instance and memoryBase: the caller sets them again.
 *
 *      higher   | ...            |
 *               | slot n-1       |  outgoing area of the caller = incoming area of the callee
 *               | slot 0         |  at the caller's sp when it calls
 *               | return address |  sp at the callee's entry: slot i lies at sp + 8 + 8 * i
 *               | callee's frame |  after the prologue: at sp + frameSize + 8 + 8 * i
 */

import { NO_REG, type Reg, type RegisterPlan, Width } from '../../arch/masm/masm.js';
import { type FuncType, ValType } from '../../wasm/module.js';

export class CallLayout {
  /** Of each parameter: its register, or NO_REG. */
  readonly paramRegs: Uint8Array;
  /** Of each parameter without a register: its slot in the outgoing area, else -1. */
  readonly paramSlots: Int32Array;
  /** The register of a single result, or NO_REG. */
  readonly resultReg: Reg;
  /** Of each of two or more results: its slot in the outgoing area. Empty otherwise. */
  readonly resultSlots: Int32Array;
  /** Slots of the outgoing area. */
  readonly slots: number;

  constructor(
    readonly type: FuncType,
    plan: RegisterPlan,
  ) {
    const { params, results } = type;
    this.paramRegs = new Uint8Array(params.length).fill(NO_REG);
    this.paramSlots = new Int32Array(params.length).fill(-1);
    let ints = 0;
    let floats = 0;
    let slots = 0;
    this.resultSlots = new Int32Array(results.length > 1 ? results.length : 0);
    for (let i = 0; i < this.resultSlots.length; i++) {
      this.resultSlots[i] = slots;
      slots += slotsOf(results[i]);
    }
    for (let i = 0; i < params.length; i++) {
      const float = isFloat(params[i]);
      if (float && floats < plan.argFloats.length) this.paramRegs[i] = plan.argFloats[floats++];
      else if (!float && ints < plan.argInts.length) this.paramRegs[i] = plan.argInts[ints++];
      else {
        this.paramSlots[i] = slots;
        slots += slotsOf(params[i]);
      }
    }
    if (results.length === 1) this.resultReg = isFloat(results[0]) ? plan.resultFloat : plan.resultInt;
    else this.resultReg = NO_REG;
    this.slots = slots;
  }
}

/** Slots of 8 bytes that a value takes in memory. */
export function slotsOf(type: ValType): number {
  return type === ValType.V128 ? 2 : 1;
}

/** 1 for a type of 64 bits or more, which the macro-assembler calls wide. */
export function isWide(type: ValType): number {
  return type === ValType.I32 || type === ValType.F32 ? 0 : 1;
}

/** Whether a value lives in a floating point register. */
export function isFloat(type: ValType): boolean {
  return type === ValType.F32 || type === ValType.F64 || type === ValType.V128;
}

/** How a value of a type is loaded and stored; references are as wide as addresses. */
export function widthOf(type: ValType): Width {
  switch (type) {
    case ValType.I32:
      return Width.Int32;
    case ValType.F32:
      return Width.F32;
    case ValType.F64:
      return Width.F64;
    case ValType.V128:
      return Width.V128;
    default:
      return Width.Int64;
  }
}
