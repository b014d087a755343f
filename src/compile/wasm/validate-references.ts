/**
 * Validation of typed function references: call_ref, return_call_ref, ref.as_non_null, br_on_null and br_on_non_null
 * (core spec 3.3.2 and 3.3.8), and of locals that have no value from the start (3.3.5).
 *
 * A part of the validator of function bodies (validate.ts), which calls it per instruction: immediates are read from
 * reader.pos, the height of the stack comes in and the new one goes out.
 */

import type { ControlStack } from './control-stack.js';
import type { Immediates } from './immediates.js';
import { ValType } from './module.js';
import { ANY, type OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';
import { isDefaultable, isRefType } from './ref-types.js';
import { valTypeName } from './text.js';
import type { TypeLists } from './type-lists.js';

export class ReferenceValidator {
  constructor(
    private readonly reader: Reader,
    private readonly control: ControlStack,
    private readonly operands: OperandStack,
    private readonly immediates: Immediates,
    private readonly lists: TypeLists,
  ) {}

  /** Pops the reference of a call_ref or return_call_ref of a type. */
  popCallee(height: number, typeIndex: number): number {
    return this.operands.pop(height, this.reader.refTypes.named(this.reader, true, typeIndex));
  }

  isNull(height: number): number {
    this.reference(height);
    height = this.operands.drop(height);
    this.operands.reserve(height, 1);
    this.operands.types[height] = ValType.I32;
    return height + 1;
  }

  asNonNull(height: number): number {
    const type = this.reference(height);
    height = this.operands.drop(height);
    return this.push(height, type);
  }

  /** Branches with what is below the reference when it is null, else leaves it, which is not null then. */
  brOnNull(height: number): number {
    const { operands } = this;
    const label = this.label();
    const type = this.reference(height);
    height = operands.drop(height);
    height = operands.pushList(operands.popList(height, label), label);
    return this.push(height, type);
  }

  /** Branches with the reference when it is not null, else drops it. */
  brOnNonNull(height: number): number {
    const { operands, lists } = this;
    const label = this.label();
    const end = lists.start[label + 1]!;
    const expected = lists.count(label) === 0 ? ANY : lists.types[end - 1]!;
    if (!isRefType(expected)) throw operands.mismatch('the label of br_on_non_null takes no reference');
    const type = this.reference(height);
    height = this.push(operands.drop(height), type);
    height = operands.popList(height, label);
    operands.reserve(height, lists.count(label));
    for (let i = lists.start[label]!; i < end - 1; i++) operands.types[height++] = lists.types[i]!;
    return height;
  }

  private label(): number {
    const { control } = this;
    const label = this.reader.u32();
    if (label >= control.depth) throw this.immediates.invalid(`unknown label ${label}`);
    return control.labelList[control.depth - 1 - label]!;
  }

  /** The type of the topmost operand, which must be a reference, or ANY. */
  private reference(height: number): number {
    const type = this.operands.peek(height);
    if (type === ANY || isRefType(type)) return type;
    throw this.operands.mismatch(`expected a reference, found ${valTypeName(type)}`);
  }

  /** Pushes a reference that is known not to be null. */
  private push(height: number, type: number): number {
    this.operands.reserve(height, 1);
    this.operands.types[height] = type === ANY ? ANY : this.reader.refTypes.nonNull(type);
    return height + 1;
  }
}

/** Locals without a value from the start: which ones have been set, in the blocks that are open. */
export class UnsetLocals {
  private unset = new Uint8Array(0);
  /** Locals that have been set, and how many frames there were then. */
  private readonly set: number[] = [];
  private readonly depths: number[] = [];

  constructor(
    private readonly reader: Reader,
    private readonly immediates: Immediates,
  ) {}

  /** Locals `first` to `count - 1` are not parameters. */
  start(types: Uint8Array, first: number, count: number): void {
    this.set.length = this.depths.length = 0;
    if (this.unset.length < count) this.unset = new Uint8Array(count);
    else this.unset.fill(0, 0, count);
    for (let i = first; i < count; i++) this.unset[i] = isDefaultable(this.reader.refTypes, types[i]!) ? 0 : 1;
  }

  get(local: number): void {
    if (this.unset[local] !== 0) throw this.immediates.invalid(`uninitialized local ${local}`);
  }

  assign(local: number, depth: number): void {
    if (this.unset[local] === 0) return;
    this.unset[local] = 0;
    this.set.push(local);
    this.depths.push(depth);
  }

  /** A frame, or an arm of one, ends: what was set in it is unset again. @param depth of the frames around it */
  leave(depth: number): void {
    const { set, depths } = this;
    while (depths.length > 0 && depths[depths.length - 1]! > depth) {
      depths.pop();
      this.unset[set.pop()!] = 1;
    }
  }
}
