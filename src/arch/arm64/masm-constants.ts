/**
 * The macro-assembler's constants of 128 bits: one instruction where an immediate says it (manual C2.2.3,
 * AdvSIMDExpandImm), a splat of a general register where one instruction makes that, else a load from the code
 * (literals.ts).
 */

import type { Reg } from '../masm/masm.js';
import { SCRATCH } from './abi.js';
import { floatField, logicalField } from './encoding.js';
import { V } from './encodings-vector.js';
import { MemoryMasm } from './masm-memory.js';

export class ConstantMasm extends MemoryMasm {
  /** From four int32 words, lowest lane first. Writes no vector register but dst. */
  vectorConstant(dst: Reg, w0: number, w1: number, w2: number, w3: number): void {
    w0 |= 0;
    w1 |= 0;
    if (w0 === (w2 | 0) && w1 === (w3 | 0)) {
      const mask = byteMask(w0, w1);
      if (mask >= 0) {
        this.simdImmediate(V.movi_2d, dst, mask);
        return;
      }
      if (w0 === w1 && this.splatConstant(dst, w0)) return;
      const imm8 = floatField(1, w0, w1);
      if (imm8 >= 0) {
        this.simdImmediate(V.fmov_2d, dst, imm8);
        return;
      }
    }
    this.loadLiteralVector(dst, w0, w1, w2, w3);
  }

  /** @returns whether it was short enough */
  private splatConstant(dst: Reg, word: number): boolean {
    const half = word & 0xffff;
    const imm8 = floatField(0, word, 0);
    const byte = singleByte(word);
    const hole = singleByte(~word);
    if (half === word >>> 16) {
      if (half >>> 8 === (half & 0xff)) this.simdImmediate(V.movi_16b, dst, half & 0xff);
      else if ((half & 0xff) === 0) this.simdImmediate(V.movi_8h, dst, half >>> 8, 1);
      else if (half >>> 8 === 0) this.simdImmediate(V.movi_8h, dst, half, 0);
      else if ((half & 0xff) === 0xff) this.simdImmediate(V.mvni_8h, dst, (half >>> 8) ^ 0xff, 1);
      else if (half >>> 8 === 0xff) this.simdImmediate(V.mvni_8h, dst, (half & 0xff) ^ 0xff, 0);
      else this.splatHalf(dst, half);
    } else if (byte >= 0) this.simdImmediate(V.movi_4s, dst, (word >>> (8 * byte)) & 0xff, byte);
    else if (hole >= 0) this.simdImmediate(V.mvni_4s, dst, (~word >>> (8 * hole)) & 0xff, hole);
    else if (imm8 >= 0) this.simdImmediate(V.fmov_4s, dst, imm8);
    else if (isOneMove(word)) {
      this.constant(SCRATCH, 0, word, 0);
      this.simdFromInt(V.dup, 2, dst, 0, SCRATCH);
    } else return false;
    return true;
  }

  private splatHalf(dst: Reg, half: number): void {
    this.constant(SCRATCH, 0, half, 0);
    this.simdFromInt(V.dup, 1, dst, 0, SCRATCH);
  }
}

/** A bit for each byte that is 0xff, when all others are 0; else -1. */
function byteMask(lo: number, hi: number): number {
  let mask = 0;
  for (let i = 0; i < 8; i++) {
    const byte = ((i < 4 ? lo : hi) >>> (8 * (i & 3))) & 0xff;
    if (byte === 0xff) mask |= 1 << i;
    else if (byte !== 0) return -1;
  }
  return mask;
}

/** The only byte of a word that is not 0, or -1. */
function singleByte(word: number): number {
  for (let i = 0; i < 4; i++) if ((word & ~(0xff << (8 * i))) === 0) return i;
  return -1;
}

/** Whether constant() of 32 bits is one instruction. */
function isOneMove(word: number): boolean {
  const low = word & 0xffff;
  const high = word >>> 16;
  return low === 0 || high === 0 || low === 0xffff || high === 0xffff || logicalField(0, word, 0) >= 0;
}
