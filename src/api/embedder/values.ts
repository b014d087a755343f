/**
 * JavaScript values in cells of 8 bytes; a v128 takes two: arguments and results of the embedder's functions
 * (image/contract/embedder.ts), and the arguments of `invoke`.
 */

import { UsageError } from '../../base/errors.js';
import { ValType } from '../../wasm/module.js';
import type { ImportType, ImportValue } from './import-object.js';

const NAMES: Readonly<Record<number, ImportType>> = {
  [ValType.I32]: 'i32',
  [ValType.I64]: 'i64',
  [ValType.F32]: 'f32',
  [ValType.F64]: 'f64',
  [ValType.V128]: 'v128',
  [ValType.FuncRef]: 'funcref',
  [ValType.ExternRef]: 'externref',
};
const U32 = 0x1_0000_0000;

/** The name of a type's code; undefined for a type whose values cannot leave a process. */
export function typeName(code: number): ImportType | undefined {
  return NAMES[code];
}

export function cellBytes(types: readonly ImportType[]): number {
  let cells = types.length;
  for (const type of types) if (type === 'v128') cells++;
  return 8 * cells;
}

/** @param cells as many bytes as the types need */
export function decodeValues(types: readonly ImportType[], cells: Buffer): ImportValue[] {
  let at = 0;
  return types.map((type) => {
    const from = at;
    at += type === 'v128' ? 16 : 8;
    switch (type) {
      case 'i32':
        return cells.readInt32LE(from);
      case 'i64':
        return cells.readBigInt64LE(from);
      case 'f32':
        return cells.readFloatLE(from);
      case 'f64':
        return cells.readDoubleLE(from);
      case 'v128':
        return Uint8Array.from(cells.subarray(from, from + 16));
      default:
        return null;
    }
  });
}

/** @throws TypeError, RangeError when the result is not of these types; the message begins with what it was */
export function encodeValues(types: readonly ImportType[], result: unknown, cells: Buffer): void {
  if (types.length === 0) return;
  const values = types.length === 1 ? [result as ImportValue] : listOf(result, types.length);
  let at = 0;
  types.forEach((type, i) => {
    putValue(type, values[i], cells, at, 'the function has given');
    at += type === 'v128' ? 16 : 8;
  });
}

/**
 * Encodes the arguments of a call that this program makes.
 *
 * @param codes their types (ValType). A type whose values cannot leave a process has null only
 * @throws UsageError
 */
export function argumentCells(codes: Uint8Array, values: readonly unknown[]): bigint[] {
  return Array.from(codes).flatMap((code, i) => {
    const type = typeName(code) ?? 'externref';
    const cells = Buffer.alloc(cellBytes([type]));
    try {
      putValue(type, values[i], cells, 0, `argument ${i + 1} is`);
    } catch (error) {
      throw new UsageError((error as Error).message);
    }
    return Array.from({ length: cells.length / 8 }, (_, cell) => cells.readBigUInt64LE(8 * cell));
  });
}

function listOf(result: unknown, count: number): readonly ImportValue[] {
  if (Array.isArray(result) && result.length === count) return result;
  throw new TypeError(`the function has given ${what(result)}, not an array of ${count} results`);
}

/** @param who the first words of the error message. @throws TypeError, RangeError */
function putValue(type: ImportType, value: unknown, cells: Buffer, at: number, who: string): void {
  const wrong = (expected: string) => new TypeError(`${who} ${what(value)}, not ${expected}`);
  const outside = () => new RangeError(`${who} ${value}, which is no ${type}`);
  switch (type) {
    case 'i32':
      if (typeof value !== 'number') throw wrong('an i32, which is a number');
      if (!Number.isInteger(value) || value < -U32 / 2 || value >= U32) throw outside();
      cells.writeUInt32LE(value >>> 0, at);
      cells.writeUInt32LE(0, at + 4);
      return;
    case 'i64':
      if (typeof value !== 'bigint') throw wrong('an i64, which is a bigint');
      if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) throw outside();
      cells.writeBigInt64LE(BigInt.asIntN(64, value), at);
      return;
    case 'f32':
    case 'f64':
      if (typeof value !== 'number') throw wrong(`an ${type}, which is a number`);
      cells.fill(0, at, at + 8);
      if (type === 'f32') cells.writeFloatLE(value, at);
      else cells.writeDoubleLE(value, at);
      return;
    case 'v128':
      if (!(value instanceof Uint8Array) || value.length !== 16) throw wrong('a v128, which is 16 bytes');
      cells.set(value, at);
      return;
    default:
      if (value !== null) throw wrong(`a ${type}, which can only be null`);
      cells.fill(0, at, at + 8);
  }
}

/** Describes a wrong value: by its type, or by itself where that says more. */
function what(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return `a ${typeof value}`;
}
