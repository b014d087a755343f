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
import * as casts from './casts.js';
import { compare, select, selectTyped } from './comparisons.js';
import type { FunctionCompiler } from './compile-function.js';
import { Pending } from './condition.js';
import * as exceptions from './exceptions.js';
import { convert, floatBinary, floatUnary, truncate } from './floats.js';
import { vectorInstruction } from './instruction-vector.js';
import { binary, divide, extendUnsigned, shift, unary, wrap } from './integers.js';
import { intrinsic } from './intrinsics.js';
import * as locals from './locals.js';
import * as memory from './memory.js';
import * as references from './reference-calls.js';
import * as tables from './tables.js';
import * as tailCalls from './tail-calls.js';
import * as wide from './wide-arithmetic.js';

/** Compiles an instruction whose opcode has just been read, and reads its immediates. */
type Compile = (c: FunctionCompiler, first: number, second: number, third: number) => void;

// biome-ignore format: one line per opcode
const rows: readonly (readonly [op: number, compile: Compile, ...args: number[]])[] = [
  [Op.Unreachable, branches.unreachable],
  [Op.Nop, () => {}],
  [Op.Block, (c) => branches.block(c, c.readBlockType())],
  [Op.Loop, (c) => branches.loop(c, c.readBlockType())],
  [Op.If, (c) => branches.ifBlock(c, c.readBlockType())],
  [Op.Else, branches.elseArm],
  [Op.Try, (c) => exceptions.tryBlock(c, c.readBlockType())],
  [Op.Catch, (c) => exceptions.catchArm(c, c.readU32())],
  [Op.Throw, (c) => exceptions.throwTag(c, c.readU32())],
  [Op.Rethrow, (c) => exceptions.rethrow(c, c.readU32())],
  [Op.ThrowRef, exceptions.throwRef],
  [Op.End, branches.end],
  [Op.Br, (c) => branches.br(c, c.readU32())],
  [Op.BrIf, (c) => branches.brIf(c, c.readU32())],
  [Op.BrTable, branches.brTable],
  [Op.Return, branches.returnInstruction],
  [Op.Call, (c) => call(c, c.readU32())],
  [Op.CallIndirect, (c) => { const typeIndex = c.readU32(); calls.indirect(c, typeIndex, c.readU32()); }],
  [Op.ReturnCall, (c) => tailCalls.direct(c, c.readU32())],
  [Op.ReturnCallIndirect, (c) => { const typeIndex = c.readU32(); tailCalls.indirect(c, typeIndex, c.readU32()); }],
  [Op.CallRef, (c) => references.callRef(c, c.readU32())],
  [Op.ReturnCallRef, (c) => references.returnCallRef(c, c.readU32())],
  [Op.Delegate, (c) => exceptions.delegate(c, c.readU32())],
  [Op.CatchAll, exceptions.catchArm, -1],
  [Op.Drop, (c) => c.operands.pop()],
  [Op.Select, select],
  [Op.SelectT, selectTyped],
  [Op.TryTable, (c) => exceptions.tryTable(c, c.readBlockType())],
  [Op.LocalGet, (c) => c.operands.pushLocal(c.readU32())],
  [Op.LocalSet, (c) => c.operands.setLocal(c.readU32())],
  [Op.LocalTee, (c) => locals.tee(c, c.readU32())],
  [Op.GlobalGet, (c) => locals.globalGet(c, c.readU32())],
  [Op.GlobalSet, (c) => locals.globalSet(c, c.readU32())],
  [Op.TableGet, (c) => tables.get(c, c.readU32())],
  [Op.TableSet, (c) => tables.set(c, c.readU32())],
  [Op.I32Load, memory.load, LoadOp.I32, ValType.I32],
  [Op.I64Load, memory.load, LoadOp.I64, ValType.I64],
  [Op.F32Load, memory.load, LoadOp.F32, ValType.F32],
  [Op.F64Load, memory.load, LoadOp.F64, ValType.F64],
  [Op.I32Load8S, memory.load, LoadOp.I32_8S, ValType.I32],
  [Op.I32Load8U, memory.load, LoadOp.I32_8U, ValType.I32],
  [Op.I32Load16S, memory.load, LoadOp.I32_16S, ValType.I32],
  [Op.I32Load16U, memory.load, LoadOp.I32_16U, ValType.I32],
  [Op.I64Load8S, memory.load, LoadOp.I64_8S, ValType.I64],
  [Op.I64Load8U, memory.load, LoadOp.I64_8U, ValType.I64],
  [Op.I64Load16S, memory.load, LoadOp.I64_16S, ValType.I64],
  [Op.I64Load16U, memory.load, LoadOp.I64_16U, ValType.I64],
  [Op.I64Load32S, memory.load, LoadOp.I64_32S, ValType.I64],
  [Op.I64Load32U, memory.load, LoadOp.I64_32U, ValType.I64],
  [Op.I32Store, memory.store, StoreOp.Int32],
  [Op.I64Store, memory.store, StoreOp.Int64],
  [Op.F32Store, memory.store, StoreOp.F32],
  [Op.F64Store, memory.store, StoreOp.F64],
  [Op.I32Store8, memory.store, StoreOp.Int8],
  [Op.I32Store16, memory.store, StoreOp.Int16],
  [Op.I64Store8, memory.store, StoreOp.Int8],
  [Op.I64Store16, memory.store, StoreOp.Int16],
  [Op.I64Store32, memory.store, StoreOp.Int32],
  [Op.MemorySize, (c) => memory.size(c, c.readU32())],
  [Op.MemoryGrow, (c) => memory.grow(c, c.readU32())],
  [Op.I32Const, (c) => c.operands.pushConst(ValType.I32, c.readS32(), 0)],
  [Op.I64Const, (c) => { c.readS64(); c.operands.pushConst(ValType.I64, c.lo, c.hi); }],
  [Op.F32Const, (c) => c.operands.pushConst(ValType.F32, c.readWord(), 0)],
  [Op.F64Const, (c) => { const lo = c.readWord(); c.operands.pushConst(ValType.F64, lo, c.readWord()); }],
  [Op.I32Eqz, compare, Pending.Zero, Cond.Eq, 0],
  [Op.I32Eq, compare, Pending.Int, Cond.Eq, 0],
  [Op.I32Ne, compare, Pending.Int, Cond.Ne, 0],
  [Op.I32LtS, compare, Pending.Int, Cond.LtS, 0],
  [Op.I32LtU, compare, Pending.Int, Cond.LtU, 0],
  [Op.I32GtS, compare, Pending.Int, Cond.GtS, 0],
  [Op.I32GtU, compare, Pending.Int, Cond.GtU, 0],
  [Op.I32LeS, compare, Pending.Int, Cond.LeS, 0],
  [Op.I32LeU, compare, Pending.Int, Cond.LeU, 0],
  [Op.I32GeS, compare, Pending.Int, Cond.GeS, 0],
  [Op.I32GeU, compare, Pending.Int, Cond.GeU, 0],
  [Op.I64Eqz, compare, Pending.Zero, Cond.Eq, 1],
  [Op.I64Eq, compare, Pending.Int, Cond.Eq, 1],
  [Op.I64Ne, compare, Pending.Int, Cond.Ne, 1],
  [Op.I64LtS, compare, Pending.Int, Cond.LtS, 1],
  [Op.I64LtU, compare, Pending.Int, Cond.LtU, 1],
  [Op.I64GtS, compare, Pending.Int, Cond.GtS, 1],
  [Op.I64GtU, compare, Pending.Int, Cond.GtU, 1],
  [Op.I64LeS, compare, Pending.Int, Cond.LeS, 1],
  [Op.I64LeU, compare, Pending.Int, Cond.LeU, 1],
  [Op.I64GeS, compare, Pending.Int, Cond.GeS, 1],
  [Op.I64GeU, compare, Pending.Int, Cond.GeU, 1],
  [Op.F32Eq, compare, Pending.Float, Cond.FEq, 0],
  [Op.F32Ne, compare, Pending.Float, Cond.FNe, 0],
  [Op.F32Lt, compare, Pending.Float, Cond.FLt, 0],
  [Op.F32Gt, compare, Pending.Float, Cond.FGt, 0],
  [Op.F32Le, compare, Pending.Float, Cond.FLe, 0],
  [Op.F32Ge, compare, Pending.Float, Cond.FGe, 0],
  [Op.F64Eq, compare, Pending.Float, Cond.FEq, 1],
  [Op.F64Ne, compare, Pending.Float, Cond.FNe, 1],
  [Op.F64Lt, compare, Pending.Float, Cond.FLt, 1],
  [Op.F64Gt, compare, Pending.Float, Cond.FGt, 1],
  [Op.F64Le, compare, Pending.Float, Cond.FLe, 1],
  [Op.F64Ge, compare, Pending.Float, Cond.FGe, 1],
  [Op.I32Clz, unary, IntUnary.Clz, 0, ValType.I32],
  [Op.I32Ctz, unary, IntUnary.Ctz, 0, ValType.I32],
  [Op.I32Popcnt, unary, IntUnary.Popcnt, 0, ValType.I32],
  [Op.I32Add, binary, IntOp.Add, 0],
  [Op.I32Sub, binary, IntOp.Sub, 0],
  [Op.I32Mul, binary, IntOp.Mul, 0],
  [Op.I32DivS, divide, DivOp.DivS, 0],
  [Op.I32DivU, divide, DivOp.DivU, 0],
  [Op.I32RemS, divide, DivOp.RemS, 0],
  [Op.I32RemU, divide, DivOp.RemU, 0],
  [Op.I32And, binary, IntOp.And, 0],
  [Op.I32Or, binary, IntOp.Or, 0],
  [Op.I32Xor, binary, IntOp.Xor, 0],
  [Op.I32Shl, shift, ShiftOp.Shl, 0],
  [Op.I32ShrS, shift, ShiftOp.ShrS, 0],
  [Op.I32ShrU, shift, ShiftOp.ShrU, 0],
  [Op.I32Rotl, shift, ShiftOp.Rotl, 0],
  [Op.I32Rotr, shift, ShiftOp.Rotr, 0],
  [Op.I64Clz, unary, IntUnary.Clz, 1, ValType.I64],
  [Op.I64Ctz, unary, IntUnary.Ctz, 1, ValType.I64],
  [Op.I64Popcnt, unary, IntUnary.Popcnt, 1, ValType.I64],
  [Op.I64Add, binary, IntOp.Add, 1],
  [Op.I64Sub, binary, IntOp.Sub, 1],
  [Op.I64Mul, binary, IntOp.Mul, 1],
  [Op.I64DivS, divide, DivOp.DivS, 1],
  [Op.I64DivU, divide, DivOp.DivU, 1],
  [Op.I64RemS, divide, DivOp.RemS, 1],
  [Op.I64RemU, divide, DivOp.RemU, 1],
  [Op.I64And, binary, IntOp.And, 1],
  [Op.I64Or, binary, IntOp.Or, 1],
  [Op.I64Xor, binary, IntOp.Xor, 1],
  [Op.I64Shl, shift, ShiftOp.Shl, 1],
  [Op.I64ShrS, shift, ShiftOp.ShrS, 1],
  [Op.I64ShrU, shift, ShiftOp.ShrU, 1],
  [Op.I64Rotl, shift, ShiftOp.Rotl, 1],
  [Op.I64Rotr, shift, ShiftOp.Rotr, 1],
  [Op.F32Abs, floatUnary, FloatUnary.Abs, 0],
  [Op.F32Neg, floatUnary, FloatUnary.Neg, 0],
  [Op.F32Ceil, floatUnary, FloatUnary.Ceil, 0],
  [Op.F32Floor, floatUnary, FloatUnary.Floor, 0],
  [Op.F32Trunc, floatUnary, FloatUnary.Trunc, 0],
  [Op.F32Nearest, floatUnary, FloatUnary.Nearest, 0],
  [Op.F32Sqrt, floatUnary, FloatUnary.Sqrt, 0],
  [Op.F32Add, floatBinary, FloatOp.Add, 0],
  [Op.F32Sub, floatBinary, FloatOp.Sub, 0],
  [Op.F32Mul, floatBinary, FloatOp.Mul, 0],
  [Op.F32Div, floatBinary, FloatOp.Div, 0],
  [Op.F32Min, floatBinary, FloatOp.Min, 0],
  [Op.F32Max, floatBinary, FloatOp.Max, 0],
  [Op.F32Copysign, floatBinary, FloatOp.Copysign, 0],
  [Op.F64Abs, floatUnary, FloatUnary.Abs, 1],
  [Op.F64Neg, floatUnary, FloatUnary.Neg, 1],
  [Op.F64Ceil, floatUnary, FloatUnary.Ceil, 1],
  [Op.F64Floor, floatUnary, FloatUnary.Floor, 1],
  [Op.F64Trunc, floatUnary, FloatUnary.Trunc, 1],
  [Op.F64Nearest, floatUnary, FloatUnary.Nearest, 1],
  [Op.F64Sqrt, floatUnary, FloatUnary.Sqrt, 1],
  [Op.F64Add, floatBinary, FloatOp.Add, 1],
  [Op.F64Sub, floatBinary, FloatOp.Sub, 1],
  [Op.F64Mul, floatBinary, FloatOp.Mul, 1],
  [Op.F64Div, floatBinary, FloatOp.Div, 1],
  [Op.F64Min, floatBinary, FloatOp.Min, 1],
  [Op.F64Max, floatBinary, FloatOp.Max, 1],
  [Op.F64Copysign, floatBinary, FloatOp.Copysign, 1],
  [Op.I32WrapI64, wrap],
  [Op.I32TruncF32S, truncateOrTrap, Truncation.I32FromF32S],
  [Op.I32TruncF32U, truncateOrTrap, Truncation.I32FromF32U],
  [Op.I32TruncF64S, truncateOrTrap, Truncation.I32FromF64S],
  [Op.I32TruncF64U, truncateOrTrap, Truncation.I32FromF64U],
  [Op.I64ExtendI32S, unary, IntUnary.Extend32S, 1, ValType.I64],
  [Op.I64ExtendI32U, extendUnsigned],
  [Op.I64TruncF32S, truncateOrTrap, Truncation.I64FromF32S],
  [Op.I64TruncF32U, truncateOrTrap, Truncation.I64FromF32U],
  [Op.I64TruncF64S, truncateOrTrap, Truncation.I64FromF64S],
  [Op.I64TruncF64U, truncateOrTrap, Truncation.I64FromF64U],
  [Op.F32ConvertI32S, convert, Conversion.F32FromI32S, ValType.F32],
  [Op.F32ConvertI32U, convert, Conversion.F32FromI32U, ValType.F32],
  [Op.F32ConvertI64S, convert, Conversion.F32FromI64S, ValType.F32],
  [Op.F32ConvertI64U, convert, Conversion.F32FromI64U, ValType.F32],
  [Op.F32DemoteF64, convert, Conversion.F32Demote, ValType.F32],
  [Op.F64ConvertI32S, convert, Conversion.F64FromI32S, ValType.F64],
  [Op.F64ConvertI32U, convert, Conversion.F64FromI32U, ValType.F64],
  [Op.F64ConvertI64S, convert, Conversion.F64FromI64S, ValType.F64],
  [Op.F64ConvertI64U, convert, Conversion.F64FromI64U, ValType.F64],
  [Op.F64PromoteF32, convert, Conversion.F64Promote, ValType.F64],
  [Op.I32ReinterpretF32, convert, Conversion.I32FromF32Bits, ValType.I32],
  [Op.I64ReinterpretF64, convert, Conversion.I64FromF64Bits, ValType.I64],
  [Op.F32ReinterpretI32, convert, Conversion.F32FromI32Bits, ValType.F32],
  [Op.F64ReinterpretI64, convert, Conversion.F64FromI64Bits, ValType.F64],
  [Op.I32Extend8S, unary, IntUnary.Extend8S, 0, ValType.I32],
  [Op.I32Extend16S, unary, IntUnary.Extend16S, 0, ValType.I32],
  [Op.I64Extend8S, unary, IntUnary.Extend8S, 1, ValType.I64],
  [Op.I64Extend16S, unary, IntUnary.Extend16S, 1, ValType.I64],
  [Op.I64Extend32S, unary, IntUnary.Extend32S, 1, ValType.I64],
  [Op.RefNull, (c) => c.operands.pushConst(c.readHeapType(), 0, 0)],
  [Op.RefIsNull, tables.refIsNull],
  [Op.RefFunc, (c) => tables.refFunc(c, c.readU32())],
  [Op.RefEq, compare, Pending.Int, Cond.Eq, 1],
  [Op.RefAsNonNull, references.asNonNull],
  [Op.BrOnNull, (c) => references.brOnNull(c, c.readU32())],
  [Op.BrOnNonNull, (c) => references.brOnNonNull(c, c.readU32())],
  [Prefix.Object, (c) => castInstruction(c, 0xfb00 | c.readU32())],
  [Prefix.Misc, (c) => miscInstruction(c, 0xfc00 | c.readU32())],
  [Prefix.Simd, vectorInstruction],
  [Prefix.Atomic, atomicInstruction],
];

