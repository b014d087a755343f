/**
 * The registers that operands may be in, the plan's pools: which operand owns each, and which are locked.
 *
 * A register that an instruction has acquired is locked until it calls `unlock`, so that acquiring the next one cannot
 * evict it. operands.ts decides what becomes of an operand that must give way.
 */

import { FLOAT_BASE, NO_REG, type Reg, type RegisterPlan } from '../../arch/masm/masm.js';
import { BugError } from '../../base/errors.js';
import type { ValType } from '../../wasm/module.js';
import { isFloat } from '../convention/call-layout.js';

/** The owner of a register that no operand is in. */
export const FREE = -1;

export class OperandRegisters {
  /** By register: the index of the operand in it, or FREE. */
  readonly owner = new Int32Array(64);
  readonly ints: Uint8Array;
  readonly floats: Uint8Array;
  private readonly isOperands = new Uint8Array(64);
  private readonly locks = new Uint8Array(64);
  private readonly locked = new Uint8Array(64); // the registers locked, to undo
  private lockCount = 0;

  constructor(plan: RegisterPlan) {
    this.ints = Uint8Array.from(plan.operandInts);
    this.floats = Uint8Array.from(plan.operandFloats);
    for (const reg of [...this.ints, ...this.floats]) this.isOperands[reg] = 1;
  }

  reset(): void {
    this.owner.fill(FREE);
    this.unlock();
  }

  lock(reg: Reg): void {
    if (this.locks[reg]++ === 0) this.locked[this.lockCount++] = reg;
  }

  /** Takes back one lock of a register that the instruction needs no more. */
  unlockOne(reg: Reg): void {
    this.locks[reg]--;
  }

  /** Ends an instruction: all locks go. */
  unlock(): void {
    while (this.lockCount > 0) this.locks[this.locked[--this.lockCount]] = 0;
  }

  /** Whether an operand that is in the register may be overwritten: not where it is a pinned local's. */
  isWritable(reg: Reg): boolean {
    return this.isOperands[reg] !== 0;
  }

  /** A register for the type that is not locked: a free one, or else that of the deepest operand. */
  choose(type: ValType): Reg {
    const { owner, locks } = this;
    const pool = isFloat(type) ? this.floats : this.ints;
    let victim = NO_REG;
    let deepest = 0x7fffffff;
    for (let i = 0; i < pool.length; i++) {
      const reg = pool[i];
      if (locks[reg] !== 0) continue;
      if (owner[reg] === FREE) return reg;
      if (owner[reg] < deepest) {
        deepest = owner[reg];
        victim = reg;
      }
    }
    if (victim === NO_REG) throw new BugError('no operand register left');
    return victim;
  }

  /** Whether a value of the type may be put there: no operand is in it. It may be locked. */
  isFree(reg: Reg, type: ValType): boolean {
    return reg !== NO_REG && this.isWritable(reg) && this.owner[reg] === FREE && reg >= FLOAT_BASE === isFloat(type);
  }

  /** A free register of the class of `reg`, not locked; NO_REG when there is none. */
  alternative(reg: Reg): Reg {
    const pool = reg >= FLOAT_BASE ? this.floats : this.ints;
    for (let i = 0; i < pool.length; i++) {
      const other = pool[i];
      if (other !== reg && this.owner[other] === FREE && this.locks[other] === 0) return other;
    }
    return NO_REG;
  }
}
