/** The memory access being compiled: body-reader.ts reads its immediates, memory-access.ts finds its address. */

import { NO_REG, type Reg } from '../../arch/masm/masm.js';

/** One access, from its immediates to the instruction for it: one object for all, filled anew each time. */
export class MemoryAccess {
  /** Index of the memory. */
  memory = 0;
  /**
   * One from 2^53 on, which is out of bounds anyway, is 2^52 and its lowest three bits, by which an atomic access is
   * aligned.
   */
  offset = 0;
  /** The register with the memory's address. */
  base: Reg = NO_REG;
}
