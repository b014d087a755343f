/**
 * Rewrites a module so that part of its 64-bit arithmetic is done by instructions of 128 bits: so that V8 can tell what
 * they must give before it knows of them.
 *
 *     i64.add, i64.sub      the low half of i64.add128, i64.sub128, whatever the high halves are
 *     i64.mul               the low half of i64.mul_wide_s or i64.mul_wide_u
 *     i64.lt_u, i64.ge_u    the borrow of i64.sub128
 *     i64.lt_s, i64.ge_s    the sign of i64.sub128 of both, extended by i64.mul_wide_s with 1
 */

import { decodeModule } from '../../src/wasm/decode.js';
import { type Module, ValType } from '../../src/wasm/module.js';
import { Op } from '../../src/wasm/opcodes.js';
import { skipInstruction } from '../../src/wasm/skip.js';
import { BodyReader } from './body-reader.js';
import { WasmWriter } from './wasm-writer.js';

const CODE_SECTION = 10;

export function withWideArithmetic(bytes: Uint8Array): Uint8Array {
  const module = decodeModule(bytes);
  const out = new WasmWriter();
  out.append(bytes.subarray(0, 8));
  const reader = new BodyReader(bytes, 8);
  while (reader.at < bytes.length) {
    const from = reader.at;
    const id = bytes[reader.at++];
    const length = reader.leb();
    reader.at += length;
    if (id !== CODE_SECTION) out.append(bytes.subarray(from, reader.at));
    else {
      out.list(id, [...module.bodyStart.keys()], (to, i) =>
        to.sized((inner) => inner.append(rewrittenBody(module, i))),
      );
    }
  }
  return out.bytes.slice();
}

function rewrittenBody(module: Module, defined: number): Uint8Array {
  const { bytes } = module;
  const start = module.bodyStart[defined];
  const reader = new BodyReader(bytes, start);
  const { params } = module.types[module.funcTypes[module.importedFuncCount + defined]];
  const own = params.length + reader.locals().length;
  const out = new WasmWriter();
  const groups = new BodyReader(bytes, start);
  const count = groups.leb();
  out.u32(count + 1);
  out.append(bytes.subarray(groups.at, reader.at));
  out.byte(2, ValType.I64);
  for (let at = reader.at, n = 0; at < module.bodyEnd[defined]; n++) {
    const next = skipInstruction(bytes, at);
    if (!instruction(out, bytes[at], own, n)) out.append(bytes.subarray(at, next));
    at = next;
  }
  return out.bytes;
}

/**
 * @param own the first of two locals to use
 * @param n any number, to choose by
 * @returns whether it has written something in the instruction's place
 */
function instruction(to: WasmWriter, op: number, own: number, n: number): boolean {
  const [set, get] = [
    (i: number) => indexed(to, Op.LocalSet, own + i),
    (i: number) => indexed(to, Op.LocalGet, own + i),
  ];
  const constant = (value: bigint) => {
    to.byte(Op.I64Const);
    to.signed(value);
  };
  switch (op) {
    case Op.I64Add:
    case Op.I64Sub:
      set(0);
      if (n % 3 === 0) get(0);
      else constant(n % 3 === 1 ? 0n : -5n);
      get(0);
      if (n % 2 === 0) get(0);
      else constant(0n);
      to.op(op === Op.I64Add ? Op.I64Add128 : Op.I64Sub128);
      to.byte(Op.Drop);
      return true;
    case Op.I64Mul:
      to.op(n % 2 === 0 ? Op.I64MulWideS : Op.I64MulWideU);
      to.byte(Op.Drop);
      return true;
    case Op.I64LtU:
    case Op.I64GeU:
      set(0);
      constant(0n);
      get(0);
      constant(0n);
      to.op(Op.I64Sub128);
      bit(to, op === Op.I64LtU, set, get);
      return true;
    case Op.I64LtS:
    case Op.I64GeS:
      set(0);
      constant(1n);
      to.op(Op.I64MulWideS);
      get(0);
      constant(1n);
      to.op(Op.I64MulWideS);
      to.op(Op.I64Sub128);
      bit(to, op === Op.I64LtS, set, get);
      return true;
  }
  return false;
}

/** A number of 128 bits becomes 1 when it is negative, or when it is not. */
function bit(to: WasmWriter, ofNegative: boolean, set: (i: number) => void, get: (i: number) => void): void {
  set(1);
  to.byte(Op.Drop);
  get(1);
  to.byte(Op.I64Const);
  to.signed(63n);
  to.byte(Op.I64ShrU, Op.I32WrapI64);
  if (!ofNegative) to.byte(Op.I32Eqz);
}

function indexed(to: WasmWriter, op: Op, index: number): void {
  to.byte(op);
  to.u32(index);
}
