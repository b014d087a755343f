/**
 * WebAssembly's numeric instructions in BigInt, and edge-case inputs for them: what native code is compared with.
 *
 * WebAssembly core specification, section 4.3. Values are their bits, as unsigned BigInts.
 */

import {
  Cond,
  Conversion,
  DivOp,
  FloatOp,
  FloatUnary,
  IntOp,
  IntUnary,
  ShiftOp,
  type Truncation,
} from '../../../src/arch/masm/masm.js';
import { NAN, type Row } from './native-cases.js';

const view = new DataView(new ArrayBuffer(8));

export const bitsOf = (wide: number): number => (wide !== 0 ? 64 : 32);
export const unsigned = (wide: number, value: bigint): bigint => BigInt.asUintN(bitsOf(wide), value);
export const signed = (wide: number, value: bigint): bigint => BigInt.asIntN(bitsOf(wide), value);

export function toFloat(wide: number, bits: bigint): number {
  view.setBigUint64(0, bits, true);
  return wide !== 0 ? view.getFloat64(0, true) : view.getFloat32(0, true);
}

export function fromFloat(wide: number, value: number): bigint {
  if (Number.isNaN(value)) return NAN;
  view.setBigUint64(0, 0n, true);
  if (wide !== 0) view.setFloat64(0, value, true);
  else view.setFloat32(0, value, true);
  return view.getBigUint64(0, true);
}

export function binary(op: IntOp, wide: number, a: bigint, b: bigint): bigint {
  switch (op) {
    case IntOp.Add:
      return unsigned(wide, a + b);
    case IntOp.Sub:
      return unsigned(wide, a - b);
    case IntOp.Mul:
      return unsigned(wide, a * b);
    case IntOp.And:
      return unsigned(wide, a & b);
    case IntOp.Or:
      return unsigned(wide, a | b);
    case IntOp.Xor:
      return unsigned(wide, a ^ b);
  }
}

/** Sum or difference of two numbers, each by its low and high half. */
export function binary128(op: IntOp.Add | IntOp.Sub, [aLo, aHi, bLo, bHi]: readonly bigint[]): bigint {
  const [a, b] = [(aHi! << 64n) | aLo!, (bHi! << 64n) | bLo!];
  return BigInt.asUintN(128, op === IntOp.Add ? a + b : a - b);
}

export function multiplyWide(isSigned: boolean, a: bigint, b: bigint): bigint {
  return BigInt.asUintN(128, isSigned ? signed(1, a) * signed(1, b) : a * b);
}

export function shift(op: ShiftOp, wide: number, a: bigint, b: bigint): bigint {
  const bits = BigInt(bitsOf(wide));
  const n = b % bits;
  a = unsigned(wide, a);
  switch (op) {
    case ShiftOp.Shl:
      return unsigned(wide, a << n);
    case ShiftOp.ShrS:
      return unsigned(wide, signed(wide, a) >> n);
    case ShiftOp.ShrU:
      return a >> n;
    case ShiftOp.Rotl:
      return unsigned(wide, (a << n) | (a >> (bits - n)));
    case ShiftOp.Rotr:
      return unsigned(wide, (a >> n) | (a << (bits - n)));
  }
}

export function divide(op: DivOp, wide: number, a: bigint, b: bigint): bigint {
  switch (op) {
    case DivOp.DivS:
      return unsigned(wide, signed(wide, a) / signed(wide, b));
    case DivOp.DivU:
      return unsigned(wide, a) / unsigned(wide, b);
    case DivOp.RemS:
      return unsigned(wide, signed(wide, a) % signed(wide, b));
    case DivOp.RemU:
      return unsigned(wide, a) % unsigned(wide, b);
  }
}

export function unary(op: IntUnary, wide: number, a: bigint): bigint {
  const text = unsigned(wide, a).toString(2).padStart(bitsOf(wide), '0');
  switch (op) {
    case IntUnary.Clz:
      return BigInt(text.indexOf('1') < 0 ? bitsOf(wide) : text.indexOf('1'));
    case IntUnary.Ctz:
      return BigInt(text.lastIndexOf('1') < 0 ? bitsOf(wide) : bitsOf(wide) - 1 - text.lastIndexOf('1'));
    case IntUnary.Popcnt:
      return BigInt(text.replaceAll('0', '').length);
    case IntUnary.Extend8S:
      return unsigned(wide, BigInt.asIntN(8, a));
    case IntUnary.Extend16S:
      return unsigned(wide, BigInt.asIntN(16, a));
    case IntUnary.Extend32S:
      return unsigned(1, BigInt.asIntN(32, a));
    case IntUnary.WrapOrZeroExtend:
      return unsigned(0, a);
  }
}

