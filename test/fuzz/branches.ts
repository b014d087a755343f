/** Random branches. One back to a loop is taken only while there is fuel. */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import type { Conditions } from './conditions.js';
import { burn, pushFuel, whileFuel } from './fuel.js';
import { I32 } from './shape.js';
import type { TailCalls } from './tail-calls.js';
import type { Values } from './values.js';

export class Branches {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
    private readonly conditions: Conditions,
    private readonly tailCalls: TailCalls,
  ) {}

  branchIf(): void {
    const { choices, code, values, conditions } = this;
    const depth = choices.small(code.frames.length);
    const types = code.labelTypes(depth);
    values.ensure(types);
    const backward = code.isLoop(depth);
    if (backward) burn(code);
    if (types.length === 0 && !backward) conditions.any();
    else conditions.onTop();
    if (backward) {
      pushFuel(code);
      code.i32(0);
      code.op(Op.I32GtS);
      code.op(Op.I32And);
    }
    code.instruction(Op.BrIf, 1, [], depth);
  }

  branch(): void {
    const { choices, code, values } = this;
    const depth = choices.small(code.frames.length);
    const write = (extra: number) => {
      values.ensure(code.labelTypes(depth + extra));
      code.indexed(Op.Br, depth + extra);
      code.die();
    };
    if (code.isLoop(depth)) whileFuel(code, () => write(1));
    else write(0);
  }

  branchTable(): void {
    const { choices, code, values } = this;
    const write = (extra: number) => {
      const last = extra + choices.next(code.frames.length - extra);
      const types = code.labelTypes(last);
      const same = code.frames
        .map((_, depth) => depth)
        .filter((depth) => `${code.labelTypes(depth)}` === `${types}` && depth >= extra);
      const targets = Array.from({ length: choices.small(10) }, () => choices.pick(same));
      values.ensure(types);
      values.push(I32);
      if (targets.length > 0 && choices.oneIn(2)) {
        code.i32(targets.length);
        code.op(Op.I32RemU);
      }
      code.indexed(Op.BrTable, targets.length, ...targets, last);
      code.die();
    };
    if (code.frames.some(({ op }) => op === Op.Loop)) whileFuel(code, () => write(1));
    else write(0);
  }

  /** Leaves the function, or traps. */
  leave(): void {
    const { choices, code, values } = this;
    if (choices.oneIn(8)) {
      code.indexed(Op.Unreachable);
      return code.die();
    }
    if (code.frames.length < 3 && !choices.oneIn(4)) return;
    if (code.shape.tailCalls && !choices.oneIn(4) && this.tailCalls.call()) return;
    values.ensure(code.results);
    code.indexed(Op.Return);
    code.die();
  }
}
