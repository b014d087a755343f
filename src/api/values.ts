/**
 * Converts WebAssembly values to and from words of the command line (`run --invoke`).
 *
 * A v128 is a shape and its lanes, lowest first: `i8x16:`, `i16x8:`, `i32x4:`, `i64x2:`, `f32x4:` or `f64x2:`, then
 * that many numbers separated by commas. It is printed as i32x4.
 */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { ValType } from '../wasm/module.js';
import { valTypeName } from '../wasm/text.js';

/** The type and width of each shape's lanes. */
const SHAPES: Readonly<Record<string, { readonly type: ValType; readonly bits: number }>> = {
  i8x16: { type: ValType.I32, bits: 8 },
  i16x8: { type: ValType.I32, bits: 16 },
  i32x4: { type: ValType.I32, bits: 32 },
  i64x2: { type: ValType.I64, bits: 64 },
  f32x4: { type: ValType.F32, bits: 32 },
  f64x2: { type: ValType.F64, bits: 64 },
};

/** The number of 64-bit cells that a value takes in the driver's protocol. */
export function cellsOf(type: ValType): number {
  return type === ValType.V128 ? 2 : 1;
}

/** The raw bits of a number: decimal or 0x…, `inf` and `nan` for floats, `null` for references. 128 bits for a v128. */
export function parseValue(text: string, type: ValType): bigint {
  const bits = parse(text, type);
  if (bits === undefined) throw new UsageError(`${quoted(text)} is not a value of type ${valTypeName(type)}`);
  return bits;
}

function parse(text: string, type: ValType): bigint | undefined {
  switch (type) {
    case ValType.I32:
      return parseInteger(text, 32);
    case ValType.I64:
      return parseInteger(text, 64);
    case ValType.F32:
    case ValType.F64:
      return parseDecimal(text, type);
    case ValType.V128:
      return parseVector(text);
    default:
      return text === 'null' ? 0n : undefined;
  }
}

function parseInteger(text: string, bits: number): bigint | undefined {
  const match = /^([+-]?)(\d+|0x[0-9a-f]+)$/i.exec(text.replaceAll('_', ''));
  if (match === null) return undefined;
  const value = match[1] === '-' ? -BigInt(match[2]) : BigInt(match[2]);
  if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) return undefined;
  return BigInt.asUintN(bits, value);
}

function parseDecimal(text: string, type: ValType): bigint | undefined {
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  const magnitude = word && (word[2].toLowerCase() === 'nan' ? Number.NaN : Number.POSITIVE_INFINITY);
  const value = word ? (word[1] === '-' ? -magnitude! : magnitude!) : text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value) && !word) return undefined;
  const view = new DataView(new ArrayBuffer(8));
  if (type === ValType.F32) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return view.getBigUint64(0, true);
}

function parseVector(text: string): bigint | undefined {
  const [name, list, ...rest] = text.split(':');
  const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
  const lanes = list?.split(',') ?? [];
  if (shape === undefined || rest.length > 0 || lanes.length * shape.bits !== 128) return undefined;
  const { type, bits } = shape;
  let vector = 0n;
  for (const lane of lanes.reverse()) {
    const value = type === ValType.F32 || type === ValType.F64 ? parseDecimal(lane, type) : parseInteger(lane, bits);
    if (value === undefined) return undefined;
    vector = (vector << BigInt(bits)) | value;
  }
  return vector;
}

export function formatValue(type: ValType, bits: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt.asUintN(64, bits), true);
  switch (type) {
    case ValType.I32:
      return String(view.getInt32(0, true));
    case ValType.I64:
      return String(view.getBigInt64(0, true));
    case ValType.F32:
      return formatFloat(view.getFloat32(0, true), true);
    case ValType.F64:
      return formatFloat(view.getFloat64(0, true), false);
    case ValType.V128: {
      const lanes = [0n, 32n, 64n, 96n].map((at) => BigInt.asIntN(32, bits >> at));
      return `i32x4:${lanes.join()}`;
    }
    default:
      return bits === 0n ? 'null' : valTypeName(type);
  }
}

/** The shortest decimal that parses to the same number. */
function formatFloat(value: number, single: boolean): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0';
  if (!single) return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