export function holds(cond: Cond, wide: number, a: bigint, b: bigint): boolean {
  const sa = signed(wide, a);
  const sb = signed(wide, b);
  const ua = unsigned(wide, a);
  const ub = unsigned(wide, b);
  const fa = toFloat(wide, a);
  const fb = toFloat(wide, b);
  switch (cond) {
    case Cond.Eq:
      return ua === ub;
    case Cond.Ne:
      return ua !== ub;
    case Cond.LtS:
      return sa < sb;
    case Cond.LtU:
      return ua < ub;
    case Cond.GtS:
      return sa > sb;
    case Cond.GtU:
      return ua > ub;
    case Cond.LeS:
      return sa <= sb;
    case Cond.LeU:
      return ua <= ub;
    case Cond.GeS:
      return sa >= sb;
    case Cond.GeU:
      return ua >= ub;
    case Cond.FEq:
      return fa === fb;
    case Cond.FNe:
      return fa !== fb;
    case Cond.FLt:
      return fa < fb;
    case Cond.FGt:
      return fa > fb;
    case Cond.FLe:
      return fa <= fb;
    case Cond.FGe:
      return fa >= fb;
  }
}

export function floatBinary(op: FloatOp, wide: number, a: bigint, b: bigint): bigint {
  const x = toFloat(wide, a);
  const y = toFloat(wide, b);
  const sign = 1n << BigInt(bitsOf(wide) - 1);
  switch (op) {
    case FloatOp.Add:
      return fromFloat(wide, x + y);
    case FloatOp.Sub:
      return fromFloat(wide, x - y);
    case FloatOp.Mul:
      return fromFloat(wide, x * y);
    case FloatOp.Div:
      return fromFloat(wide, x / y);
    case FloatOp.Min:
      return fromFloat(wide, Math.min(x, y));
    case FloatOp.Max:
      return fromFloat(wide, Math.max(x, y));
    case FloatOp.Copysign:
      return (unsigned(wide, a) & ~sign) | (b & sign);
  }
}

export function floatUnary(op: FloatUnary, wide: number, a: bigint): bigint {
  const x = toFloat(wide, a);
  const sign = 1n << BigInt(bitsOf(wide) - 1);
  switch (op) {
    case FloatUnary.Abs:
      return unsigned(wide, a) & ~sign;
    case FloatUnary.Neg:
      return unsigned(wide, a) ^ sign;
    case FloatUnary.Ceil:
      return fromFloat(wide, Math.ceil(x));
    case FloatUnary.Floor:
      return fromFloat(wide, Math.floor(x));
    case FloatUnary.Trunc:
      return fromFloat(wide, Math.trunc(x));
    case FloatUnary.Nearest:
      return fromFloat(wide, nearest(x));
    case FloatUnary.Sqrt:
      return fromFloat(wide, Math.sqrt(x));
  }
}

/** Ties to even, keeps the sign of zero. */
function nearest(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const down = Math.floor(x);
  const rest = x - down;
  const result = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return result === 0 && (x < 0 || Object.is(x, -0)) ? -0 : result;
}

/** Rounds an integer to a float of 24 bits, ties to even: through a double it would round twice. */
function toSingle(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  const excess = BigInt(Math.max(0, magnitude.toString(2).length - 24));
  const half = excess === 0n ? 0n : 1n << (excess - 1n);
  let kept = magnitude >> excess;
  const rest = magnitude - (kept << excess);
  if (rest > half || (rest === half && half !== 0n && (kept & 1n) === 1n)) kept++;
  const result = Number(kept << excess);
  return value < 0n ? -result : result;
}

export function convert(op: Conversion, a: bigint): bigint {
  switch (op) {
    case Conversion.F32FromI32S:
      return fromFloat(0, toSingle(signed(0, a)));
    case Conversion.F32FromI32U:
      return fromFloat(0, toSingle(unsigned(0, a)));
    case Conversion.F32FromI64S:
      return fromFloat(0, toSingle(signed(1, a)));
    case Conversion.F32FromI64U:
      return fromFloat(0, toSingle(unsigned(1, a)));
    case Conversion.F64FromI32S:
      return fromFloat(1, Number(signed(0, a)));
    case Conversion.F64FromI32U:
      return fromFloat(1, Number(unsigned(0, a)));
    case Conversion.F64FromI64S:
      return fromFloat(1, Number(signed(1, a)));
    case Conversion.F64FromI64U:
      return fromFloat(1, Number(unsigned(1, a)));
    case Conversion.F32Demote:
      return fromFloat(0, toFloat(1, a));
    case Conversion.F64Promote:
      return fromFloat(1, toFloat(0, a));
    case Conversion.I32FromF32Bits:
    case Conversion.F32FromI32Bits:
      return unsigned(0, a);
    case Conversion.I64FromF64Bits:
    case Conversion.F64FromI64Bits:
      return unsigned(1, a);
  }
}

export const TRAP_INVALID = 0x7aa7_0001n;
export const TRAP_OVERFLOW = 0x7aa7_0002n;

