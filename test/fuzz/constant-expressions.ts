/**
 * Random constant expressions: initialisers of globals, offsets of segments. With arithmetic and immutable globals
 * before them; so the generator keeps the values of those (Shape.constants).
 */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import { Code, NanMode } from './code.js';
import { float32, float64, int32, int64, vector128 } from './constants.js';
import { isTyped } from './reference-types.js';
import { F32, F64, FuncRef, I32, I64, type Shape, V128 } from './shape.js';
import type { WasmWriter } from './wasm-writer.js';

const OPERATORS = [
  { narrow: Op.I32Add, wide: Op.I64Add, run: (a: bigint, b: bigint) => a + b },
  { narrow: Op.I32Sub, wide: Op.I64Sub, run: (a: bigint, b: bigint) => a - b },
  { narrow: Op.I32Mul, wide: Op.I64Mul, run: (a: bigint, b: bigint) => a * b },
];

/** The initialiser of a global, its `end` included. */
export function writeConstant(to: WasmWriter, choices: Choices, shape: Shape, global: number): void {
  const { type, mutable } = shape.globals[global];
  const code = expression(shape);
  if (type === I32 || type === I64) {
    const value = number(choices, code, type, 2);
    if (!mutable) shape.constants.set(global, value);
  } else if (type === F32) code.f32(float32(choices));
  else if (type === F64) code.f64(float64(choices));
  else if (type === V128) code.v128(vector128(choices));
  else reference(choices, code, type, global);
  write(to, code);
}

/** An expression of an integer that has a given value, its `end` included. */
export function writeNumber(to: WasmWriter, choices: Choices, shape: Shape, type: number, value: bigint): void {
  const code = expression(shape);
  if (choices.oneIn(2)) {
    const given = number(choices, code, type, 1);
    constant(code, type, value - given);
    code.op(type === I32 ? Op.I32Add : Op.I64Add);
  } else constant(code, type, value);
  write(to, code);
}

function expression(shape: Shape): Code {
  return new Code(shape, [], [], [], NanMode.Guarded);
}

function write(to: WasmWriter, code: Code): void {
  to.append(code.out.bytes);
  to.byte(Op.End);
}

/** @returns its value */
function number(choices: Choices, code: Code, type: number, depth: number): bigint {
  const { globals, constants } = code.shape;
  switch (choices.next(depth > 0 ? 4 : 2)) {
    case 3: {
      const a = number(choices, code, type, depth - 1);
      const b = number(choices, code, type, depth - 1);
      const { narrow, wide, run } = choices.pick(OPERATORS);
      code.op(type === I32 ? narrow : wide);
      return BigInt.asIntN(type === I32 ? 32 : 64, run(a, b));
    }
    case 1: {
      const known = [...constants.keys()].filter((index) => globals[index].type === type);
      if (known.length === 0) break;
      const index = choices.pick(known);
      code.globalGet(index);
      return constants.get(index)!;
    }
  }
  const value = type === I32 ? BigInt(int32(choices)) : int64(choices);
  constant(code, type, value);
  return value;
}

function constant(code: Code, type: number, value: bigint): void {
  if (type === I32) code.i32(Number(BigInt.asIntN(32, value)));
  else code.i64(value);
}

/** Null, a function, or what an immutable global in front has. */
function reference(choices: Choices, code: Code, type: number, global: number): void {
  const { globals, functions } = code.shape;
  const same = [...globals.keys()].filter((i) => i < global && globals[i].type === type && !globals[i].mutable);
  if (same.length > 0 && choices.oneIn(2)) code.globalGet(choices.pick(same));
  else if (isTyped(type)) {
    if (choices.oneIn(3)) code.zero(type);
    else code.refFunc(type, choices.next(8));
  } else if (type === FuncRef && choices.oneIn(2)) {
    code.instruction(Op.RefFunc, 0, [FuncRef], choices.next(functions.length));
  } else code.refNull(type);
}
