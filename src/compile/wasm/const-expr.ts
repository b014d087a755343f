/**
 * Constant expressions: initialisers of globals, offsets and items of segments (core spec 3.3.10 and 5.4.9).
 *
 * In WebAssembly 2.0 without SIMD a valid one is a single instruction and `end`, which is why ConstExpr is one. Whether
 * its indices and its type are right is for validate-module.ts. Needs reader.ts and opcodes.ts.
 */

import { ModuleError } from '../../errors.js';
import { type ConstExpr, ValType } from './module.js';
import { illegalOpcode, Op, opcodeOf, Prefix } from './opcodes.js';
import { readRefType } from './read-types.js';
import type { Reader } from './reader.js';

export function readConstExpr(reader: Reader): ConstExpr {
  const start = reader.pos;
  const expr = readInstruction(reader);
  if (expr === undefined) throw new ModuleError('invalid', 'type mismatch: empty expression', start, reader.file);
  const next = reader.pos;
  if (readInstruction(reader) !== undefined) {
    throw new ModuleError('invalid', 'type mismatch: more than one value', next, reader.file);
  }
  return expr;
}

/** One constant instruction; undefined for `end`. */
function readInstruction(reader: Reader): ConstExpr | undefined {
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
      return { op: 'ref.null', type: readRefType(reader) };
    default: {
      const sub = op >= Prefix.Misc ? reader.u32() : undefined;
      const opcode = opcodeOf(sub === undefined ? op : op === Prefix.Misc && sub < 0x100 ? 0xfc00 | sub : -1);
      if (opcode === undefined) throw reader.malformed(illegalOpcode(op, sub), offset);
      throw new ModuleError('invalid', `constant expression required, found ${opcode.name}`, offset, reader.file);
    }
  }
}
