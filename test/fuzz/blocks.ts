/**
 * Random blocks, loops and ifs. A loop ends by a counting local that nothing else writes, or its branches take fuel.
 */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import type { Conditions } from './conditions.js';
import { I32, valueTypes } from './shape.js';
import type { Values } from './values.js';
import { DEEP, type Walk } from './walk.js';

export class Blocks {
  private readonly counters = new Set<number>();

  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
    private readonly conditions: Conditions,
    private readonly walk: Walk,
  ) {}

  mayWrite(local: number): boolean {
    return !this.counters.has(local);
  }

  block(): void {
    const { choices, code, walk } = this;
    if (code.frames.length > DEEP) return;
    const take = Math.min(choices.small(4), code.available);
    const params = code.stack.slice(code.stack.length - take);
    const kind = choices.next(3);
    if (kind === 2) return this.ifBlock(params);
    code.begin(kind === 1 ? Op.Loop : Op.Block, params, this.results());
    walk.steps(choices.next(30));
    if (choices.oneIn(8)) walk.call();
    walk.finish();
    code.end();
  }

  /** Any, or those of the block around, of a function, or what is on the stack. */
  results(): readonly number[] {
    const { choices, code } = this;
    switch (choices.next(6)) {
      case 5:
        return code.frame.results;
      case 4:
        return choices.pick(code.shape.functions).results;
      case 3:
        return code.stack.slice(code.stack.length - Math.min(code.available, choices.next(4)));
      default:
        return valueTypes(choices, 3, code.shape);
    }
  }

  private ifBlock(params: readonly number[]): void {
    const { choices, code, conditions, walk } = this;
    if (params.length > 0 || choices.oneIn(4)) conditions.onTop();
    else conditions.any();
    const withElse = choices.oneIn(2);
    code.begin(Op.If, params, withElse ? this.results() : params);
    walk.steps(choices.next(20));
    if (choices.oneIn(8)) walk.call();
    walk.finish();
    if (withElse) {
      code.beginElse();
      walk.steps(choices.next(20));
      walk.finish();
    }
    code.end();
  }

  /** counter = n; loop { …; br_if (--counter) }, the counter tested in one of several ways. */
  countedLoop(): void {
    const { choices, code, values, walk } = this;
    if (code.frames.length > DEEP) return;
    const counter = values.localOf(I32, (index) => this.mayWrite(index));
    if (counter < 0) return;
    const times = 1 + choices.next(4);
    const up = choices.oneIn(2);
    code.i32(up ? 0 : times);
    code.localSet(counter);
    const take = Math.min(choices.small(3), code.available);
    const params = code.stack.slice(code.stack.length - take);
    code.begin(Op.Loop, params, valueTypes(choices, 2, code.shape));
    this.counters.add(counter);
    walk.steps(choices.next(30));
    if (!code.frame.dead) {
      values.ensure(params);
      code.localGet(counter);
      code.i32(1);
      code.op(up ? Op.I32Add : Op.I32Sub);
      code.localTee(counter);
      if (up) {
        code.i32(times);
        code.op(Op.I32LtU);
      }
      code.instruction(Op.BrIf, 1, [], 0);
    }
    walk.finish();
    this.counters.delete(counter);
    code.end();
  }
}
