/**
 * The validator's operand stack: a code of ref-types.ts per operand, and the popping rules (core spec appendix A.3.1).
 *
 * Below the base of an unreachable frame there are as many operands of any type as one needs. Needs control-stack.ts,
 * type-lists.ts, the opcode table for `apply`, and the reader for where errors are.
 */

import { ModuleError } from '../base/errors.js';
import type { ControlStack } from './control-stack.js';
import { limitError, limits } from './limits.js';
import { operand1Of, operand2Of, operand3Of, operandCountOf, resultOf, secondResultOf } from './opcodes.js';
import type { Reader } from './reader.js';
import { ANY_REF, isRefType, type RefTypes } from './ref-types.js';
import { formatTypes, valTypeName } from './text.js';
import type { TypeLists } from './type-lists.js';

/** The type of an operand that may be of any type: what an unreachable frame's stack holds below its base. */
export const ANY = 0;

export class OperandStack {
  types = new Int32Array(1024);
  height = 0;
  /** Height of the stack below the innermost frame. */
  base = 0;
  /** The greatest height between two instructions since `reset`. */
  maxHeight = 0;

  constructor(
    private readonly control: ControlStack,
    private readonly lists: TypeLists,
    private readonly reader: Reader,
  ) {}

  get refTypes(): RefTypes {
    return this.reader.refTypes;
  }

  reset(): void {
    this.height = this.base = this.maxHeight = 0;
  }

  mismatch(detail: string): ModuleError {
    return new ModuleError('invalid', `type mismatch: ${detail}`, this.reader.mark, this.reader.file);
  }

  /** Notes that the stack gets as high as this, and makes room for two operands more: an instruction may push two. */
  raise(height: number): void {
    this.maxHeight = height;
    this.reserve(height, 1);
  }

  /** Makes room for `more` operands above `height`, and one besides. */
  private reserve(height: number, more: number): void {
    const needed = height + more + 1;
    if (needed <= this.types.length) return;
    if (needed > limits.operands) throw limitError('operands', needed, this.reader.mark, this.reader.file);
    const types = new Int32Array(Math.max(needed, 2 * this.types.length));
    types.set(this.types);
    this.types = types;
  }

  /** Pushes one operand. An instruction may push two, and one after a list. */
  push(type: number): void {
    this.types[this.height++] = type;
  }

  /** Pops an operand of the type. */
  pop(type: number): void {
    const { height } = this;
    if (height > this.base && this.types[height - 1] === type) this.height = height - 1;
    else this.popOther(type);
  }

  /** Pops one that is not of the very type, or is not there. */
  private popOther(type: number): void {
    if (this.height > this.base) {
      const actual = this.types[this.height - 1];
      const fits = actual === ANY || (actual === ANY_REF && isRefType(type)) || this.refTypes.matches(actual, type);
      if (!fits) {
        throw this.mismatch(`expected ${valTypeName(type)}, found ${valTypeName(actual)}`);
      }
      this.height--;
    } else if (!this.isPolymorphic()) throw this.mismatch(`expected ${valTypeName(type)}, found nothing`);
  }

  /** Pops an operand of any type, which must be there, and returns its type, ANY when it may be of any. */
  popAny(): number {
    if (this.height > this.base) return this.types[--this.height];
    if (!this.isPolymorphic()) throw this.mismatch('found nothing');
    return ANY;
  }

  /** Pops operands of three types, given deepest first. */
  popThree(first: number, second: number, third: number): void {
    this.pop(third);
    this.pop(second);
    this.pop(first);
  }

  private isPolymorphic(): boolean {
    return this.control.unreachable[this.control.depth - 1] !== 0;
  }

  /** Pops operands of the list's types, the last one topmost. */
  popList(list: number): void {
    const { types, start } = this.lists;
    const first = start[list];
    for (let i = start[list + 1] - 1; i >= first; i--) this.pop(types[i]);
  }

  pushList(list: number): void {
    const { types, start } = this.lists;
    const end = start[list + 1];
    const first = start[list];
    this.reserve(this.height, end - first);
    for (let i = first; i < end; i++) this.push(types[i]);
  }

  /** That popList would succeed; operands keep their types, ANY included (br_table, core spec 3.3.8.8). */
  checkList(list: number): void {
    const { height } = this;
    this.popList(list);
    this.height = height;
  }

  /** That nothing is left in the frame, as must be at its end. */
  checkEmpty(): void {
    if (this.height === this.base) return;
    const left = formatTypes(this.types.subarray(this.base, this.height));
    throw this.mismatch(`values remaining on stack at end of block: ${left}`);
  }

  /**
   * Pops and pushes what the opcode table says of an instruction whose types are fixed.
   * @param index of the instruction in the flat tables
   * @param deepest type of its first operand: an access's is its memory's address type
   */
  apply(index: number, deepest: number): void {
    const count = operandCountOf[index];
    if (count > 3) this.pop(operand3Of[index]);
    if (count > 2) this.pop(operand2Of[index]);
    if (count > 1) this.pop(operand1Of[index]);
    if (count > 0) this.pop(deepest);
    const result = resultOf[index];
    if (result === 0) return;
    this.push(result);
    const second = secondResultOf[index];
    if (second !== 0) this.push(second);
  }
}
