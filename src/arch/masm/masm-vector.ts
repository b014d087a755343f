/**
 * What the macro-assembler can do with v128 values: the fixed-width SIMD instructions (core spec 4.4.4).
 *
 * Part of masm.ts, whose contract holds: any of the registers may be the same, only dst and the scratch registers are
 * written, nothing allocates. A v128 is in a floating point register. Members are named as the instructions of the text
 * format; relaxed instructions have no member of their own, they are lowered to one of these, so that both CPUs give
 * the same result. Floating point arithmetic gives any NaN; canonicalizeVector makes it the canonical one.
 */

import type { Cond, Reg } from './operations.js';

/** The lanes of a vector. */
export const enum Lanes {
  I8x16,
  I16x8,
  I32x4,
  I64x2,
  F32x4,
  F64x2,
}

/** v128 to v128. */
export const enum VectorUnary {
  V128Not,
  I8x16Abs,
  I8x16Neg,
  I8x16Popcnt,
  I16x8Abs,
  I16x8Neg,
  I16x8ExtaddPairwiseI8x16S,
  I16x8ExtaddPairwiseI8x16U,
  I16x8ExtendLowI8x16S,
  I16x8ExtendHighI8x16S,
  I16x8ExtendLowI8x16U,
  I16x8ExtendHighI8x16U,
  I32x4Abs,
  I32x4Neg,
  I32x4ExtaddPairwiseI16x8S,
  I32x4ExtaddPairwiseI16x8U,
  I32x4ExtendLowI16x8S,
  I32x4ExtendHighI16x8S,
  I32x4ExtendLowI16x8U,
  I32x4ExtendHighI16x8U,
  I64x2Abs,
  I64x2Neg,
  I64x2ExtendLowI32x4S,
  I64x2ExtendHighI32x4S,
  I64x2ExtendLowI32x4U,
  I64x2ExtendHighI32x4U,
  F32x4Ceil,
  F32x4Floor,
  F32x4Trunc,
  F32x4Nearest,
  F32x4Abs,
  F32x4Neg,
  F32x4Sqrt,
  F64x2Ceil,
  F64x2Floor,
  F64x2Trunc,
  F64x2Nearest,
  F64x2Abs,
  F64x2Neg,
  F64x2Sqrt,
  I32x4TruncSatF32x4S,
  I32x4TruncSatF32x4U,
  F32x4ConvertI32x4S,
  F32x4ConvertI32x4U,
  I32x4TruncSatF64x2SZero,
  I32x4TruncSatF64x2UZero,
  F64x2ConvertLowI32x4S,
  F64x2ConvertLowI32x4U,
  F32x4DemoteF64x2Zero,
  F64x2PromoteLowF32x4,
}

/** Two v128 to one. */
export const enum VectorBinary {
  I8x16Swizzle,
  I8x16Eq,
  I8x16Ne,
  I8x16LtS,
  I8x16LtU,
  I8x16GtS,
  I8x16GtU,
  I8x16LeS,
  I8x16LeU,
  I8x16GeS,
  I8x16GeU,
  I16x8Eq,
  I16x8Ne,
  I16x8LtS,
  I16x8LtU,
  I16x8GtS,
  I16x8GtU,
  I16x8LeS,
  I16x8LeU,
  I16x8GeS,
  I16x8GeU,
  I32x4Eq,
  I32x4Ne,
  I32x4LtS,
  I32x4LtU,
  I32x4GtS,
  I32x4GtU,
  I32x4LeS,
  I32x4LeU,
  I32x4GeS,
  I32x4GeU,
  I64x2Eq,
  I64x2Ne,
  I64x2LtS,
  I64x2GtS,
  I64x2LeS,
  I64x2GeS,
  F32x4Eq,
  F32x4Ne,
  F32x4Lt,
  F32x4Gt,
  F32x4Le,
  F32x4Ge,
  F64x2Eq,
  F64x2Ne,
  F64x2Lt,
  F64x2Gt,
  F64x2Le,
  F64x2Ge,
  V128And,
  V128Andnot,
  V128Or,
  V128Xor,
  I8x16NarrowI16x8S,
  I8x16NarrowI16x8U,
  I8x16Add,
  I8x16AddSatS,
  I8x16AddSatU,
  I8x16Sub,
  I8x16SubSatS,
  I8x16SubSatU,
  I8x16MinS,
  I8x16MinU,
  I8x16MaxS,
  I8x16MaxU,
  I8x16AvgrU,
  I16x8NarrowI32x4S,
  I16x8NarrowI32x4U,
  I16x8Add,
  I16x8AddSatS,
  I16x8AddSatU,
  I16x8Sub,
  I16x8SubSatS,
  I16x8SubSatU,
  I16x8Mul,
  I16x8Q15mulrSatS,
  I16x8MinS,
  I16x8MinU,
  I16x8MaxS,
  I16x8MaxU,
  I16x8AvgrU,
  I32x4Add,
  I32x4Sub,
  I32x4Mul,
  I32x4MinS,
  I32x4MinU,
  I32x4MaxS,
  I32x4MaxU,
  I32x4DotI16x8S,
  I64x2Add,
  I64x2Sub,
  I64x2Mul,
  I16x8ExtmulLowI8x16S,
  I16x8ExtmulHighI8x16S,
  I16x8ExtmulLowI8x16U,
  I16x8ExtmulHighI8x16U,
  I32x4ExtmulLowI16x8S,
  I32x4ExtmulHighI16x8S,
  I32x4ExtmulLowI16x8U,
  I32x4ExtmulHighI16x8U,
  I64x2ExtmulLowI32x4S,
  I64x2ExtmulHighI32x4S,
  I64x2ExtmulLowI32x4U,
  I64x2ExtmulHighI32x4U,
  F32x4Add,
  F32x4Sub,
  F32x4Mul,
  F32x4Div,
  F32x4Min,
  F32x4Max,
  F32x4Pmin,
  F32x4Pmax,
  F64x2Add,
  F64x2Sub,
  F64x2Mul,
  F64x2Div,
  F64x2Min,
  F64x2Max,
  F64x2Pmin,
  F64x2Pmax,
  I16x8DotI8x16S, // sums of adjacent products of signed bytes, saturated: i16x8.relaxed_dot_i8x16_i7x16_s
}

