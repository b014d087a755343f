/**
 * A budget for everything that a capture collects besides pages: as much as a header can hold (prologue.ts), and a
 * bounded number of objects. Before a list is read whose length a process or its image names, its size is taken from
 * the budget: frames, globals, tables, exceptions.
 *
 * A well-behaved process cannot reach the limit, unless it has 500 MiB of stack or tables in use, which no snapshot
 * could hold.
 */

import { LimitError } from '../base/errors.js';
import { HEADER_MAX } from './prologue.js';

export class HeaderBudget {
  /** @param left the budget in bytes, for tests */
  constructor(private left: number = HEADER_MAX) {}

  /**
   * @param bytes size in the header, or of the objects when they are larger
   * @param where names the list, for the error
   * @throws LimitError when the budget is exceeded
   */
  take(bytes: number, where: string): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new LimitError('header', `${where}: is more than a snapshot holds: ${HEADER_MAX} bytes besides its pages`);
  }
}
