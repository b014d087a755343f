/** Random tests and casts of references to functions, among a hierarchy of types (heap-types.ts). */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import { whileFuel } from './fuel.js';
import { heapOf, isNonNull, isTyped, referenceTo } from './reference-types.js';
import { FuncRef, I32 } from './shape.js';
import type { Values } from './values.js';
import { DEEP, type Walk } from './walk.js';

export class Casts {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
    private readonly walk: Walk,
  ) {}

  /** For any type of functions, for one that no function has, and for being null or not. */
  test(): void {
    const { choices, code } = this;
    this.reference();
    const op = choices.oneIn(2) ? Op.RefTest : Op.RefTestNull;
    const kind = choices.next(10);
    const { noFunc } = code.shape.encoding;
    code.cast(op, kind === 0 ? noFunc : kind === 1 ? FuncRef : choices.next(code.shape.heaps), I32);
  }

  /** Mostly to what the reference is, as a cast that fails is a trap. */
  cast(): void {
    const { choices, code, values } = this;
    const { functions, heaps, types } = code.shape;
    const nullable = choices.oneIn(2);
    const op = nullable ? Op.RefCastNull : Op.RefCast;
    if (choices.oneIn(6)) {
      values.push(this.type(FuncRef, nullable));
      return code.cast(op, choices.next(heaps), undefined);
    }
    const known = functions.map((_, i) => i).filter((i) => functions[i].type < heaps);
    const index = choices.pick(known);
    if (nullable && choices.oneIn(3)) code.refNull(FuncRef);
    else code.instruction(Op.RefFunc, 0, [FuncRef], index);
    code.cast(op, choices.pick(types.ancestors(functions[index].type)), undefined);
  }

  /** To a label that takes a reference, in need of a new block. */
  branch(): void {
    const { choices, code, values, walk } = this;
    const depths = code.frames
      .map((_, depth) => depth)
      .filter((depth) => isFunction(code.labelTypes(depth).at(-1) ?? 0));
    const write = (depth: number) => {
      const types = code.labelTypes(depth);
      values.ensure(types.slice(0, -1));
      this.writeBranch(depth, types[types.length - 1]);
    };
    if (depths.length > 0 && choices.next(3) > 0) {
      const depth = choices.pick(depths);
      if (!code.isLoop(depth)) return write(depth);
      whileFuel(code, () => {
        write(depth + 1);
        while (code.available > 0) code.drop();
      });
    } else if (code.frames.length <= DEEP) {
      const carried = choices.oneIn(3) ? FuncRef : referenceTo(choices.next(code.shape.heaps), choices.next(3) > 0);
      code.begin(Op.Block, [], [...walk.blockResults(), carried]);
      walk.steps(choices.next(10));
      if (!code.frame.dead) write(0);
      walk.finish();
      code.end();
    }
  }

  /** @param carried the last type of the label: of what the branch carries */
  private writeBranch(depth: number, carried: number): void {
    const { choices, code } = this;
    const onFailure = choices.oneIn(2);
    if (onFailure) {
      // What is not of the target type is carried: null only where the label takes it.
      const targetNullable = isNonNull(carried) || choices.oneIn(2);
      const sourceNullable = targetNullable || !isNonNull(carried);
      const source = isTyped(carried) ? referenceTo(heapOf(carried), sourceNullable) : FuncRef;
      const target = referenceTo(this.below(source), targetNullable);
      this.push(source);
      code.castBranch(Op.BrOnCastFail, depth, source, target, target);
    } else {
      const targetNullable = !isNonNull(carried) && choices.oneIn(2);
      const target = referenceTo(this.below(carried), targetNullable);
      const source = this.above(target, targetNullable);
      const stays = isTyped(source) && targetNullable ? referenceTo(heapOf(source), false) : source;
      this.push(source);
      code.castBranch(Op.BrOnCast, depth, source, target, stays);
    }
  }

  /** A heap whose references are of a type. */
  private below(type: number): number {
    const { choices, code } = this;
    const { types, heaps } = code.shape;
    if (!isTyped(type)) return choices.next(heaps);
    return choices.pick(types.list.map((_, i) => i).filter((i) => i < heaps && types.isSubtype(i, heapOf(type))));
  }

  /** A type that a target type is a subtype of. */
  private above(target: number, nullable: boolean): number {
    const { choices, code } = this;
    if (choices.oneIn(2)) return FuncRef;
    return referenceTo(choices.pick(code.shape.types.ancestors(heapOf(target))), nullable || choices.oneIn(2));
  }

  private reference(): void {
    const { choices } = this;
    this.push(this.type(FuncRef, choices.oneIn(2)));
  }

  /** FuncRef, or a typed reference. */
  private type(type: number, nullable: boolean): number {
    const { choices, code } = this;
    return choices.oneIn(2) ? type : referenceTo(choices.next(code.shape.heaps), nullable);
  }

  /** Often what a table has. */
  private push(type: number): void {
    const { choices, code, values } = this;
    const { tables, elements } = code.shape;
    const table = tables.findIndex(({ element, min }) => element === type && min > 0);
    if (table < 0 || !choices.oneIn(2)) return values.push(type);
    code.i32(choices.next(Math.min(tables[table].min, elements.length)));
    code.instruction(Op.TableGet, 1, [type], table);
  }
}

function isFunction(type: number): boolean {
  return type === FuncRef || isTyped(type);
}
