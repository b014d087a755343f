/** Moves arguments from anywhere to their registers at once: a parallel move. */

import { type MacroAssembler, NO_REG } from '../../arch/masm/masm.js';
import { Kind, type Operands } from './operands.js';

export class ParallelMove {
  /** Of each argument: the register that it has yet to be moved from, or NO_REG. */
  private from = new Uint8Array(64);
  /** Of each register: how many moves still read it. */
  private readonly readers = new Uint8Array(64);

  constructor(
    private readonly masm: MacroAssembler,
    private readonly operands: Operands,
  ) {}

  /**
   * Moves operands first, first + 1, … to regs[0], regs[1], … (NO_REG: none) at once. Operands in registers come first,
   * each as soon as no move still reads its destination; cycles are resolved by exchanges. Operands from elsewhere
   * follow.
   */
  run(first: number, count: number, regs: ArrayLike<number>): void {
    const { operands: o } = this;
    if (count > this.from.length) this.from = new Uint8Array(count);
    this.betweenRegisters(first, count, regs);
    for (let i = 0; i < count; i++) {
      if (regs[i] !== NO_REG && o.kinds[first + i] !== Kind.Reg) o.load(first + i, regs[i]);
    }
  }

  private betweenRegisters(first: number, count: number, regs: ArrayLike<number>): void {
    const { operands: o, from, readers } = this;
    let pending = 0;
    for (let i = 0; i < count; i++) {
      const dst = regs[i];
      if (dst === NO_REG) continue;
      from[i] = NO_REG;
      if (o.kinds[first + i] !== Kind.Reg) continue;
      const src = o.lo[first + i];
      if (src === dst) continue;
      from[i] = src;
      readers[src]++;
      pending++;
    }
    while (pending > 0) {
      let moved = false;
      for (let i = 0; i < count; i++) {
        const dst = regs[i];
        if (dst === NO_REG || from[i] === NO_REG || readers[dst] > 0) continue;
        o.moveReg(o.types[first + i], dst, from[i]);
        readers[from[i]]--;
        from[i] = NO_REG;
        pending--;
        moved = true;
      }
      if (!moved) pending -= this.exchange(count, regs);
    }
  }

  /**
   * Called when only cycles are left: exchanges one pair, and redirects the moves that still read either register.
   * Returns how many moves that completes.
   */
  private exchange(count: number, regs: ArrayLike<number>): number {
    const { from, readers } = this;
    let i = 0;
    while (regs[i] === NO_REG || from[i] === NO_REG) i++;
    const dst = regs[i];
    const src = from[i];
    this.masm.exchange(dst, src);
    from[i] = NO_REG;
    readers[src]--;
    let done = 1;
    for (let k = 0; k < count; k++) {
      if (regs[k] === NO_REG || from[k] !== dst) continue;
      readers[dst]--;
      if (regs[k] === src) {
        from[k] = NO_REG;
        done++;
      } else {
        from[k] = src;
        readers[src]++;
      }
    }
    return done;
  }
}
