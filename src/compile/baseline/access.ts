/** The memory access being compiled: body-reader.ts reads its immediates, memory-access.ts finds its address. */

import { NO_REG, type Reg } from '../../arch/masm/masm.js';

/** The access at hand. One object serves all accesses of a function, one after the other. */
export class MemoryAccess {
  /** Index of the memory. */
  memory = 0;
  /**
   * The static offset. One from 2^53 on is out of bounds anyway: it is replaced by 2^52 plus its lowest three bits,
   * which decide whether an atomic access is aligned.
   */
  offset = 0;
  /** The register with the memory's address. */
  base: Reg = NO_REG;
}
