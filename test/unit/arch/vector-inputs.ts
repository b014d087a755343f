/** Edge-case vectors, and random ones, that models and native code are compared on. */

import { Lanes } from '../../../src/arch/masm/masm-vector.js';
import * as model from './model.js';
import { CANONICAL_NAN, type Row } from './native-cases.js';
import { join, LANE_BITS } from './vector-lanes.js';

const random128 = (): bigint => (model.random64() << 64n) | model.random64();

function edges(lanes: Lanes): bigint[] {
  const bits = LANE_BITS[lanes];
  if (lanes === Lanes.F32x4 || lanes === Lanes.F64x2) {
    const wide = bits >> 6;
    const values = [0, 5e-324, 1.4e-45, 1.17549435e-38, 0.1, 0.5, 1, 1.5, 2.5, 2 ** 23 - 0.5, 1e38, 1e40, 1e300]
      .concat([2 ** 31 - 1, 2 ** 31 - 128, 2 ** 31, 2 ** 31 + 256, 2 ** 32 - 1, 2 ** 32 - 256, 2 ** 32, 2 ** 33])
      .concat([2 ** 52 - 0.5, Number.MAX_VALUE, Number.POSITIVE_INFINITY])
      .flatMap((value) => [model.fromFloat(wide, value), model.fromFloat(wide, -value)]);
    const nan = CANONICAL_NAN[bits as 32 | 64];
    const sign = 1n << BigInt(bits - 1);
    const signaling = (nan & ~(1n << (wide !== 0 ? 51n : 22n))) | 1n;
    return [...new Set([...values, nan, nan | sign, signaling, nan | 0x123n])];
  }
  const top = 1n << BigInt(bits - 1);
  const middle = 1n << BigInt(bits / 2);
  return [0n, 1n, 2n, 15n, 16n, middle - 1n, middle, top - 2n, top - 1n, top, top + 1n, 2n * top - 2n, 2n * top - 1n];
}

/** All pairs of edges, as many at a time as a vector has lanes; then random vectors. */
function pairs(lanes: Lanes): Row[] {
  const bits = LANE_BITS[lanes];
  const perVector = 128 / bits;
  const values = edges(lanes);
  const all = values.flatMap((a) => values.map((b) => [a, b] as const));
  const rows: Row[] = [];
  for (let i = 0; i < all.length; i += perVector) {
    const some = Array.from({ length: perVector }, (_, k) => all[(i + k) % all.length]!);
    rows.push([
      join(
        some.map(([a]) => a),
        bits,
      ),
      join(
        some.map(([, b]) => b),
        bits,
      ),
    ]);
  }
  for (let i = 0; i < 24; i++) rows.push([random128(), random128()]);
  return rows;
}

/** Two vectors a row, by Lanes. */
export const vectorRows = LANE_BITS.map((_, lanes) => pairs(lanes as Lanes));

/** One vector a row, by Lanes: every edge value in every lane. */
export const singleRows = LANE_BITS.map((bits, lanes): Row[] => {
  const values = edges(lanes as Lanes);
  const rows = values.map((_, first): Row => {
    const some = Array.from({ length: 128 / bits }, (__, k) => values[(first + k) % values.length]!);
    return [join(some, bits)];
  });
  for (let i = 0; i < 24; i++) rows.push([random128()]);
  return rows;
});
