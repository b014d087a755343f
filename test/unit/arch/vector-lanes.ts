/** Vectors as the models have them: their 128 bits as an unsigned BigInt, lane 0 lowest. */

import * as model from './model.js';
import { ANY_NAN, CANONICAL_NAN, NAN } from './native-cases.js';

/** By Lanes. */
export const LANE_BITS = [8, 16, 32, 64, 32, 64] as const;

export function split(value: bigint, bits: number): bigint[] {
  return Array.from({ length: 128 / bits }, (_, i) => BigInt.asUintN(bits, value >> BigInt(i * bits)));
}

/** Lanes are cut to their width. */
export function join(lanes: readonly bigint[], bits: number): bigint {
  let value = 0n;
  lanes.forEach((lane, i) => {
    value |= BigInt.asUintN(bits, lane) << BigInt(i * bits);
  });
  return value;
}

/** Of one lane, `bits` wide. */
export type LaneUnary = (a: bigint, bits: number) => bigint;
export type LaneBinary = (a: bigint, b: bigint, bits: number) => bigint;

export const signed = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);
export const clamp = (value: bigint, least: bigint, most: bigint): bigint =>
  value < least ? least : value > most ? most : value;
export const clampS = (bits: number, value: bigint): bigint =>
  clamp(value, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
export const clampU = (bits: number, value: bigint): bigint => clamp(value, 0n, (1n << BigInt(bits)) - 1n);

/**
 * A result that may be NAN, of operands of `from` bits: canonical unless an operand is a NaN that is not (spec 4.3.3).
 */
export function nanOf(bits: number, value: bigint, from: number, ...operands: readonly bigint[]): bigint {
  if (value !== NAN) return value;
  const nan = CANONICAL_NAN[from as 32 | 64];
  const others = operands.filter(
    (x) => Number.isNaN(model.toFloat(from >> 6, x)) && BigInt.asUintN(from - 1, x) !== nan,
  );
  return (others.length === 0 ? CANONICAL_NAN : ANY_NAN)[bits as 32 | 64];
}

/** Half of the lanes, extended: of `bits` before. */
export function half(value: bigint, bits: number, high: boolean, isSigned: boolean): bigint[] {
  const lanes = split(value, bits).map((lane) => (isSigned ? signed(bits, lane) : lane));
  return high ? lanes.slice(lanes.length / 2) : lanes.slice(0, lanes.length / 2);
}
