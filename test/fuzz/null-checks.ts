/** Random checks of references for null: the branches, and the one that traps. */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import { whileFuel } from './fuel.js';
import { heapOf, isTyped, referenceTo, withoutNull } from './reference-types.js';
import { ExternRef, FuncRef, isReference } from './shape.js';
import type { Values } from './values.js';
import { DEEP, type Walk } from './walk.js';

export class NullChecks {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
    private readonly walk: Walk,
  ) {}

  /** Traps for null, which is rare among typed references. */
  nonNull(): void {
    const { code, choices } = this;
    const typed = code.top !== undefined && isTyped(code.top);
    if (!typed || choices.oneIn(4)) this.values.push(referenceTo(choices.next(code.shape.heaps), true));
    const type = code.top!;
    code.instruction(Op.RefAsNonNull, 1, [withoutNull(type)]);
  }

  /** Branches with what is below the reference. */
  branchOnNull(): void {
    const { choices, code, values } = this;
    const depth = choices.small(code.frames.length);
    const write = (extra: number) => {
      values.ensure(code.labelTypes(depth + extra));
      this.pushReference();
      code.instruction(Op.BrOnNull, 1, [withoutNull(code.top!)], depth + extra);
    };
    if (code.isLoop(depth)) this.backward(write);
    else write(0);
  }

  /** Branches with the reference too: to a label that takes one, in need of a new block. */
  branchOnNonNull(): void {
    const { choices, code, values, walk } = this;
    const last = (depth: number) => code.labelTypes(depth).at(-1);
    const depths = code.frames.map((_, depth) => depth).filter((depth) => isReference(last(depth) ?? 0));
    const write = (depth: number) => {
      const types = code.labelTypes(depth);
      const type = types[types.length - 1];
      values.ensure(types.slice(0, -1));
      values.push(isTyped(type) ? referenceTo(heapOf(type), choices.next(4) > 0) : type);
      code.instruction(Op.BrOnNonNull, 1, [], depth);
    };
    if (depths.length > 0 && choices.next(3) > 0) {
      const depth = choices.pick(depths);
      if (code.isLoop(depth)) this.backward((extra) => write(depth + extra));
      else write(depth);
    } else if (code.frames.length <= DEEP) {
      code.begin(Op.Block, [], [...walk.blockResults(), referenceTo(choices.next(code.shape.heaps), choices.oneIn(3))]);
      walk.steps(choices.next(10));
      if (!code.frame.dead) write(0);
      walk.finish();
      code.end();
    }
  }

  private backward(write: (extra: number) => void): void {
    const { code } = this;
    whileFuel(code, () => {
      write(1);
      while (code.available > 0) code.drop();
    });
  }

  private pushReference(): void {
    const { choices, code, values } = this;
    const type = choices.oneIn(5)
      ? choices.pick([FuncRef, ExternRef])
      : referenceTo(choices.next(code.shape.heaps), true);
    values.push(type);
  }
}
