/**
 * What the validators of all instructions share while they go through a function body: where they are, the two stacks,
 * and what they find out for the code generator (FunctionSummary).
 *
 * The rules are in the validate-*.ts files, a family of instructions each (core spec 3.3): functions that get this
 * object, read their immediates from `reader`, and pop and push operands. One object serves all functions of a module.
 */

import { ControlStack } from './control-stack.js';
import { Immediates } from './immediates.js';
import { limits } from './limits.js';
import type { FunctionSummary, Module } from './module.js';
import { OperandStack } from './operand-stack.js';
import { Reader } from './reader.js';
import { TypeLists } from './type-lists.js';
import { UnsetLocals } from './unset-locals.js';

export class BodyState {
  readonly reader: Reader;
  readonly lists: TypeLists;
  readonly control = new ControlStack();
  readonly operands: OperandStack;
  readonly immediates: Immediates;
  readonly unsetLocals = new UnsetLocals();
  readonly summary: FunctionSummary;

  /** `slotsOfType`: for each type, how many slots of the outgoing area a call of such a function needs. */
  constructor(
    readonly module: Module,
    private readonly slotsOfType: Uint32Array,
    file: string,
  ) {
    this.reader = new Reader(module.bytes, file);
    this.reader.refTypes = module.refTypes;
    this.lists = new TypeLists(module.types);
    this.operands = new OperandStack(this.control, this.lists, this.reader);
    this.immediates = new Immediates(module, this.reader, this.control);
    this.summary = {
      localTypes: new Uint8Array(limits.locals),
      localCount: 0,
      codeStart: 0,
      maxHeight: 0,
      maxControlDepth: 0,
      localWeight: new Float64Array(limits.locals),
      callWeight: 0,
      maxOutgoingSlots: 0,
      callCount: 0,
      usesVectors: false,
    };
  }

  /** Notes an instruction that leaves the function's code: FunctionSummary.callCount. */
  noteCallLike(): void {
    this.summary.callCount++;
    this.summary.callWeight += this.control.currentWeight;
  }

  /** Notes a call of a function of a type. */
  noteCall(typeIndex: number): void {
    const slots = this.slotsOfType[typeIndex];
    if (slots > this.summary.maxOutgoingSlots) this.summary.maxOutgoingSlots = slots;
    this.noteCallLike();
  }

  /** What follows in the innermost frame cannot be reached: its operands are gone, and any may be asked for. */
  setUnreachable(): void {
    const { control, operands } = this;
    control.unreachable[control.depth - 1] = 1;
    operands.height = operands.base;
  }
}
