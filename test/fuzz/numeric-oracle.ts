/**
 * Numeric instructions and memory accesses for the interpreter, one function each, done by V8: a module with a function
 * per opcode, which takes and gives integers, floats as their bits.
 *
 * A value of 32 bits is a number, one of 64 or 128 a bigint, all unsigned; a v128 crosses the border as two i64.
 */

import { Op, opcodes } from '../../src/wasm/opcodes.js';
import { VectorOp } from '../../src/wasm/opcodes-vector.js';
import { F32, F64, I32, I64, V128 } from './shape.js';
import { WasmWriter } from './wasm-writer.js';

export type Raw = number | bigint;
export type Numeric = (...operands: Raw[]) => Raw;

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: Readonly<Record<string, (...args: Raw[]) => Raw | Raw[]>> };
};

const NUMERIC = opcodes.filter(
  ({ feature, immediates, operands, results }) =>
    feature !== 'relaxed-simd' &&
    immediates === 'none' &&
    operands !== undefined &&
    operands.length > 0 &&
    results?.length === 1,
);

function integersOf(type: number): readonly number[] {
  if (type === V128) return [I64, I64];
  return type === I64 || type === F64 ? [I64] : [I32];
}

function reinterpret(to: WasmWriter, from: number, result: number): void {
  if (from === I32 && result === F32) to.byte(Op.F32ReinterpretI32);
  if (from === I64 && result === F64) to.byte(Op.F64ReinterpretI64);
  if (from === F32) to.byte(Op.I32ReinterpretF32);
  if (from === F64) to.byte(Op.I64ReinterpretF64);
}

function lane(to: WasmWriter, code: VectorOp, index: number): void {
  to.op(code);
  to.byte(index);
}

function oracleModule(): Uint8Array {
  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.list(1, NUMERIC, (to, { operands, results }) => {
    const params = operands!.flatMap(integersOf);
    const given = integersOf(results![0]);
    to.byte(0x60, params.length, ...params, given.length, ...given);
  });
  out.list(3, NUMERIC, (to, _, i) => to.u32(i));
  out.list(7, NUMERIC, (to, { code }, i) => {
    to.name(`${code}`);
    to.byte(0);
    to.u32(i);
  });
  out.list(10, NUMERIC, (to, { code, operands, results }) =>
    to.sized((body) => {
      body.byte(1, 1, V128);
      let local = 0;
      for (const type of operands!) {
        body.byte(Op.LocalGet, local++);
        if (type === F32 || type === F64) reinterpret(body, integersOf(type)[0], type);
        if (type !== V128) continue;
        body.op(VectorOp.I64x2Splat);
        body.byte(Op.LocalGet, local++);
        lane(body, VectorOp.I64x2ReplaceLane, 1);
      }
      body.op(code);
      const [result] = results!;
      if (result === F32 || result === F64) reinterpret(body, result, 0);
      if (result === V128) {
        body.byte(Op.LocalTee, local);
        lane(body, VectorOp.I64x2ExtractLane, 0);
        body.byte(Op.LocalGet, local);
        lane(body, VectorOp.I64x2ExtractLane, 1);
      }
      body.byte(Op.End);
    }),
  );
  return out.bytes.slice();
}

const { exports } = new WebAssembly.Instance(new WebAssembly.Module(oracleModule()));

/** By opcode: how many operands it takes, and what it does. */
export const numeric = new Map<Op, { readonly takes: number; readonly run: Numeric }>(
  NUMERIC.map(({ code, operands, results }) => {
    const run = exports[`${code}`];
    const [result] = results!;
    const wide = integersOf(result)[0] === I64;
    const cells = (value: Raw, i: number) =>
      operands![i] === V128 ? [BigInt.asUintN(64, value as bigint), (value as bigint) >> 64n] : [value];
    return [
      code,
      {
        takes: operands!.length,
        run: (...values: Raw[]) => {
          const given = run(...values.flatMap(cells));
          if (Array.isArray(given))
            return BigInt.asUintN(64, BigInt(given[0])) | (BigInt.asUintN(64, BigInt(given[1])) << 64n);
          return wide ? BigInt.asUintN(64, given as bigint) : (given as number) >>> 0;
        },
      },
    ];
  }),
);

const LOADS: Partial<Record<Op, (view: DataView, at: number) => Raw>> = {
  [Op.I32Load]: (view, at) => view.getUint32(at, true),
  [Op.F32Load]: (view, at) => view.getUint32(at, true),
  [Op.I64Load]: (view, at) => view.getBigUint64(at, true),
  [Op.F64Load]: (view, at) => view.getBigUint64(at, true),
  [Op.I32Load8S]: (view, at) => view.getInt8(at) >>> 0,
  [Op.I32Load8U]: (view, at) => view.getUint8(at),
  [Op.I32Load16S]: (view, at) => view.getInt16(at, true) >>> 0,
  [Op.I32Load16U]: (view, at) => view.getUint16(at, true),
  [Op.I64Load8S]: (view, at) => BigInt.asUintN(64, BigInt(view.getInt8(at))),
  [Op.I64Load8U]: (view, at) => BigInt(view.getUint8(at)),
  [Op.I64Load16S]: (view, at) => BigInt.asUintN(64, BigInt(view.getInt16(at, true))),
  [Op.I64Load16U]: (view, at) => BigInt(view.getUint16(at, true)),
  [Op.I64Load32S]: (view, at) => BigInt.asUintN(64, BigInt(view.getInt32(at, true))),
  [Op.I64Load32U]: (view, at) => BigInt(view.getUint32(at, true)),
};

/** Undefined for an opcode that is no load. */
export function load(code: Op): ((view: DataView, at: number) => Raw) | undefined {
  return LOADS[code];
}

/** Stores the low `1 << alignment` bytes, the opcode table's alignment being the width. */
export function store(view: DataView, at: number, alignment: number, value: Raw): void {
  if (alignment === 3) view.setBigUint64(at, BigInt(value), true);
  else {
    const low = Number(BigInt.asUintN(32, BigInt(value)));
    if (alignment === 2) view.setUint32(at, low, true);
    else if (alignment === 1) view.setUint16(at, low, true);
    else view.setUint8(at, low);
  }
}
