/**
 * The macro-assembler's vector accesses to guest memory: one access each, at any alignment.
 *
 * The extending loads, insertions and extractions take a memory operand themselves. An offset from 2^31 on goes through
 * the scratch register, as in masm-memory.ts.
 */

import type { Reg } from '../masm/masm.js';
import { Lanes, VectorLoad } from '../masm/masm-vector.js';
import { SCRATCH } from './abi.js';
import type { Encoding } from './encoding.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { VectorFloatMasm } from './masm-vector-floats.js';
import { INSERT } from './masm-vector-lanes.js';

// By VectorLoad; the splats of 8 and 16 bits go through a general register.
const LOADS = [
  X.movups_rm,
  V.pmovsxbw,
  V.pmovzxbw,
  V.pmovsxwd,
  V.pmovzxwd,
  V.pmovsxdq,
  V.pmovzxdq,
  X.movzx_8,
  X.movzx_16,
  X.movss_rm,
  V.movddup,
  X.movss_rm,
  X.movsd_rm,
];
// By Lanes, the integer ones.
const EXTRACT = [V.pextrb, V.pextrw, V.pextrd, V.pextrq];

export class VectorMemoryMasm extends VectorFloatMasm {
  vectorLoad(op: VectorLoad, dst: Reg, base: Reg, index: Reg, offset: number): void {
    if (op === VectorLoad.Splat8 || op === VectorLoad.Splat16) {
      this.access(LOADS[op], SCRATCH, base, index, offset);
      this.splat(op === VectorLoad.Splat8 ? Lanes.I8x16 : Lanes.I16x8, dst, SCRATCH);
      return;
    }
    this.access(LOADS[op], dst, base, index, offset);
    if (op === VectorLoad.Splat32) this.rri(V.pshufd, 0, dst, dst, 0);
  }

  vectorStore(src: Reg, base: Reg, index: Reg, offset: number): void {
    this.access(X.movups_mr, src, base, index, offset);
  }

  loadLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, base: Reg, index: Reg, offset: number): void {
    this.moveVector(dst, vector);
    this.accessImm(INSERT[lanes], dst, base, index, offset, lane);
  }

  storeLane(lanes: Lanes, src: Reg, lane: number, base: Reg, index: Reg, offset: number): void {
    if (lane === 0 && lanes >= Lanes.I32x4)
      this.access(lanes === Lanes.I32x4 ? X.movss_mr : X.movsd_mr, src, base, index, offset);
    else this.accessImm(EXTRACT[lanes], src, base, index, offset, lane);
  }

  private access(e: Encoding, reg: Reg, base: Reg, index: Reg, offset: number): void {
    if (offset > 0x7fffffff) {
      index = this.farIndex(index, offset);
      offset = 0;
    }
    this.faultOffset = this.at;
    this.rx(e, 0, reg, base, index, 0, offset);
  }

  private accessImm(e: Encoding, reg: Reg, base: Reg, index: Reg, offset: number, imm: number): void {
    if (offset > 0x7fffffff) {
      index = this.farIndex(index, offset);
      offset = 0;
    }
    this.faultOffset = this.at;
    this.rxi(e, reg, base, index, offset, imm);
  }
}
