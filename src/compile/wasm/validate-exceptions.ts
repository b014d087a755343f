/**
 * Validation of exception handling: throw, throw_ref, try_table (core spec 3.3.8) and the legacy proposal's try with
 * catch, catch_all, delegate and rethrow.
 *
 * A part of the validator of function bodies (validate.ts), which calls it per instruction: immediates are read from
 * reader.pos, the height of the stack comes in and the new one goes out. In a legacy catch body the caught exception is a
 * hidden operand of type exnref below the frame's base: rethrow asks for it, and the code generator keeps it in the
 * slot that it owns like any other.
 */

import { type ControlStack, FrameKind } from './control-stack.js';
import type { Immediates } from './immediates.js';
import { limitError, limits } from './limits.js';
import { type Module, ValType } from './module.js';
import { Op } from './opcodes.js';
import type { OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';
import { RefCode } from './ref-types.js';
import { EMPTY_LIST, paramList, type TypeLists } from './type-lists.js';

/** The kinds of a try_table's clauses: bit 0, with a reference to the exception; bit 1, of any tag. */
export const enum CatchKind {
  Catch = 0,
  CatchRef = 1,
  CatchAll = 2,
  CatchAllRef = 3,
}

export class ExceptionValidator {
  /** The greatest height of the operand stack that a landing pad of the last try_table needs. */
  landingHeight = 0;

  constructor(
    private readonly module: Module,
    private readonly reader: Reader,
    private readonly control: ControlStack,
    private readonly operands: OperandStack,
    private readonly immediates: Immediates,
    private readonly lists: TypeLists,
  ) {}

  /** A tag's index: the list of what its exceptions carry. */
  private tag(): number {
    const index = this.reader.u32();
    const { tags } = this.module;
    if (index >= tags.length) throw this.immediates.invalid(`unknown tag ${index}`);
    return paramList(tags[index]!);
  }

  /** The frame that a label names, counted from frame `top`. */
  private label(top: number): number {
    const label = this.reader.u32();
    if (label > top) throw this.immediates.invalid(`unknown label ${label}`);
    return top - label;
  }

  /** throw, throw_ref or rethrow: what follows cannot be reached. */
  raise(op: number, height: number): void {
    if (op === Op.Throw) this.operands.popList(height, this.tag());
    else if (op === Op.ThrowRef) this.operands.pop(height, ValType.ExnRef);
    else this.rethrow();
  }

  /** The label must be of a catch body, whose exception is thrown again. */
  private rethrow(): void {
    const { control } = this;
    const kind = control.kind[this.label(control.depth - 1)]!;
    if (kind !== FrameKind.Catch && kind !== FrameKind.CatchAll) throw this.immediates.invalid('invalid rethrow label');
  }

  /**
   * The clauses of a try_table, whose labels are those around it, and checked to take what the clause gives.
   * @param height below the block's parameters
   */
  catches(height: number): void {
    const { reader, control, immediates } = this;
    const count = reader.u32();
    if (count > reader.end - reader.pos) throw immediates.malformed('unexpected end of section or function');
    if (count > limits.catches) throw limitError('catches', count, reader.mark, reader.file);
    this.landingHeight = height;
    for (let i = 0; i < count; i++) {
      const kind = reader.u8();
      if (kind > CatchKind.CatchAllRef) throw immediates.malformed(`malformed catch clause 0x${kind.toString(16)}`);
      const payload = (kind & CatchKind.CatchAll) === 0 ? this.tag() : EMPTY_LIST;
      const withReference = (kind & CatchKind.CatchRef) !== 0;
      this.clause(payload, withReference, control.labelList[this.label(control.depth - 1)]!);
      const needed = height + this.lists.count(payload) + (withReference ? 1 : 0);
      if (needed > this.landingHeight) this.landingHeight = needed;
    }
  }

  private clause(payload: number, withReference: boolean, label: number): void {
    const { start, types } = this.lists;
    const { refTypes } = this.operands;
    const count = this.lists.count(payload);
    let matches = this.lists.count(label) === count + (withReference ? 1 : 0);
    for (let i = 0; matches && i < count; i++) {
      matches = refTypes.matches(types[start[payload]! + i]!, types[start[label]! + i]!);
    }
    if (matches && withReference) matches = refTypes.matches(RefCode.Exn, types[start[label]! + count]!);
    if (!matches) throw this.operands.mismatch('a catch clause gives other types than its label takes');
  }

  /** catch and catch_all: the body before ends as a block does, and the next one begins with the payload. */
  catchArm(all: boolean, height: number): number {
    const { control, operands, immediates } = this;
    const top = control.depth - 1;
    const kind = control.kind[top]!;
    if (kind !== FrameKind.Try && kind !== FrameKind.Catch) throw immediates.malformed('catch without try');
    const payload = all ? EMPTY_LIST : this.tag();
    operands.checkEmpty(operands.popList(height, control.endList[top]!));
    if (kind === FrameKind.Try) {
      operands.reserve(operands.base, 1);
      operands.types[operands.base++] = ValType.ExnRef;
      control.base[top] = operands.base;
    }
    control.kind[top] = all ? FrameKind.CatchAll : FrameKind.Catch;
    control.unreachable[top] = 0;
    return operands.pushList(operands.base, payload);
  }

  /** delegate ends a try without catches; its label is one around it. */
  delegate(): void {
    const { control, immediates } = this;
    const top = control.depth - 1;
    if (control.kind[top] !== FrameKind.Try) throw immediates.malformed('delegate without try');
    this.label(top - 1);
  }
}
