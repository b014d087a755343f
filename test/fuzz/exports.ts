/**
 * The functions that a random module exports for the test: its own functions, inside wrappers that take and give
 * integers only, half of which catch exceptions, `fuel`, and `state`, a hash of all that a run can leave behind.
 *
 * Float bits would change on their way through JavaScript; wrappers reinterpret, so that comparisons are of all bits.
 */

import { Op } from '../../src/wasm/opcodes.js';
import { VectorOp } from '../../src/wasm/opcodes-vector.js';
import { Code, type NanMode, scratchLocals } from './code.js';
import { isNonNull, isTyped, writeType } from './reference-types.js';
import { F32, F64, FuncRef, fuelGlobal, I32, I64, isReference, type Shape, type Signature, V128 } from './shape.js';
import type { WasmWriter } from './wasm-writer.js';

type ValType = number;

export interface ExportedFunction extends Signature {
  readonly name: string;
  /** The body without its size. */
  write(to: WasmWriter, nan: NanMode): void;
}

/** How a value of a type crosses the border. */
function integerOf(type: ValType): ValType {
  return type === I64 || type === F64 || type === V128 ? I64 : I32;
}

export function wrapper(shape: Shape, index: number): ExportedFunction {
  const { params, results } = shape.functions[index];
  const signature = { params: params.map(integerOf), results: results.map(integerOf) };
  const write = (to: WasmWriter, nan: NanMode) => {
    const code = new Code(shape, signature.params, signature.results, results, nan);
    const catches = index % 2 === 0 && shape.tags.length > 0;
    if (catches) code.begin(Op.Try, [], results);
    for (const [i, type] of params.entries()) {
      if (isNonNull(type)) code.refFunc(type, i);
      else if (type === FuncRef || isTyped(type)) {
        code.localGet(i);
        code.begin(Op.If, [], [type]);
        if (isTyped(type)) code.refFunc(type, i);
        else code.instruction(Op.RefFunc, 0, [type], index);
        code.beginElse();
        code.refNull(type);
        code.end();
      } else if (isReference(type)) code.refNull(type);
      else code.localGet(i);
      if (type === F32) code.op(Op.F32ReinterpretI32);
      if (type === F64) code.op(Op.F64ReinterpretI64);
      if (type === V128) {
        code.op(VectorOp.I64x2Splat as number);
        code.v128(0x0f0e0d0c0b0a09080706050403020100n);
        code.op(VectorOp.I8x16Add as number);
      }
    }
    code.instruction(Op.Call, params.length, results, index);
    if (catches) catchAll(code, results);
    for (let i = results.length - 1; i >= 0; i--) code.localSet(params.length + i);
    for (let i = 0; i < results.length; i++) {
      code.localGet(params.length + i);
      toInteger(code, index + i);
    }
    finish(code, to, results);
  };
  return { name: `w${index}`, ...signature, write };
}

/**
 * Ends the try around a call: exceptions of all tags known go into global 2, one of the numbers that every module has.
 */
function catchAll(code: Code, results: readonly ValType[]): void {
  const { shape } = code;
  const global = fuelGlobal(shape) + 2;
  for (const tag of shape.tags.keys()) {
    code.beginCatch(tag);
    for (let left = shape.tags[tag].length; left > 0; left--) {
      toInteger(code);
      if (code.top === I32) code.op(Op.I64ExtendI32U);
      code.globalGet(global);
      code.op(Op.I64Xor);
      code.i64(7n);
      code.op(Op.I64Rotl);
      code.globalSet(global);
    }
    for (const type of results) code.zero(type);
  }
  code.end();
}

/** The value on top becomes an integer. @param which of what is to be known of a reference: any number */
function toInteger(code: Code, which = 0): void {
  const type = code.top!;
  const { casts, heaps } = code.shape;
  if (type === F32) code.op(Op.I32ReinterpretF32);
  else if (type === F64) code.op(Op.I64ReinterpretF64);
  else if (type === V128) code.foldVector();
  else if (casts && (type === FuncRef || isTyped(type)) && which % 3 > 0) code.cast(Op.RefTest, which % heaps, I32);
  else if (type !== I32 && type !== I64) code.instruction(Op.RefIsNull, 1, [I32]);
}

export function setFuel(shape: Shape): ExportedFunction {
  const write = (to: WasmWriter, nan: NanMode) => {
    const code = new Code(shape, [I32], [], [], nan);
    code.localGet(0);
    code.globalSet(fuelGlobal(shape));
    finish(code, to, []);
  };
  return { name: 'fuel', params: [I32], results: [], write };
}

/** A hash of memory, globals and which elements of tables are null. */
export function state(shape: Shape): ExportedFunction {
  const write = (to: WasmWriter, nan: NanMode) => {
    const HASH = 0;
    const AT = 1;
    const code = new Code(shape, [], [I64], [I64, I32], nan);
    const mix = () => {
      code.localGet(HASH);
      code.op(Op.I64Xor);
      code.i64(0x9e3779b97f4a7c15n);
      code.op(Op.I64Mul);
      code.i64(29n);
      code.op(Op.I64Rotl);
      code.localSet(HASH);
    };
    const mixTop = (which = 0) => {
      toInteger(code, which);
      if (code.top === I32) code.op(Op.I64ExtendI32U);
      mix();
    };
    shape.globals.forEach((_, index) => {
      code.globalGet(index);
      mixTop();
    });
    shape.tables.forEach(({ element }, table) => {
      code.i32(0);
      code.localSet(AT);
      code.begin(Op.Block, [], []);
      code.begin(Op.Loop, [], []);
      code.localGet(AT);
      code.instruction(Op.TableSize, 0, [I32], table);
      code.op(Op.I32Eq);
      code.instruction(Op.BrIf, 1, [], 1);
      code.localGet(AT);
      code.instruction(Op.TableGet, 1, [element], table);
      mixTop(1);
      code.localGet(AT);
      code.i32(1);
      code.op(Op.I32Add);
      code.localSet(AT);
      code.indexed(Op.Br, 0);
      code.end();
      code.end();
    });
    code.instruction(Op.MemorySize, 0, [I32], 0);
    code.localTee(AT);
    code.op(Op.I64ExtendI32U);
    mix();
    code.localGet(AT);
    code.i32(16);
    code.op(Op.I32Shl);
    code.localSet(AT);
    code.begin(Op.Loop, [], []);
    code.localGet(AT);
    code.i32(8);
    code.op(Op.I32Sub);
    code.localTee(AT);
    code.access(Op.I64Load, 3, 0);
    mix();
    code.localGet(AT);
    code.instruction(Op.BrIf, 1, [], 0);
    code.end();
    code.localGet(HASH);
    finish(code, to, [I64, I32]);
  };
  return { name: 'state', params: [], results: [I64], write };
}

/** Local declarations and instructions, the last `end` included. */
function finish(code: Code, to: WasmWriter, locals: readonly ValType[]): void {
  code.end();
  writeBody(code, to, locals);
}

export function writeBody(code: Code, to: WasmWriter, locals: readonly ValType[]): void {
  const all = [...locals, ...scratchLocals(code.shape)];
  const runs: { type: ValType; count: number }[] = [];
  for (const type of all) {
    if (runs.at(-1)?.type === type) runs[runs.length - 1].count++;
    else runs.push({ type, count: 1 });
  }
  to.u32(runs.length);
  for (const { type, count } of runs) {
    to.u32(count);
    writeType(to, type, code.shape.encoding);
  }
  to.append(code.out.bytes);
}