/** The result, or one of the two trap markers when not saturating. */
export function truncate(op: Truncation, a: bigint, saturating: boolean): bigint {
  const x = toFloat(op >> 2, a);
  const wide = (op >> 1) & 1;
  const bits = BigInt(bitsOf(wide));
  const least = (op & 1) !== 0 ? 0n : -(1n << (bits - 1n));
  const most = (op & 1) !== 0 ? (1n << bits) - 1n : (1n << (bits - 1n)) - 1n;
  if (Number.isNaN(x)) return saturating ? 0n : TRAP_INVALID;
  if (!Number.isFinite(x)) return saturating ? unsigned(wide, x < 0 ? least : most) : TRAP_OVERFLOW;
  const value = BigInt(Math.trunc(x));
  if (value < least || value > most) return saturating ? unsigned(wide, value < least ? least : most) : TRAP_OVERFLOW;
  return unsigned(wide, value);
}

// -- inputs

/** A repeatable generator (xorshift64*): the same rows in every run. */
let state = 0x9e3779b97f4a7c15n;
export function random64(): bigint {
  state ^= state >> 12n;
  state = BigInt.asUintN(64, state ^ (state << 25n));
  state ^= state >> 27n;
  return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn);
}

// Ties of the conversions from unsigned 64 bits, and one more than them.
const TIES = [
  0x80000000_00000400n,
  0x80000000_00000401n,
  0x80000080_00000000n,
  0x80000080_00000001n,
  0x80000000_00000c00n,
];

const INT_EDGES = [
  ...TIES,
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0x80000001n,
  0xffffffffn,
  0x1_0000_0000n,
  0x7fffffff_ffffffffn,
  0x80000000_00000000n,
  0x80000000_00000001n,
  0xffffffff_00000000n,
  0xffffffff_80000000n,
  0xffffffff_ffffff80n,
  0xffffffff_fffffffen,
  0xffffffff_ffffffffn,
];

/** Around every border of a conversion; each is used with both signs. */
const FLOAT_EDGES: readonly number[] = [
  [0, 5e-324, 1.4e-45, 1.17549435e-38, 0.1, 0.5, 0.9, 1, 1.5, 2, 2.5, 3.5, 127.5, 1e10, 1e38, 1e40, 1e300],
  [2 ** 23 - 0.5, 2 ** 23 + 1, 2 ** 52 - 0.5, 2 ** 52 + 1, Number.MAX_VALUE, Number.POSITIVE_INFINITY],
  [-1.5, -1, -0.5, 0, 0.5, 0.9, 1].flatMap((d) => [2 ** 31 + d, 2 ** 32 + d]),
  [2 ** 31 - 128, 2 ** 31 + 256, 2 ** 32 - 256, 2 ** 32 + 512],
  [2 ** 63, 2 ** 63 - 2 ** 10, 2 ** 63 + 2 ** 11, 2 ** 63 - 2 ** 39, 2 ** 63 + 2 ** 40],
  [2 ** 64, 2 ** 64 - 2 ** 11, 2 ** 64 + 2 ** 12, 2 ** 64 - 2 ** 40, 2 ** 64 + 2 ** 41],
].flat();

const pairs = (values: readonly bigint[], randoms: () => bigint): Row[] => {
  const rows: Row[] = [];
  for (const a of values) for (const b of values) rows.push([a, b]);
  for (let i = 0; i < 200; i++) rows.push([randoms(), randoms()], [randoms(), values[i % values.length]!]);
  return rows;
};

const floatBits = (wide: number): bigint[] => {
  const bits: bigint[] = [];
  for (const value of FLOAT_EDGES) bits.push(fromFloat(wide, value), fromFloat(wide, -value));
  if (wide !== 0) bits.push(0x7ff8000000000000n, 0xfff8000000000000n, 0x7ff0000000000001n, 0x7ff8000000000123n);
  else bits.push(0x7fc00000n, 0xffc00000n, 0x7f800001n, 0x7fc00123n);
  return [...new Set(bits)];
};

export const intRows = pairs(INT_EDGES, () => random64() >> (random64() & 63n));
/** Two numbers of 128 bits, by their halves: carries and borrows of all kinds. */
export const rows128: Row[] = intRows.flatMap(([a, b], i) => {
  const [c, d] = intRows[(i * 7 + 3) % intRows.length] as [bigint, bigint];
  return [
    [a!, c, b!, d],
    [a!, c, unsigned(1, -a!), unsigned(1, ~c)],
  ];
});
/** Without zero divisors, and without the least integer by -1, by wide. */
export const divisionRows = [0, 1].map((wide) =>
  intRows.filter(
    ([a, b]) =>
      unsigned(wide, b!) !== 0n &&
      !(signed(wide, b!) === -1n && signed(wide, a!) === -(1n << BigInt(bitsOf(wide) - 1))),
  ),
);
export const remainderRows = [0, 1].map((wide) => intRows.filter(([, b]) => unsigned(wide, b!) !== 0n));
export const floatRows = [0, 1].map((wide) => pairs(floatBits(wide), () => BigInt.asUintN(bitsOf(wide), random64())));
