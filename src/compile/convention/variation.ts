/**
 * Plays another version of the compiler, for tests: a seed makes the choices that a later version may make differently.
 *
 *     registers    their order in all pools, how many are for locals and for arguments   (a RegisterPlan)
 *     locals       which are pinned, where their slots are, before or after the operands'   (baseline/frame.ts)
 *     text         the order of an instance's functions   (compile/link/text-builder.ts)
 *
 * Each choice is made in that one place. What is computed and where the sites are must not depend on it: test/migrate
 * captures under one seed and restores under another.
 */

import { BUILTIN_ARGUMENTS, SIGNAL_ARGUMENTS } from '../../arch/masm/check-plan.js';
import type { Reg, RegisterPlan } from '../../arch/masm/masm.js';

/** The choices of one compilation, in the order in which they are asked for. */
export class Variation {
  private state: number;
  private planned: RegisterPlan | undefined;

  constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    for (let i = 0; i < 8; i++) this.below(2);
  }

  /** The same one each time: host layer and guests call each other. */
  plan(plan: RegisterPlan): RegisterPlan {
    this.planned ??= this.varied(plan);
    return this.planned;
  }

  private varied(plan: RegisterPlan): RegisterPlan {
    const argInts = [
      ...plan.argInts.slice(0, SIGNAL_ARGUMENTS),
      ...this.some(plan.argInts.slice(SIGNAL_ARGUMENTS), BUILTIN_ARGUMENTS - SIGNAL_ARGUMENTS),
    ];
    // NOTE: the first one also holds the record of an indirect call, whose index is in callTemp.
    const pinnedInts = this.some(plan.pinnedInts, 2);
    if (pinnedInts[0] === plan.callTemp) pinnedInts.push(pinnedInts.shift()!);
    return {
      ...plan,
      operandInts: this.shuffled(plan.operandInts),
      operandFloats: this.shuffled(plan.operandFloats),
      argInts,
      argFloats: this.some(plan.argFloats, 1),
      pinnedInts,
      pinnedFloats: this.some(plan.pinnedFloats, 0),
    };
  }

  /** The numbers below `count` in some order. */
  order(count: number): number[] {
    return this.shuffled(Array.from({ length: count }, (_, i) => i));
  }

  /** An integer in 0 .. limit - 1. */
  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  private some(registers: readonly Reg[], least: number): Reg[] {
    return this.shuffled(registers).slice(0, least + this.below(registers.length - least + 1));
  }

  private shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [result[i], result[other]] = [result[other], result[i]];
    }
    return result;
  }
}
