/**
 * The macro-assembler's guest memory accesses of vectors. Whole ones are as those of scalars (masm-memory.ts); lanes
 * and splats have no addressing mode but the plain register.
 */

import { NO_REG, type Reg } from '../masm/masm.js';
import { Lanes, VectorLoad } from '../masm/masm-vector.js';
import { ADDRESS_SCRATCH } from './abi.js';
import { addSubField } from './encoding.js';
import { A } from './encodings.js';
import { V } from './encodings-vector.js';
import { LANE_SIZES } from './masm-vector-lanes.js';
import { ShuffleMasm } from './masm-vector-shuffle.js';

export class VectorMemoryMasm extends ShuffleMasm {
  vectorLoad(op: VectorLoad, dst: Reg, base: Reg, index: Reg, offset: number): void {
    if (op === VectorLoad.V128) this.accessGuest(A.ldr_q, 4, dst, base, index, offset);
    else if (op === VectorLoad.Zero32) this.accessGuest(A.ldr_s, 2, dst, base, index, offset);
    else if (op >= VectorLoad.Splat8 && op <= VectorLoad.Splat64) {
      const address = this.guestAddress(base, index, offset);
      this.simdReplicate(V.ld1r, op - VectorLoad.Splat8, dst, address);
      this.faultOffset = this.at - 4;
    } else {
      this.accessGuest(A.ldr_d, 3, dst, base, index, offset);
      if (op === VectorLoad.Zero64) return;
      const bits = 8 << ((op - VectorLoad.S8x8) >> 1);
      this.simdShift((op - VectorLoad.S8x8) & 1 ? V.ushll : V.sshll, dst, dst, bits);
    }
  }

  vectorStore(src: Reg, base: Reg, index: Reg, offset: number): void {
    this.accessGuest(A.str_q, 4, src, base, index, offset);
    this.probeStore();
  }

  loadLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, base: Reg, index: Reg, offset: number): void {
    this.moveVector(dst, vector);
    this.simdLane(V.ld1, LANE_SIZES[lanes], dst, lane, this.guestAddress(base, index, offset));
    this.faultOffset = this.at - 4;
  }

  storeLane(lanes: Lanes, src: Reg, lane: number, base: Reg, index: Reg, offset: number): void {
    this.simdLane(V.st1, LANE_SIZES[lanes], src, lane, this.guestAddress(base, index, offset));
    if (lanes === Lanes.I8x16) this.faultOffset = this.at - 4;
    else this.probeStore();
  }

  /** A register with the sum, of 64 bits. */
  private guestAddress(base: Reg, index: Reg, offset: number): Reg {
    if (offset === 0 && index === NO_REG) return base;
    const field = addSubField(offset);
    if (field < 0) {
      this.constant(ADDRESS_SCRATCH, 0, offset | 0, 0);
      this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, base);
      if (index !== NO_REG) this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, index);
      return ADDRESS_SCRATCH;
    }
    if (index !== NO_REG) this.addSubShifted(A.add_r, 1, ADDRESS_SCRATCH, base, index);
    if (offset !== 0)
      this.addSubImmediate(A.add_i, 1, ADDRESS_SCRATCH, index === NO_REG ? base : ADDRESS_SCRATCH, field);
    return ADDRESS_SCRATCH;
  }
}
