/**
 * The state that the validators of all instructions share in a function body: the position, the two stacks, and the
 * summary for the code generator (FunctionSummary).
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
  /** Types of parameters and locals: summary.localCount entries are valid. */
  readonly localTypes = new Int32Array(limits.locals);

  /** Of each type: the number of the validated function that called it last. */
  private readonly lastCaller: Uint32Array;
  private functionNumber = 0;

  constructor(
    readonly module: Module,
    file: string,
  ) {
    this.lastCaller = new Uint32Array(module.types.length);
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
      calledTypes: new Uint32Array(module.types.length),
      calledTypeCount: 0,
      callCount: 0,
      usesVectors: false,
    };
  }

  /** Forgets the calls of the previous function. */
  resetCalls(): void {
    this.functionNumber++;
    this.summary.callWeight = 0;
    this.summary.callCount = 0;
    this.summary.calledTypeCount = 0;
  }

  /** Notes an instruction that leaves the function's code: FunctionSummary.callCount. */
  noteCallLike(): void {
    this.summary.callCount++;
    this.summary.callWeight += this.control.currentWeight;
  }

  /** Notes a call of a function of a type. */
  noteCall(typeIndex: number): void {
    if (this.lastCaller[typeIndex] !== this.functionNumber) {
      this.lastCaller[typeIndex] = this.functionNumber;
      this.summary.calledTypes[this.summary.calledTypeCount++] = typeIndex;
    }
    this.noteCallLike();
  }

  /**
   * The rest of the innermost frame cannot be reached: its operands are dropped, and operands of any type may be
   * popped.
   */
  setUnreachable(): void {
    const { control, operands } = this;
    control.unreachable[control.depth - 1] = 1;
    operands.height = operands.base;
  }
}
