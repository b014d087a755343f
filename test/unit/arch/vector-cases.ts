/** Registers and lanes that the tests of vector operations go over. */

import { type Reg, Width } from '../../../src/arch/masm/masm.js';
import { Lanes } from '../../../src/arch/masm/masm-vector.js';
import type { Case, Row } from './native-cases.js';

export const TRIPLES = [
  [32, 33, 34],
  [47, 40, 32],
  [33, 33, 44],
  [41, 35, 41],
  [46, 46, 46],
  [32, 37, 37],
] as const;
export const PAIRS = [
  [32, 33],
  [40, 47],
  [45, 34],
  [36, 36],
  [42, 42],
] as const;
export const INT_LANES = [Lanes.I8x16, Lanes.I16x8, Lanes.I32x4, Lanes.I64x2] as const;
export const ALL_LANES = [...INT_LANES, Lanes.F32x4, Lanes.F64x2] as const;
export const LANE_NAMES = ['i8x16', 'i16x8', 'i32x4', 'i64x2', 'f32x4', 'f64x2'] as const;

/** Each register once: a row's values go to those that differ. */
export function vectorInputs(...regs: readonly Reg[]): Case['inputs'] {
  return [...new Set(regs)].map((reg) => [reg, Width.V128] as const);
}

/** The value of `reg` among inputs that vectorInputs made. */
export function inputOf(inputs: Case['inputs'], row: Row, reg: Reg): bigint {
  return row[inputs.findIndex(([input]) => input === reg)]!;
}
