/**
 * What a capture may collect besides pages: as much as a header can hold (prologue.ts), and no more objects than that.
 * Every list whose length a process or its image names is asked for here before it is read: frames, globals, tables,
 * exceptions.
 *
 * A process that means well cannot come near it, but for 500 MiB of stack or tables in use, which no snapshot could
 * hold.
 */

import { LimitError } from '../base/errors.js';
import { HEADER_MAX } from './prologue.js';

export class HeaderBudget {
  /** @param left bytes, for tests */
  constructor(private left: number = HEADER_MAX) {}

  /**
   * @param bytes in the header, or of the objects that come first when those are more
   * @param where for the error
   * @throws LimitError when there is not that much left
   */
  take(bytes: number, where: string): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new LimitError('header', `${where}: is more than a snapshot holds: ${HEADER_MAX} bytes besides its pages`);
  }
}
