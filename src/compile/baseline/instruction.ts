/** One line per opcode: which function compiles it, with what. Immediates are read here, in order. */

import {
  Cond,
  Conversion,
  DivOp,
  FloatOp,
  FloatUnary,
  IntOp,
  IntUnary,
  LoadOp,
  ShiftOp,
  StoreOp,
  Truncation,
} from '../../arch/masm/masm.js';
import { BugError } from '../../base/errors.js';
import { ValType } from '../../wasm/module.js';
import { Op, Prefix } from '../../wasm/opcodes.js';
import { atomicInstruction } from './atomics.js';
import * as branches from './branches.js';
import * as calls from './calls.js';
import { compare, Pending, select, selectTyped } from './comparisons.js';
import type { FunctionCompiler } from './compile-function.js';
import * as exceptions from './exceptions.js';
import { convert, floatBinary, floatUnary, truncate } from './floats.js';
import { vectorInstruction } from './instruction-vector.js';
import { binary, divide, extendUnsigned, shift, unary, wrap } from './integers.js';
import { intrinsic } from './intrinsics.js';
import * as locals from './locals.js';
import * as memory from './memory.js';
import * as references from './references.js';
import * as tables from './tables.js';
import * as tailCalls from './tail-calls.js';

/** Compiles the instruction whose first byte, `op`, has just been read. */
export function instruction(c: FunctionCompiler, op: number): void {
  const o = c.operands;
  // biome-ignore format: one line per opcode
  switch (op) {
    case Op.Unreachable: return branches.unreachable(c);
    case Op.Nop: return;
    case Op.Block: return branches.block(c, c.readBlockType());
    case Op.Loop: return branches.loop(c, c.readBlockType());
    case Op.If: return branches.ifBlock(c, c.readBlockType());
    case Op.Else: return branches.elseArm(c);
    case Op.Try: return exceptions.tryBlock(c, c.readBlockType());
    case Op.Catch: return exceptions.catchArm(c, c.readU32());
    case Op.Throw: return exceptions.throwTag(c, c.readU32());
    case Op.Rethrow: return exceptions.rethrow(c, c.readU32());
    case Op.ThrowRef: return exceptions.throwRef(c);
    case Op.End: return branches.end(c);
    case Op.Br: return branches.br(c, c.readU32());
    case Op.BrIf: return branches.brIf(c, c.readU32());
    case Op.BrTable: return branches.brTable(c);
    case Op.Return: return branches.returnInstruction(c);
    case Op.Call: return call(c, c.readU32());
    case Op.CallIndirect: { const typeIndex = c.readU32(); return calls.indirect(c, typeIndex, c.readU32()); }
    case Op.ReturnCall: return tailCalls.direct(c, c.readU32());
    case Op.ReturnCallIndirect: { const typeIndex = c.readU32(); return tailCalls.indirect(c, typeIndex, c.readU32()); }
    case Op.CallRef: return references.callRef(c, c.readU32());
    case Op.ReturnCallRef: return references.returnCallRef(c, c.readU32());
    case Op.Delegate: return exceptions.delegate(c, c.readU32());
    case Op.CatchAll: return exceptions.catchArm(c, -1);
    case Op.Drop: return o.pop();
    case Op.Select: return select(c);
    case Op.SelectT: return selectTyped(c);
    case Op.TryTable: return exceptions.tryTable(c, c.readBlockType());
    case Op.LocalGet: return o.pushLocal(c.readU32());
    case Op.LocalSet: return o.setLocal(c.readU32());
    case Op.LocalTee: return locals.tee(c, c.readU32());
    case Op.GlobalGet: return locals.globalGet(c, c.readU32());
    case Op.GlobalSet: return locals.globalSet(c, c.readU32());
    case Op.TableGet: return tables.get(c, c.readU32());
    case Op.TableSet: return tables.set(c, c.readU32());
    case Op.I32Load: return memory.load(c, LoadOp.I32, ValType.I32);
    case Op.I64Load: return memory.load(c, LoadOp.I64, ValType.I64);
    case Op.F32Load: return memory.load(c, LoadOp.F32, ValType.F32);
    case Op.F64Load: return memory.load(c, LoadOp.F64, ValType.F64);
    case Op.I32Load8S: return memory.load(c, LoadOp.I32_8S, ValType.I32);
    case Op.I32Load8U: return memory.load(c, LoadOp.I32_8U, ValType.I32);
    case Op.I32Load16S: return memory.load(c, LoadOp.I32_16S, ValType.I32);
    case Op.I32Load16U: return memory.load(c, LoadOp.I32_16U, ValType.I32);
    case Op.I64Load8S: return memory.load(c, LoadOp.I64_8S, ValType.I64);
    case Op.I64Load8U: return memory.load(c, LoadOp.I64_8U, ValType.I64);
    case Op.I64Load16S: return memory.load(c, LoadOp.I64_16S, ValType.I64);
    case Op.I64Load16U: return memory.load(c, LoadOp.I64_16U, ValType.I64);
    case Op.I64Load32S: return memory.load(c, LoadOp.I64_32S, ValType.I64);
    case Op.I64Load32U: return memory.load(c, LoadOp.I64_32U, ValType.I64);
    case Op.I32Store: return memory.store(c, StoreOp.Int32);
    case Op.I64Store: return memory.store(c, StoreOp.Int64);
    case Op.F32Store: return memory.store(c, StoreOp.F32);
    case Op.F64Store: return memory.store(c, StoreOp.F64);
    case Op.I32Store8: return memory.store(c, StoreOp.Int8);
    case Op.I32Store16: return memory.store(c, StoreOp.Int16);
    case Op.I64Store8: return memory.store(c, StoreOp.Int8);
    case Op.I64Store16: return memory.store(c, StoreOp.Int16);
    case Op.I64Store32: return memory.store(c, StoreOp.Int32);
    case Op.MemorySize: return memory.size(c, c.readU32());
    case Op.MemoryGrow: return memory.grow(c, c.readU32());
    case Op.I32Const: return o.pushConst(ValType.I32, c.readS32(), 0);
    case Op.I64Const: c.readS64(); return o.pushConst(ValType.I64, c.lo, c.hi);
    case Op.F32Const: return o.pushConst(ValType.F32, c.readWord(), 0);
    case Op.F64Const: { const lo = c.readWord(); return o.pushConst(ValType.F64, lo, c.readWord()); }
    case Op.I32Eqz: return compare(c, Pending.Zero, Cond.Eq, 0);
    case Op.I32Eq: return compare(c, Pending.Int, Cond.Eq, 0);
    case Op.I32Ne: return compare(c, Pending.Int, Cond.Ne, 0);
    case Op.I32LtS: return compare(c, Pending.Int, Cond.LtS, 0);
    case Op.I32LtU: return compare(c, Pending.Int, Cond.LtU, 0);
    case Op.I32GtS: return compare(c, Pending.Int, Cond.GtS, 0);
    case Op.I32GtU: return compare(c, Pending.Int, Cond.GtU, 0);
    case Op.I32LeS: return compare(c, Pending.Int, Cond.LeS, 0);
    case Op.I32LeU: return compare(c, Pending.Int, Cond.LeU, 0);
    case Op.I32GeS: return compare(c, Pending.Int, Cond.GeS, 0);
    case Op.I32GeU: return compare(c, Pending.Int, Cond.GeU, 0);
    case Op.I64Eqz: return compare(c, Pending.Zero, Cond.Eq, 1);
    case Op.I64Eq: return compare(c, Pending.Int, Cond.Eq, 1);
    case Op.I64Ne: return compare(c, Pending.Int, Cond.Ne, 1);
    case Op.I64LtS: return compare(c, Pending.Int, Cond.LtS, 1);
    case Op.I64LtU: return compare(c, Pending.Int, Cond.LtU, 1);
    case Op.I64GtS: return compare(c, Pending.Int, Cond.GtS, 1);
    case Op.I64GtU: return compare(c, Pending.Int, Cond.GtU, 1);
    case Op.I64LeS: return compare(c, Pending.Int, Cond.LeS, 1);
    case Op.I64LeU: return compare(c, Pending.Int, Cond.LeU, 1);
    case Op.I64GeS: return compare(c, Pending.Int, Cond.GeS, 1);
    case Op.I64GeU: return compare(c, Pending.Int, Cond.GeU, 1);
    case Op.F32Eq: return compare(c, Pending.Float, Cond.FEq, 0);
    case Op.F32Ne: return compare(c, Pending.Float, Cond.FNe, 0);
    case Op.F32Lt: return compare(c, Pending.Float, Cond.FLt, 0);
    case Op.F32Gt: return compare(c, Pending.Float, Cond.FGt, 0);
    case Op.F32Le: return compare(c, Pending.Float, Cond.FLe, 0);
    case Op.F32Ge: return compare(c, Pending.Float, Cond.FGe, 0);
    case Op.F64Eq: return compare(c, Pending.Float, Cond.FEq, 1);
    case Op.F64Ne: return compare(c, Pending.Float, Cond.FNe, 1);
    case Op.F64Lt: return compare(c, Pending.Float, Cond.FLt, 1);
    case Op.F64Gt: return compare(c, Pending.Float, Cond.FGt, 1);
    case Op.F64Le: return compare(c, Pending.Float, Cond.FLe, 1);
    case Op.F64Ge: return compare(c, Pending.Float, Cond.FGe, 1);
    case Op.I32Clz: return unary(c, IntUnary.Clz, 0, ValType.I32);
    case Op.I32Ctz: return unary(c, IntUnary.Ctz, 0, ValType.I32);
    case Op.I32Popcnt: return unary(c, IntUnary.Popcnt, 0, ValType.I32);
    case Op.I32Add: return binary(c, IntOp.Add, 0);
    case Op.I32Sub: return binary(c, IntOp.Sub, 0);
    case Op.I32Mul: return binary(c, IntOp.Mul, 0);
    case Op.I32DivS: return divide(c, DivOp.DivS, 0);
    case Op.I32DivU: return divide(c, DivOp.DivU, 0);
    case Op.I32RemS: return divide(c, DivOp.RemS, 0);
    case Op.I32RemU: return divide(c, DivOp.RemU, 0);
    case Op.I32And: return binary(c, IntOp.And, 0);
    case Op.I32Or: return binary(c, IntOp.Or, 0);
    case Op.I32Xor: return binary(c, IntOp.Xor, 0);
    case Op.I32Shl: return shift(c, ShiftOp.Shl, 0);
    case Op.I32ShrS: return shift(c, ShiftOp.ShrS, 0);
    case Op.I32ShrU: return shift(c, ShiftOp.ShrU, 0);
    case Op.I32Rotl: return shift(c, ShiftOp.Rotl, 0);
    case Op.I32Rotr: return shift(c, ShiftOp.Rotr, 0);
    case Op.I64Clz: return unary(c, IntUnary.Clz, 1, ValType.I64);
    case Op.I64Ctz: return unary(c, IntUnary.Ctz, 1, ValType.I64);
    case Op.I64Popcnt: return unary(c, IntUnary.Popcnt, 1, ValType.I64);
    case Op.I64Add: return binary(c, IntOp.Add, 1);
    case Op.I64Sub: return binary(c, IntOp.Sub, 1);
    case Op.I64Mul: return binary(c, IntOp.Mul, 1);
    case Op.I64DivS: return divide(c, DivOp.DivS, 1);
    case Op.I64DivU: return divide(c, DivOp.DivU, 1);
    case Op.I64RemS: return divide(c, DivOp.RemS, 1);
    case Op.I64RemU: return divide(c, DivOp.RemU, 1);
    case Op.I64And: return binary(c, IntOp.And, 1);
    case Op.I64Or: return binary(c, IntOp.Or, 1);
    case Op.I64Xor: return binary(c, IntOp.Xor, 1);
    case Op.I64Shl: return shift(c, ShiftOp.Shl, 1);
    case Op.I64ShrS: return shift(c, ShiftOp.ShrS, 1);
    case Op.I64ShrU: return shift(c, ShiftOp.ShrU, 1);
    case Op.I64Rotl: return shift(c, ShiftOp.Rotl, 1);
    case Op.I64Rotr: return shift(c, ShiftOp.Rotr, 1);
    case Op.F32Abs: return floatUnary(c, FloatUnary.Abs, 0);
    case Op.F32Neg: return floatUnary(c, FloatUnary.Neg, 0);
    case Op.F32Ceil: return floatUnary(c, FloatUnary.Ceil, 0);
    case Op.F32Floor: return floatUnary(c, FloatUnary.Floor, 0);
    case Op.F32Trunc: return floatUnary(c, FloatUnary.Trunc, 0);
    case Op.F32Nearest: return floatUnary(c, FloatUnary.Nearest, 0);
    case Op.F32Sqrt: return floatUnary(c, FloatUnary.Sqrt, 0);
    case Op.F32Add: return floatBinary(c, FloatOp.Add, 0);
    case Op.F32Sub: return floatBinary(c, FloatOp.Sub, 0);
    case Op.F32Mul: return floatBinary(c, FloatOp.Mul, 0);
    case Op.F32Div: return floatBinary(c, FloatOp.Div, 0);
    case Op.F32Min: return floatBinary(c, FloatOp.Min, 0);
    case Op.F32Max: return floatBinary(c, FloatOp.Max, 0);
    case Op.F32Copysign: return floatBinary(c, FloatOp.Copysign, 0);
    case Op.F64Abs: return floatUnary(c, FloatUnary.Abs, 1);
    case Op.F64Neg: return floatUnary(c, FloatUnary.Neg, 1);
    case Op.F64Ceil: return floatUnary(c, FloatUnary.Ceil, 1);
    case Op.F64Floor: return floatUnary(c, FloatUnary.Floor, 1);
    case Op.F64Trunc: return floatUnary(c, FloatUnary.Trunc, 1);
    case Op.F64Nearest: return floatUnary(c, FloatUnary.Nearest, 1);
    case Op.F64Sqrt: return floatUnary(c, FloatUnary.Sqrt, 1);
    case Op.F64Add: return floatBinary(c, FloatOp.Add, 1);
    case Op.F64Sub: return floatBinary(c, FloatOp.Sub, 1);
    case Op.F64Mul: return floatBinary(c, FloatOp.Mul, 1);
    case Op.F64Div: return floatBinary(c, FloatOp.Div, 1);
    case Op.F64Min: return floatBinary(c, FloatOp.Min, 1);
    case Op.F64Max: return floatBinary(c, FloatOp.Max, 1);
    case Op.F64Copysign: return floatBinary(c, FloatOp.Copysign, 1);
    case Op.I32WrapI64: return wrap(c);
    case Op.I32TruncF32S: return truncate(c, Truncation.I32FromF32S, false);
    case Op.I32TruncF32U: return truncate(c, Truncation.I32FromF32U, false);
    case Op.I32TruncF64S: return truncate(c, Truncation.I32FromF64S, false);
    case Op.I32TruncF64U: return truncate(c, Truncation.I32FromF64U, false);
    case Op.I64ExtendI32S: return unary(c, IntUnary.Extend32S, 1, ValType.I64);
    case Op.I64ExtendI32U: return extendUnsigned(c);
    case Op.I64TruncF32S: return truncate(c, Truncation.I64FromF32S, false);
    case Op.I64TruncF32U: return truncate(c, Truncation.I64FromF32U, false);
    case Op.I64TruncF64S: return truncate(c, Truncation.I64FromF64S, false);
    case Op.I64TruncF64U: return truncate(c, Truncation.I64FromF64U, false);
    case Op.F32ConvertI32S: return convert(c, Conversion.F32FromI32S, ValType.F32);
    case Op.F32ConvertI32U: return convert(c, Conversion.F32FromI32U, ValType.F32);
    case Op.F32ConvertI64S: return convert(c, Conversion.F32FromI64S, ValType.F32);
    case Op.F32ConvertI64U: return convert(c, Conversion.F32FromI64U, ValType.F32);
    case Op.F32DemoteF64: return convert(c, Conversion.F32Demote, ValType.F32);
    case Op.F64ConvertI32S: return convert(c, Conversion.F64FromI32S, ValType.F64);
    case Op.F64ConvertI32U: return convert(c, Conversion.F64FromI32U, ValType.F64);
    case Op.F64ConvertI64S: return convert(c, Conversion.F64FromI64S, ValType.F64);
    case Op.F64ConvertI64U: return convert(c, Conversion.F64FromI64U, ValType.F64);
    case Op.F64PromoteF32: return convert(c, Conversion.F64Promote, ValType.F64);
    case Op.I32ReinterpretF32: return convert(c, Conversion.I32FromF32Bits, ValType.I32);
    case Op.I64ReinterpretF64: return convert(c, Conversion.I64FromF64Bits, ValType.I64);
    case Op.F32ReinterpretI32: return convert(c, Conversion.F32FromI32Bits, ValType.F32);
    case Op.F64ReinterpretI64: return convert(c, Conversion.F64FromI64Bits, ValType.F64);
    case Op.I32Extend8S: return unary(c, IntUnary.Extend8S, 0, ValType.I32);
    case Op.I32Extend16S: return unary(c, IntUnary.Extend16S, 0, ValType.I32);
    case Op.I64Extend8S: return unary(c, IntUnary.Extend8S, 1, ValType.I64);
    case Op.I64Extend16S: return unary(c, IntUnary.Extend16S, 1, ValType.I64);
    case Op.I64Extend32S: return unary(c, IntUnary.Extend32S, 1, ValType.I64);
    case Op.RefNull: return o.pushConst(c.readHeapType(), 0, 0);
    case Op.RefIsNull: return tables.refIsNull(c);
    case Op.RefFunc: return tables.refFunc(c, c.readU32());
    case Op.RefAsNonNull: return references.asNonNull(c);
    case Op.BrOnNull: return references.brOnNull(c, c.readU32());
    case Op.BrOnNonNull: return references.brOnNonNull(c, c.readU32());
    case Prefix.Misc: return miscInstruction(c, 0xfc00 | c.readU32());
    case Prefix.Simd: return vectorInstruction(c);
    case Prefix.Atomic: return atomicInstruction(c);
    default: throw new BugError(`opcode 0x${op.toString(16)} passed validation but has no code`);
  }
}

