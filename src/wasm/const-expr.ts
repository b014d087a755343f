/**
 * Constant expressions: initialisers of globals, offsets and items of segments (core spec 3.3.10 and 5.4.9).
 *
 * Nearly all are a single instruction and `end`, which is why a ConstExpr can be one. Whether indices and types are
 * right is for validate-module.ts. Needs reader.ts and opcodes.ts.
 */

import { ModuleError } from '../base/errors.js';
import { limitError, limits } from './limits.js';
import { type ConstExpr, type ConstOperand, type ConstOperator, ValType } from './module.js';
import { constantObjectError, usesObjects } from './objects.js';
import { illegalOpcode, laterOpcode, Op, opcodeOf, Prefix, prefixed } from './opcodes.js';
import { VectorOp } from './opcodes-vector.js';
import type { Reader } from './reader.js';

export function readConstExpr(reader: Reader): ConstExpr {
  const start = reader.pos;
  const first = readInstruction(reader);
  if (first === undefined) throw new ModuleError('invalid', 'type mismatch: empty expression', start, reader.file);
  const second = readInstruction(reader, first);
  if (second === undefined && !isOperator(first)) return first;
  const steps = [first];
  for (let step = second; step !== undefined; step = readInstruction(reader, step)) {
    if (steps.push(step) > limits.constantInstructions) {
      throw limitError('constantInstructions', steps.length, start, reader.file);
    }
  }
  return { op: 'steps', steps };
}

export function isOperator(step: ConstOperand | ConstOperator): step is ConstOperator {
  return step.op === 'add' || step.op === 'sub' || step.op === 'mul';
}

type Step = ConstOperand | ConstOperator;

/** One constant instruction; undefined for `end`. @param before the one before it */
function readInstruction(reader: Reader, before?: Step): Step | undefined {
  const offset = reader.pos;
  const op = reader.u8();
  switch (op) {
    case Op.End:
      return undefined;
    case Op.I32Const:
      return { op: 'const', type: ValType.I32, lo: reader.s32(), hi: 0 };
    case Op.I64Const:
      reader.s64();
      return { op: 'const', type: ValType.I64, lo: reader.lo, hi: reader.hi };
    case Op.F32Const:
      return { op: 'const', type: ValType.F32, lo: reader.f32Bits(), hi: 0 };
    case Op.F64Const:
      reader.f64Bits();
      return { op: 'const', type: ValType.F64, lo: reader.lo, hi: reader.hi };
    case Op.GlobalGet:
      return { op: 'global.get', index: reader.u32() };
    case Op.RefFunc:
      return { op: 'ref.func', index: reader.u32() };
    case Op.RefNull:
      return { op: 'ref.null', type: reader.refTypes.read(reader, true) };
    case Op.I32Add:
      return { op: 'add', type: ValType.I32 };
    case Op.I32Sub:
      return { op: 'sub', type: ValType.I32 };
    case Op.I32Mul:
      return { op: 'mul', type: ValType.I32 };
    case Op.I64Add:
      return { op: 'add', type: ValType.I64 };
    case Op.I64Sub:
      return { op: 'sub', type: ValType.I64 };
    case Op.I64Mul:
      return { op: 'mul', type: ValType.I64 };
    default: {
      const sub = op >= Prefix.Object ? reader.u32() : undefined;
      const code = sub === undefined ? op : prefixed(op, sub);
      if (code === VectorOp.V128Const) {
        return { op: 'v128.const', words: Array.from({ length: 4 }, () => reader.f32Bits()) };
      }
      if (op === Prefix.Object && sub !== undefined && usesObjects(sub)) {
        const type = before !== undefined && 'type' in before ? before.type : before && 0;
        throw constantObjectError(reader, sub, type, offset);
      }
      const opcode = opcodeOf(code);
      const later = opcode === undefined ? laterOpcode(op, sub) : undefined;
      if (later !== undefined) throw reader.unsupported(later, offset);
      if (opcode === undefined) throw reader.malformed(illegalOpcode(op, sub), offset);
      throw new ModuleError('invalid', `constant expression required, found ${opcode.name}`, offset, reader.file);
    }
  }
}
