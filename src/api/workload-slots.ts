/** How many programs a receiver may have at the same time: those that run and those that are on their way. */

import { hostname } from 'node:os';
import { LimitError } from '../base/errors.js';

export class WorkloadSlots {
  private taken = 0;

  constructor(private readonly max: number) {}

  /** @returns what gives it back; a second time it does nothing. @throws LimitError */
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