/** By first byte: the function, and what it is given. */
const compileOf: Compile[] = Array.from({ length: 256 }, () => missing);
const firstOf = new Int16Array(256);
const secondOf = new Int16Array(256);
const thirdOf = new Int16Array(256);
for (const [op, compile, first = 0, second = 0, third = 0] of rows) {
  compileOf[op] = compile;
  firstOf[op] = first;
  secondOf[op] = second;
  thirdOf[op] = third;
}

/**
 * Compiles the instruction whose first byte, `op`, has just been read.
 *
 * A table, not a switch: V8 would optimize the switch with all that it calls, 35 ms each time, and throw that away
 * whenever an opcode comes that it has not seen. It did so twelve times for a module of a megabyte.
 */
export function instruction(c: FunctionCompiler, op: number): void {
  compileOf[op](c, firstOf[op], secondOf[op], thirdOf[op]);
}

/** The truncations that trap on values out of range; the saturating ones are in miscInstruction. */
function truncateOrTrap(c: FunctionCompiler, op: Truncation): void {
  truncate(c, op, false);
}

function missing(c: FunctionCompiler): never {
  throw new BugError(`opcode 0x${c.bytes[c.instructionStart].toString(16)} passed validation but has no code`);
}

/** In the host layer the callee may be an intrinsic. */
function call(c: FunctionCompiler, funcIndex: number): void {
  const name = c.intrinsics?.[funcIndex];
  if (name === undefined) calls.direct(c, funcIndex);
  else intrinsic(c, name, funcIndex);
}

function castInstruction(c: FunctionCompiler, op: number): void {
  // biome-ignore format: one line per opcode
  switch (op) {
    case Op.RefTest: return casts.refTest(c, false);
    case Op.RefTestNull: return casts.refTest(c, true);
    case Op.RefCast: return casts.refCast(c, false);
    case Op.RefCastNull: return casts.refCast(c, true);
    case Op.BrOnCast: return casts.brOnCast(c, false);
    case Op.BrOnCastFail: return casts.brOnCast(c, true);
    default: throw new BugError(`opcode 0x${op.toString(16)} passed validation but has no code`);
  }
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
    case Op.I64Add128: return wide.binary128(c, IntOp.Add);
    case Op.I64Sub128: return wide.binary128(c, IntOp.Sub);
    case Op.I64MulWideS: return wide.multiply(c, true);
    case Op.I64MulWideU: return wide.multiply(c, false);
    default: throw new BugError(`opcode 0x${op.toString(16)} passed validation but has no code`);
  }
}
