/** Limits the programs that a receiver has at the same time, running or on their way. */

import { hostname } from 'node:os';
import { LimitError } from '../base/errors.js';

export class WorkloadSlots {
  private taken = 0;

  constructor(private readonly max: number) {}

  /** @returns a function that frees the slot, which may be called twice. @throws LimitError */
  take(): () => void {
    if (this.taken >= this.max) {
      throw new LimitError('limit', `${hostname()} takes no more programs than ${this.max} at the same time`);
    }
    this.taken++;
    let isTaken = true;
    return () => {
      if (isTaken) this.taken--;
      isTaken = false;
    };
  }
}
