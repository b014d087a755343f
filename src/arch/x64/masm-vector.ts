/**
 * The macro-assembler's vectors: none of them yet.
 */

import { BugError } from '../../errors.js';
import type { Cond, Reg } from '../masm.js';
import type { Lanes, VectorBinary, VectorLoad, VectorShift, VectorUnary } from '../masm-vector.js';
import { MemoryMasm } from './masm-memory.js';

export class VectorMasm extends MemoryMasm {
  moveVector(dst: Reg, src: Reg): void {
    this.moveFloat(dst, src, 1);
  }

  /** Floats are moved as whole registers. */
  selectVector(cond: Cond, dst: Reg, a: Reg, b: Reg): void {
    this.select(cond, dst, a, b);
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

  bitselect(_dst: Reg, _a: Reg, _b: Reg, _mask: Reg): void {
    throw new BugError('vectors are missing');
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