/** In the host layer it may be an intrinsic. */
function call(c: FunctionCompiler, funcIndex: number): void {
  const name = c.intrinsics?.[funcIndex];
  if (name === undefined) calls.direct(c, funcIndex);
  else intrinsic(c, name, funcIndex);
}

function miscInstruction(c: FunctionCompiler, op: number): void {
  // biome-ignore format: one line per opcode
  switch (op) {
    case Op.I32TruncSatF32S: return truncate(c, Truncation.I32FromF32S, true);
    case Op.I32TruncSatF32U: return truncate(c, Truncation.I32FromF32U, true);
    case Op.I32TruncSatF64S: return truncate(c, Truncation.I32FromF64S, true);
    case Op.I32TruncSatF64U: return truncate(c, Truncation.I32FromF64U, true);
    case Op.I64TruncSatF32S: return truncate(c, Truncation.I64FromF32S, true);
    case Op.I64TruncSatF32U: return truncate(c, Truncation.I64FromF32U, true);
    case Op.I64TruncSatF64S: return truncate(c, Truncation.I64FromF64S, true);
    case Op.I64TruncSatF64U: return truncate(c, Truncation.I64FromF64U, true);
    case Op.MemoryInit: { const segment = c.readU32(); return memory.init(c, segment, c.readU32()); }
    case Op.DataDrop: return memory.drop(c, c.layout.dataSegmentOffset(c.readU32()));
    case Op.MemoryCopy: { const destination = c.readU32(); return memory.copy(c, destination, c.readU32()); }
    case Op.MemoryFill: return memory.fill(c, c.readU32());
    case Op.TableInit: { const segment = c.readU32(); return tables.init(c, segment, c.readU32()); }
    case Op.ElemDrop: return memory.drop(c, c.layout.elementSegmentOffset(c.readU32()));
    case Op.TableCopy: { const destination = c.readU32(); return tables.copy(c, destination, c.readU32()); }
    case Op.TableGrow: return tables.grow(c, c.readU32());
    case Op.TableSize: return tables.size(c, c.readU32());
    case Op.TableFill: return tables.fill(c, c.readU32());
    default: throw new BugError(`opcode 0x${op.toString(16)} passed validation but has no code`);
  }
}
