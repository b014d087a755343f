/**
 * The validator's operand stack: one byte per operand, and the popping rules (core spec appendix A.3.1).
 *
 * The height is not kept here but passed in and returned: the validator's loop has it in a local variable, and does the
 * plain cases itself. Below the base of an unreachable frame there are as many operands of any type as one needs. Needs
 * control-stack.ts and type-lists.ts, and the reader for where errors are.
 */

import { ModuleError } from '../../errors.js';
import type { ControlStack } from './control-stack.js';
import { limitError, limits } from './limits.js';
import type { Reader } from './reader.js';
import type { RefTypes } from './ref-types.js';
import { formatTypes, valTypeName } from './text.js';
import type { TypeLists } from './type-lists.js';

/** The type of an operand that may be of any type: what an unreachable frame's stack holds below its base. */
export const ANY = 0;

export class OperandStack {
  types = new Uint8Array(1024);
  /** Height of the stack below the innermost frame. */
  base = 0;

  constructor(
    private readonly control: ControlStack,
    private readonly lists: TypeLists,
    private readonly reader: Reader,
  ) {}

  get refTypes(): RefTypes {
    return this.reader.refTypes;
  }

  mismatch(detail: string): ModuleError {
    return new ModuleError('invalid', `type mismatch: ${detail}`, this.reader.mark, this.reader.file);
  }

  /** Makes room for `more` operands above `height`, and one besides: an instruction may push one without asking. */
  reserve(height: number, more: number): void {
    const needed = height + more + 1;
    if (needed <= this.types.length) return;
    if (needed > limits.operands) throw limitError('operands', needed, this.reader.mark, this.reader.file);
    const types = new Uint8Array(Math.max(needed, 2 * this.types.length));
    types.set(this.types);
    this.types = types;
  }

  /** Pops an operand of the type and returns the new height. */
  pop(height: number, type: number): number {
    if (height > this.base) {
      const actual = this.types[height - 1]!;
      if (actual === type || actual === ANY || this.reader.refTypes.matches(actual, type)) return height - 1;
      throw this.mismatch(`expected ${valTypeName(type)}, found ${valTypeName(actual)}`);
    }
    if (this.control.unreachable[this.control.depth - 1] === 0) {
      throw this.mismatch(`expected ${valTypeName(type)}, found nothing`);
    }
    return height;
  }

  /** The type of the topmost operand, to be popped with `drop`: ANY when it may be of any type. */
  peek(height: number): number {
    if (height > this.base) return this.types[height - 1]!;
    if (this.control.unreachable[this.control.depth - 1] === 0) throw this.mismatch('found nothing');
    return ANY;
  }

  /** Pops an operand of any type, which must be there, and returns the new height. */
  drop(height: number): number {
    this.peek(height);
    return height > this.base ? height - 1 : height;
  }

  /** Pops operands of the list's types, the last one topmost, and returns the new height. */
  popList(height: number, list: number): number {
    const { types, base } = this;
    const expected = this.lists.types;
    const first = this.lists.start[list]!;
    for (let i = this.lists.start[list + 1]! - 1; i >= first; i--) {
      if (height > base && types[height - 1] === expected[i]) height--;
      else height = this.pop(height, expected[i]!);
    }
    return height;
  }

  pushList(height: number, list: number): number {
    const pushed = this.lists.types;
    const end = this.lists.start[list + 1]!;
    const first = this.lists.start[list]!;
    this.reserve(height, end - first);
    const { types } = this;
    for (let i = first; i < end; i++) types[height++] = pushed[i]!;
    return height;
  }

  /** That popList would succeed; operands keep their types, ANY included (br_table, core spec 3.3.8.8). */
  checkList(height: number, list: number): void {
    this.popList(height, list);
  }

  /** That nothing is left in the frame, as must be at its end. */
  checkEmpty(height: number): void {
    if (height === this.base) return;
    const left = formatTypes(this.types.subarray(this.base, height));
    throw this.mismatch(`values remaining on stack at end of block: ${left}`);
  }
}
