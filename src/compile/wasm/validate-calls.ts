/**
 * Validation of calls: call_indirect, call_ref and tail calls (core spec 3.3.8), and the sums of FunctionSummary about
 * what leaves a function's code.
 *
 * A part of the validator of function bodies (validate.ts), which calls it per instruction: immediates are read from
 * reader.pos, the height of the stack comes in and the new one goes out.
 */

import type { ControlStack } from './control-stack.js';
import type { Immediates } from './immediates.js';
import type { FunctionSummary, Module } from './module.js';
import { Op } from './opcodes.js';
import type { OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';
import { paramList, resultList, type TypeLists } from './type-lists.js';
import type { ReferenceValidator } from './validate-references.js';

export class CallValidator {
  /** `slotsOfType`: for each type, how many slots of the outgoing area a call of such a function needs. */
  constructor(
    private readonly module: Module,
    private readonly slotsOfType: Uint32Array,
    private readonly reader: Reader,
    private readonly control: ControlStack,
    private readonly operands: OperandStack,
    private readonly immediates: Immediates,
    private readonly lists: TypeLists,
    private readonly references: ReferenceValidator,
    private readonly summary: FunctionSummary,
  ) {}

  /** Notes a call or another instruction that leaves the function's code: memory.grow and the bulk operations. */
  count(weight: number): void {
    this.summary.callCount++;
    this.summary.callWeight += weight;
  }

  /** The call of a function of a type: its arguments are popped, its results pushed. */
  call(height: number, typeIndex: number, weight: number): number {
    const { operands, summary } = this;
    const slots = this.slotsOfType[typeIndex]!;
    if (slots > summary.maxOutgoingSlots) summary.maxOutgoingSlots = slots;
    this.count(weight);
    return operands.pushList(operands.popList(height, paramList(typeIndex)), resultList(typeIndex));
  }

  /** call_indirect or call_ref. */
  indirect(op: number, height: number, weight: number): number {
    const typeIndex = this.calleeType(op);
    return this.call(this.popCallee(op, height, typeIndex), typeIndex, weight);
  }

  /** return_call and its like: a call whose results are the function's own (3.3.8.12). */
  tail(op: number, height: number, weight: number): void {
    const typeIndex = this.calleeType(op);
    height = this.popCallee(op, height, typeIndex);
    if (!this.lists.matches(resultList(typeIndex), this.control.endList[0]!, this.reader.refTypes)) {
      throw this.operands.mismatch('the results of a tail call are not those of the function');
    }
    this.call(height, typeIndex, weight);
  }

  private calleeType(op: number): number {
    switch (op) {
      case Op.CallIndirect:
      case Op.ReturnCallIndirect:
        return this.immediates.indirectType();
      case Op.CallRef:
      case Op.ReturnCallRef:
        return this.immediates.typeIndex();
      default: {
        const { funcTypes } = this.module;
        const callee = this.reader.u32();
        if (callee >= funcTypes.length) throw this.immediates.invalid(`unknown function ${callee}`);
        return funcTypes[callee]!;
      }
    }
  }

  /** Pops what names the callee: a table's index, a reference, or nothing. */
  private popCallee(op: number, height: number, typeIndex: number): number {
    if (op === Op.ReturnCall) return height;
    if (op === Op.CallRef || op === Op.ReturnCallRef) return this.references.popCallee(height, typeIndex);
    return this.operands.pop(height, this.immediates.address);
  }
}
