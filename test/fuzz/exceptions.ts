/**
 * Random exceptions, in the legacy form that V8 knows: try with catch, catch_all and delegate, throw, rethrow. What is
 * made of them with try_table: try-tables.ts.
 *
 * Most of the bugs that there can be are in the state that a catch body finds. So a try has operands below it that are
 * copies of locals which its body then sets, and catch bodies read locals.
 */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import { I32 } from './shape.js';
import type { Values } from './values.js';
import { DEEP, type Walk } from './walk.js';

export class Exceptions {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
    private readonly walk: Walk,
  ) {}

  tryBlock(): void {
    const { choices, code, walk } = this;
    if (code.frames.length > DEEP) return;
    const copied = this.copyLocals();
    const take = Math.min(choices.small(4), code.available);
    code.begin(Op.Try, code.stack.slice(code.stack.length - take), walk.blockResults());
    walk.steps(choices.next(10));
    for (const local of copied) this.setAnew(local);
    if (choices.oneIn(3)) walk.call();
    if (choices.oneIn(2)) this.throwTag();
    walk.steps(choices.next(10));
    walk.finish();
    if (choices.oneIn(6)) return code.delegate(choices.small(code.frames.length - 1));
    const clauses = choices.next(3);
    for (let i = 0; i < clauses; i++) this.catchBody(choices.next(code.shape.tags.length));
    if (clauses === 0 || choices.oneIn(2)) this.catchBody(-1);
    code.end();
  }

  /** Some locals become operands. */
  private copyLocals(): number[] {
    const { choices, code, walk } = this;
    if (code.ownLocals === 0) return [];
    const copied = Array.from({ length: choices.small(4) }, () => choices.next(code.ownLocals));
    for (const local of copied) code.localGet(local);
    return copied.filter((local) => walk.mayWrite(local));
  }

  private setAnew(local: number): void {
    const { choices, code, values } = this;
    if (code.frame.dead || choices.oneIn(4)) return;
    values.push(code.locals[local], 1);
    code.localSet(local);
  }

  private catchBody(tag: number): void {
    const { choices, code, walk } = this;
    code.beginCatch(tag);
    for (let i = choices.next(3); i > 0 && code.ownLocals > 0; i--) code.localGet(choices.next(code.ownLocals));
    walk.steps(choices.next(15));
    if (choices.oneIn(8)) this.rethrow();
    walk.finish();
  }

  /** Throws, mostly on a condition; the payload then may come from below the `if`. */
  throwTag(): void {
    const { choices, code, values } = this;
    const tag = choices.next(code.shape.tags.length);
    const payload = code.shape.tags[tag];
    const inTry = code.frames.some(({ op }) => op === Op.Try);
    if (choices.next(4) < (inTry ? 2 : 3)) {
      const carried = choices.oneIn(2) ? payload : [];
      values.ensure(carried);
      this.condition();
      code.begin(Op.If, carried, carried);
      values.ensure(payload);
      this.thrown(tag);
      for (const type of carried) values.push(type, 0);
      code.end();
    } else if (inTry || choices.oneIn(4)) {
      values.ensure(payload);
      this.thrown(tag);
    }
  }

  private thrown(tag: number): void {
    const { code } = this;
    code.instruction(Op.Throw, code.shape.tags[tag].length, [], tag);
    code.die();
  }

  /** What a catch body around has caught. */
  rethrow(): void {
    const { choices, code } = this;
    const depths = code.frames.map((_, depth) => depth).filter((depth) => this.isCatch(depth));
    if (depths.length === 0) return;
    const depth = choices.pick(depths);
    if (choices.oneIn(3)) {
      code.indexed(Op.Rethrow, depth);
      return code.die();
    }
    this.condition();
    code.begin(Op.If, [], []);
    code.indexed(Op.Rethrow, depth + 1);
    code.die();
    code.end();
  }

  private isCatch(depth: number): boolean {
    const { frames } = this.code;
    return frames[frames.length - 1 - depth].op === Op.Catch;
  }

  private condition(): void {
    const { choices, code, values } = this;
    values.push(I32, choices.next(3));
    if (choices.oneIn(2)) code.op(Op.I32Eqz);
  }
}
