/**
 * Locals without an initial value, because their type is a reference that cannot be null: tracks which of them have
 * been set in the open blocks (core spec 3.3.5 and appendix A.3.1). Few functions have any.
 */

import { limits } from './limits.js';

export class UnsetLocals {
  private readonly unset = new Uint8Array(limits.locals);
  /** Above all that have been declared. */
  private end = 0;
  /** Locals that have been set, and how many frames there were then. */
  private readonly set: number[] = [];
  private readonly depths: number[] = [];

  reset(): void {
    this.unset.fill(0, 0, this.end);
    this.end = this.set.length = this.depths.length = 0;
  }

  /** Locals `first` to `end - 1` have no value. */
  declare(first: number, end: number): void {
    this.unset.fill(1, first, end);
    this.end = end;
  }

  has(local: number): boolean {
    return this.unset[local] !== 0;
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
    while (depths.length > 0 && depths[depths.length - 1] > depth) {
      depths.pop();
      this.unset[set.pop()!] = 1;
    }
  }
}
