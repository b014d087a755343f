/**
 * The functions that a program is likely to call soon, while some of its functions are missing: short ones that the
 * functions that are there call directly, and neighbours of the last one that it asked for.
 *
 * Before its first line, a CPython calls 1,929 functions. Simulated, it asks for 670 when callees are guessed, and for 520
 * with neighbours, which are often called through the same table.
 */

import type { Module } from '../../wasm/module.js';
import type { DirectCallLists } from '../generator.js';

/** A longer body is not compiled before it is called: what is called meanwhile would wait for it. */
const SHORT_BODY = 1024;
/** Bytes of bodies of neighbours, for each function that is asked for. */
const NEAR_BYTES = 1024;

export class LikelyFunctions {
  /** The last one is the next. Some may be there by now. */
  private readonly callees: number[] = [];
  private near = 0; // the next neighbour
  private nearBytes = 0; // that are left

  /** @param offsets of each defined function; below 0: it is missing */
  constructor(
    private readonly module: Pick<Module, 'bodyStart' | 'bodyEnd'>,
    private readonly offsets: Int32Array,
  ) {}

  /** How many callees are known. */
  get known(): number {
    return this.callees.length;
  }

  /** The calls of a function that was compiled, in their order. */
  addCalls({ calls, jumps }: DirectCallLists): void {
    for (const list of [jumps, calls]) {
      for (let i = list.length - 1; i > 0; i -= 2) if (this.isShortAndMissing(list[i])) this.callees.push(list[i]);
    }
  }

  /** The program has asked for a function. */
  called(defined: number): void {
    this.near = defined + 1;
    this.nearBytes = NEAR_BYTES;
  }

  /** Takes the callee that became known last. @param known leaves so many that became known first */
  takeCallee(known: number): number | undefined {
    while (this.callees.length > known) {
      const defined = this.callees.pop()!;
      if (this.isShortAndMissing(defined)) return defined;
    }
    return undefined;
  }

  takeNeighbour(): number | undefined {
    while (this.nearBytes > 0 && this.near < this.offsets.length) {
      const defined = this.near++;
      if (!this.isShortAndMissing(defined)) continue;
      this.nearBytes -= this.bytesOf(defined);
      return defined;
    }
    return undefined;
  }

  private isShortAndMissing(defined: number): boolean {
    return this.offsets[defined] < 0 && this.bytesOf(defined) <= SHORT_BODY;
  }

  private bytesOf(defined: number): number {
    return this.module.bodyEnd[defined] - this.module.bodyStart[defined];
  }
}
