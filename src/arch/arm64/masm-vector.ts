/**
 * The macro-assembler's vectors: none of them yet.
 */

import { BugError } from '../../errors.js';
import type { Cond, Reg } from '../masm.js';
import type { Lanes, VectorBinary, VectorLoad, VectorShift, VectorUnary } from '../masm-vector.js';
import { FLOAT_SCRATCH, SCRATCH } from './abi.js';
import { A } from './encodings.js';
import { V } from './encodings-vector.js';
import { CODE_OF } from './labels.js';
import { MemoryMasm } from './masm-memory.js';
import { ZR } from './registers.js';

export class VectorMasm extends MemoryMasm {
  selectVector(cond: Cond, dst: Reg, a: Reg, b: Reg): void {
    this.conditionalSelect(A.csinv, 1, SCRATCH, ZR, ZR, CODE_OF[cond]! ^ 1); // all ones when it holds
    this.simdFromInt(V.dup, 3, FLOAT_SCRATCH, 0, SCRATCH);
    this.bitselect(dst, a, b, FLOAT_SCRATCH);
  }

  vectorConstant(_dst: Reg, _w0: number, _w1: number, _w2: number, _w3: number): void {
    throw new BugError('vectors are missing');
  }

  vectorUnary(_op: VectorUnary, _dst: Reg, _src: Reg): void {
    throw new BugError('vectors are missing');
  }

  vectorBinary(_op: VectorBinary, _dst: Reg, _lhs: Reg, _rhs: Reg): void {
    throw new BugError('vectors are missing');
  }

  bitselect(dst: Reg, a: Reg, b: Reg, mask: Reg): void {
    if (dst === mask) this.simdThree(V.bsl, 0, dst, a, b);
    else if (dst === a) this.simdThree(V.bif, 0, dst, b, mask);
    else if (dst === b) this.simdThree(V.bit, 0, dst, a, mask);
    else {
      this.moveVector(dst, mask);
      this.simdThree(V.bsl, 0, dst, a, b);
    }
  }

  vectorShift(_op: VectorShift, _lanes: Lanes, _dst: Reg, _src: Reg, _count: Reg): void {
    throw new BugError('vectors are missing');
  }

  vectorShiftImm(_op: VectorShift, _lanes: Lanes, _dst: Reg, _src: Reg, _count: number): void {
    throw new BugError('vectors are missing');
  }

  shuffle(_dst: Reg, _lhs: Reg, _rhs: Reg, _bytes: Uint8Array, _at: number): void {
    throw new BugError('vectors are missing');
  }

  splat(_lanes: Lanes, _dst: Reg, _src: Reg): void {
    throw new BugError('vectors are missing');
  }

  extractLane(_lanes: Lanes, _dst: Reg, _src: Reg, _lane: number, _signed: boolean): void {
    throw new BugError('vectors are missing');
  }

  replaceLane(_lanes: Lanes, _dst: Reg, _vector: Reg, _lane: number, _value: Reg): void {
    throw new BugError('vectors are missing');
  }

  anyTrue(_dst: Reg, _src: Reg): void {
    throw new BugError('vectors are missing');
  }

  allTrue(_lanes: Lanes, _dst: Reg, _src: Reg): void {
    throw new BugError('vectors are missing');
  }

  bitmask(_lanes: Lanes, _dst: Reg, _src: Reg): void {
    throw new BugError('vectors are missing');
  }

  canonicalizeVector(_lanes: Lanes, _reg: Reg): void {
    throw new BugError('vectors are missing');
  }

  vectorLoad(_op: VectorLoad, _dst: Reg, _base: Reg, _index: Reg, _offset: number): void {
    throw new BugError('vectors are missing');
  }

  vectorStore(_src: Reg, _base: Reg, _index: Reg, _offset: number): void {
    throw new BugError('vectors are missing');
  }

  loadLane(_lanes: Lanes, _dst: Reg, _vector: Reg, _lane: number, _base: Reg, _index: Reg, _offset: number): void {
    throw new BugError('vectors are missing');
  }

  storeLane(_lanes: Lanes, _src: Reg, _lane: number, _base: Reg, _index: Reg, _offset: number): void {
    throw new BugError('vectors are missing');
  }

  flushConstants(): void {}
}