/** v128 shifts by a count modulo the lanes' width. Not of floats. */
export const enum VectorShift {
  Shl,
  ShrS,
  ShrU,
}

/** Loads of guest memory that fill a whole v128. */
export const enum VectorLoad {
  V128,
  S8x8, // v128.load8x8_s: eight bytes, each sign-extended to 16 bits; the others likewise
  U8x8,
  S16x4,
  U16x4,
  S32x2,
  U32x2,
  Splat8,
  Splat16,
  Splat32,
  Splat64,
  Zero32,
  Zero64,
}

export interface VectorAssembler {
  moveVector(dst: Reg, src: Reg): void;
  /** MacroAssembler.select of all 128 bits. */
  selectVector(cond: Cond, dst: Reg, a: Reg, b: Reg): void;
  /** From four int32 words, lowest lane first. */
  vectorConstant(dst: Reg, w0: number, w1: number, w2: number, w3: number): void;
  vectorUnary(op: VectorUnary, dst: Reg, src: Reg): void;
  vectorBinary(op: VectorBinary, dst: Reg, lhs: Reg, rhs: Reg): void;
  /** dst = (a & mask) | (b & ~mask): v128.bitselect. */
  bitselect(dst: Reg, a: Reg, b: Reg, mask: Reg): void;
  /** Of integer lanes; `count` is a general register, taken modulo the lanes' width. */
  vectorShift(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: Reg): void;
  vectorShiftImm(op: VectorShift, lanes: Lanes, dst: Reg, src: Reg, count: number): void; // already modulo the width
  /** i8x16.shuffle: sixteen indexes 0..31 at bytes[at]. */
  shuffle(dst: Reg, lhs: Reg, rhs: Reg, bytes: Uint8Array, at: number): void;
  /** src is general for integer lanes, floating point for float lanes. */
  splat(lanes: Lanes, dst: Reg, src: Reg): void;
  /** dst likewise. `signed` counts for 8 and 16 bits only: those extend to 32. */
  extractLane(lanes: Lanes, dst: Reg, src: Reg, lane: number, signed: boolean): void;
  replaceLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, value: Reg): void;
  /** To a general register: 0 or 1. */
  anyTrue(dst: Reg, src: Reg): void;
  allTrue(lanes: Lanes, dst: Reg, src: Reg): void;
  bitmask(lanes: Lanes, dst: Reg, src: Reg): void;
  /** Any NaN lane becomes the canonical one; lanes F32x4 or F64x2. */
  canonicalizeVector(lanes: Lanes, reg: Reg): void;

  // -- guest memory, as MacroAssembler.load and store: they set faultOffset
  vectorLoad(op: VectorLoad, dst: Reg, base: Reg, index: Reg, offset: number): void;
  vectorStore(src: Reg, base: Reg, index: Reg, offset: number): void;
  /** v128.load8_lane and so on: dst = vector with one lane (of integer lanes) from memory. */
  loadLane(lanes: Lanes, dst: Reg, vector: Reg, lane: number, base: Reg, index: Reg, offset: number): void;
  storeLane(lanes: Lanes, src: Reg, lane: number, base: Reg, index: Reg, offset: number): void;

  /**
   * Emits the constants that the function's code has referred to since the last time, after its last instruction.
   * Called once per function, after its traps.
   */
  flushConstants(): void;
}
