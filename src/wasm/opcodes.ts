/**
 * The opcode table: every instruction of WebAssembly 3.0 but those on objects, of the legacy exceptions, of threads and
 * of wide arithmetic, one row each (core spec 5.4 and appendix A.3).
 *
 * The validator, the printer and the tests walk this table; nothing else may list opcodes with their types. Is not a
 * decoder: it says which immediates an instruction has, reader.ts reads them. Needs module.ts for the value types,
 * opcodes-vector.ts for the rows after the 0xfd prefix and opcodes-atomic.ts for those after 0xfe.
 */

import { ValType } from './module.js';
import type { Feature, Immediates, Row } from './opcode-row.js';
import { atomicRows } from './opcodes-atomic.js';
import { vectorRows } from './opcodes-vector.js';

export type { Immediates } from './opcode-row.js';

/**
 * Opcodes by number; those after the 0xfb and 0xfc prefixes are 0xfb00 and 0xfc00 | sub-opcode. Names are the text format's, in PascalCase.
 */
export const enum Op {
  Unreachable = 0x00,
  Nop = 0x01,
  Block = 0x02,
  Loop = 0x03,
  If = 0x04,
  Else = 0x05,
  Try = 0x06,
  Catch = 0x07,
  Throw = 0x08,
  Rethrow = 0x09,
  ThrowRef = 0x0a,
  End = 0x0b,
  Br = 0x0c,
  BrIf = 0x0d,
  BrTable = 0x0e,
  Return = 0x0f,
  Call = 0x10,
  CallIndirect = 0x11,
  ReturnCall = 0x12,
  ReturnCallIndirect = 0x13,
  CallRef = 0x14,
  ReturnCallRef = 0x15,
  Delegate = 0x18,
  CatchAll = 0x19,
  Drop = 0x1a,
  Select = 0x1b,
  SelectT = 0x1c,
  TryTable = 0x1f,
  LocalGet = 0x20,
  LocalSet = 0x21,
  LocalTee = 0x22,
  GlobalGet = 0x23,
  GlobalSet = 0x24,
  TableGet = 0x25,
  TableSet = 0x26,
  I32Load = 0x28,
  I64Load = 0x29,
  F32Load = 0x2a,
  F64Load = 0x2b,
  I32Load8S = 0x2c,
  I32Load8U = 0x2d,
  I32Load16S = 0x2e,
  I32Load16U = 0x2f,
  I64Load8S = 0x30,
  I64Load8U = 0x31,
  I64Load16S = 0x32,
  I64Load16U = 0x33,
  I64Load32S = 0x34,
  I64Load32U = 0x35,
  I32Store = 0x36,
  I64Store = 0x37,
  F32Store = 0x38,
  F64Store = 0x39,
  I32Store8 = 0x3a,
  I32Store16 = 0x3b,
  I64Store8 = 0x3c,
  I64Store16 = 0x3d,
  I64Store32 = 0x3e,
  MemorySize = 0x3f,
  MemoryGrow = 0x40,
  I32Const = 0x41,
  I64Const = 0x42,
  F32Const = 0x43,
  F64Const = 0x44,
  I32Eqz = 0x45,
  I32Eq = 0x46,
  I32Ne = 0x47,
  I32LtS = 0x48,
  I32LtU = 0x49,
  I32GtS = 0x4a,
  I32GtU = 0x4b,
  I32LeS = 0x4c,
  I32LeU = 0x4d,
  I32GeS = 0x4e,
  I32GeU = 0x4f,
  I64Eqz = 0x50,
  I64Eq = 0x51,
  I64Ne = 0x52,
  I64LtS = 0x53,
  I64LtU = 0x54,
  I64GtS = 0x55,
  I64GtU = 0x56,
  I64LeS = 0x57,
  I64LeU = 0x58,
  I64GeS = 0x59,
  I64GeU = 0x5a,
  F32Eq = 0x5b,
  F32Ne = 0x5c,
  F32Lt = 0x5d,
  F32Gt = 0x5e,
  F32Le = 0x5f,
  F32Ge = 0x60,
  F64Eq = 0x61,
  F64Ne = 0x62,
  F64Lt = 0x63,
  F64Gt = 0x64,
  F64Le = 0x65,
  F64Ge = 0x66,
  I32Clz = 0x67,
  I32Ctz = 0x68,
  I32Popcnt = 0x69,
  I32Add = 0x6a,
  I32Sub = 0x6b,
  I32Mul = 0x6c,
  I32DivS = 0x6d,
  I32DivU = 0x6e,
  I32RemS = 0x6f,
  I32RemU = 0x70,
  I32And = 0x71,
  I32Or = 0x72,
  I32Xor = 0x73,
  I32Shl = 0x74,
  I32ShrS = 0x75,
  I32ShrU = 0x76,
  I32Rotl = 0x77,
  I32Rotr = 0x78,
  I64Clz = 0x79,
  I64Ctz = 0x7a,
  I64Popcnt = 0x7b,
  I64Add = 0x7c,
  I64Sub = 0x7d,
  I64Mul = 0x7e,
  I64DivS = 0x7f,
  I64DivU = 0x80,
  I64RemS = 0x81,
  I64RemU = 0x82,
  I64And = 0x83,
  I64Or = 0x84,
  I64Xor = 0x85,
  I64Shl = 0x86,
  I64ShrS = 0x87,
  I64ShrU = 0x88,
  I64Rotl = 0x89,
  I64Rotr = 0x8a,
  F32Abs = 0x8b,
  F32Neg = 0x8c,
  F32Ceil = 0x8d,
  F32Floor = 0x8e,
  F32Trunc = 0x8f,
  F32Nearest = 0x90,
  F32Sqrt = 0x91,
  F32Add = 0x92,
  F32Sub = 0x93,
  F32Mul = 0x94,
  F32Div = 0x95,
  F32Min = 0x96,
  F32Max = 0x97,
  F32Copysign = 0x98,
  F64Abs = 0x99,
  F64Neg = 0x9a,
  F64Ceil = 0x9b,
  F64Floor = 0x9c,
  F64Trunc = 0x9d,
  F64Nearest = 0x9e,
  F64Sqrt = 0x9f,
  F64Add = 0xa0,
  F64Sub = 0xa1,
  F64Mul = 0xa2,
  F64Div = 0xa3,
  F64Min = 0xa4,
  F64Max = 0xa5,
  F64Copysign = 0xa6,
  I32WrapI64 = 0xa7,
  I32TruncF32S = 0xa8,
  I32TruncF32U = 0xa9,
  I32TruncF64S = 0xaa,
  I32TruncF64U = 0xab,
  I64ExtendI32S = 0xac,
  I64ExtendI32U = 0xad,
  I64TruncF32S = 0xae,
  I64TruncF32U = 0xaf,
  I64TruncF64S = 0xb0,
  I64TruncF64U = 0xb1,
  F32ConvertI32S = 0xb2,
  F32ConvertI32U = 0xb3,
  F32ConvertI64S = 0xb4,
  F32ConvertI64U = 0xb5,
  F32DemoteF64 = 0xb6,
  F64ConvertI32S = 0xb7,
  F64ConvertI32U = 0xb8,
  F64ConvertI64S = 0xb9,
  F64ConvertI64U = 0xba,
  F64PromoteF32 = 0xbb,
  I32ReinterpretF32 = 0xbc,
  I64ReinterpretF64 = 0xbd,
  F32ReinterpretI32 = 0xbe,
  F64ReinterpretI64 = 0xbf,
  I32Extend8S = 0xc0,
  I32Extend16S = 0xc1,
  I64Extend8S = 0xc2,
  I64Extend16S = 0xc3,
  I64Extend32S = 0xc4,
  RefNull = 0xd0,
  RefIsNull = 0xd1,
  RefFunc = 0xd2,
  RefEq = 0xd3,
  RefAsNonNull = 0xd4,
  BrOnNull = 0xd5,
  BrOnNonNull = 0xd6,
  RefTest = 0xfb14,
  RefTestNull = 0xfb15,
  RefCast = 0xfb16,
  RefCastNull = 0xfb17,
  BrOnCast = 0xfb18,
  BrOnCastFail = 0xfb19,
  I32TruncSatF32S = 0xfc00,
  I32TruncSatF32U = 0xfc01,
  I32TruncSatF64S = 0xfc02,
  I32TruncSatF64U = 0xfc03,
  I64TruncSatF32S = 0xfc04,
  I64TruncSatF32U = 0xfc05,
  I64TruncSatF64S = 0xfc06,
  I64TruncSatF64U = 0xfc07,
  MemoryInit = 0xfc08,
  DataDrop = 0xfc09,
  MemoryCopy = 0xfc0a,
  MemoryFill = 0xfc0b,
  TableInit = 0xfc0c,
  ElemDrop = 0xfc0d,
  TableCopy = 0xfc0e,
  TableGrow = 0xfc0f,
  TableSize = 0xfc10,
  TableFill = 0xfc11,
  I64Add128 = 0xfc13,
  I64Sub128 = 0xfc14,
  I64MulWideS = 0xfc15,
  I64MulWideU = 0xfc16,
}

/** The first byte of the instructions that have a second opcode (a u32) after it. */
export const enum Prefix {
  Object = 0xfb,
  Misc = 0xfc,
  Simd = 0xfd,
  Atomic = 0xfe,
}

export interface Opcode {
  readonly code: number; // Op, VectorOp of opcodes-vector.ts or AtomicOpcode of opcodes-atomic.ts
  readonly name: string;
  readonly immediates: Immediates;
  /** Deepest operand first. Undefined where the types vary with the immediates or the context. */
  readonly operands: readonly ValType[] | undefined;
  readonly results: readonly ValType[] | undefined;
  readonly feature: Feature;
  /** Of loads and stores: log2 of the access width in bytes, which is the greatest alignment allowed. */
  readonly alignment: number | undefined;
}

const VARIES = undefined;

// biome-ignore format: one row per instruction
const rows: readonly Row[] = [
  [Op.Unreachable, 'unreachable', 'none', VARIES, VARIES, 'mvp'],
  [Op.Nop, 'nop', 'none', '', '', 'mvp'],
  [Op.Block, 'block', 'block', VARIES, VARIES, 'mvp'],
  [Op.Loop, 'loop', 'block', VARIES, VARIES, 'mvp'],
  [Op.If, 'if', 'block', VARIES, VARIES, 'mvp'],
  [Op.Else, 'else', 'none', VARIES, VARIES, 'mvp'],
  [Op.Try, 'try', 'block', VARIES, VARIES, 'legacy-exceptions'],
  [Op.Catch, 'catch', 'tag', VARIES, VARIES, 'legacy-exceptions'],
  [Op.Throw, 'throw', 'tag', VARIES, VARIES, 'exceptions'],
  [Op.Rethrow, 'rethrow', 'label', VARIES, VARIES, 'legacy-exceptions'],
  [Op.ThrowRef, 'throw_ref', 'none', VARIES, VARIES, 'exceptions'],
  [Op.End, 'end', 'none', VARIES, VARIES, 'mvp'],
  [Op.Br, 'br', 'label', VARIES, VARIES, 'mvp'],
  [Op.BrIf, 'br_if', 'label', VARIES, VARIES, 'mvp'],
  [Op.BrTable, 'br_table', 'labels', VARIES, VARIES, 'mvp'],
  [Op.Return, 'return', 'none', VARIES, VARIES, 'mvp'],
  [Op.Call, 'call', 'func', VARIES, VARIES, 'mvp'],
  [Op.CallIndirect, 'call_indirect', 'type table', VARIES, VARIES, 'mvp'],
  [Op.ReturnCall, 'return_call', 'func', VARIES, VARIES, 'tail-call'],
  [Op.ReturnCallIndirect, 'return_call_indirect', 'type table', VARIES, VARIES, 'tail-call'],
  [Op.CallRef, 'call_ref', 'type', VARIES, VARIES, 'function-references'],
  [Op.ReturnCallRef, 'return_call_ref', 'type', VARIES, VARIES, 'function-references'],
  [Op.Delegate, 'delegate', 'label', VARIES, VARIES, 'legacy-exceptions'],
  [Op.CatchAll, 'catch_all', 'none', VARIES, VARIES, 'legacy-exceptions'],
  [Op.Drop, 'drop', 'none', VARIES, VARIES, 'mvp'],
  [Op.Select, 'select', 'none', VARIES, VARIES, 'mvp'],
  [Op.SelectT, 'select', 'types', VARIES, VARIES, 'reference-types'],
  [Op.TryTable, 'try_table', 'block catches', VARIES, VARIES, 'exceptions'],
  [Op.LocalGet, 'local.get', 'local', VARIES, VARIES, 'mvp'],
  [Op.LocalSet, 'local.set', 'local', VARIES, VARIES, 'mvp'],
  [Op.LocalTee, 'local.tee', 'local', VARIES, VARIES, 'mvp'],
  [Op.GlobalGet, 'global.get', 'global', VARIES, VARIES, 'mvp'],
  [Op.GlobalSet, 'global.set', 'global', VARIES, VARIES, 'mvp'],
  [Op.TableGet, 'table.get', 'table', 'i32', VARIES, 'reference-types'],
  [Op.TableSet, 'table.set', 'table', VARIES, '', 'reference-types'],
  [Op.I32Load, 'i32.load', 'memarg', 'i32', 'i32', 'mvp', 2],
  [Op.I64Load, 'i64.load', 'memarg', 'i32', 'i64', 'mvp', 3],
  [Op.F32Load, 'f32.load', 'memarg', 'i32', 'f32', 'mvp', 2],
  [Op.F64Load, 'f64.load', 'memarg', 'i32', 'f64', 'mvp', 3],
  [Op.I32Load8S, 'i32.load8_s', 'memarg', 'i32', 'i32', 'mvp', 0],
  [Op.I32Load8U, 'i32.load8_u', 'memarg', 'i32', 'i32', 'mvp', 0],
  [Op.I32Load16S, 'i32.load16_s', 'memarg', 'i32', 'i32', 'mvp', 1],
  [Op.I32Load16U, 'i32.load16_u', 'memarg', 'i32', 'i32', 'mvp', 1],
  [Op.I64Load8S, 'i64.load8_s', 'memarg', 'i32', 'i64', 'mvp', 0],
  [Op.I64Load8U, 'i64.load8_u', 'memarg', 'i32', 'i64', 'mvp', 0],
  [Op.I64Load16S, 'i64.load16_s', 'memarg', 'i32', 'i64', 'mvp', 1],
  [Op.I64Load16U, 'i64.load16_u', 'memarg', 'i32', 'i64', 'mvp', 1],
  [Op.I64Load32S, 'i64.load32_s', 'memarg', 'i32', 'i64', 'mvp', 2],
  [Op.I64Load32U, 'i64.load32_u', 'memarg', 'i32', 'i64', 'mvp', 2],
  [Op.I32Store, 'i32.store', 'memarg', 'i32 i32', '', 'mvp', 2],
  [Op.I64Store, 'i64.store', 'memarg', 'i32 i64', '', 'mvp', 3],
  [Op.F32Store, 'f32.store', 'memarg', 'i32 f32', '', 'mvp', 2],
  [Op.F64Store, 'f64.store', 'memarg', 'i32 f64', '', 'mvp', 3],
  [Op.I32Store8, 'i32.store8', 'memarg', 'i32 i32', '', 'mvp', 0],
  [Op.I32Store16, 'i32.store16', 'memarg', 'i32 i32', '', 'mvp', 1],
  [Op.I64Store8, 'i64.store8', 'memarg', 'i32 i64', '', 'mvp', 0],
  [Op.I64Store16, 'i64.store16', 'memarg', 'i32 i64', '', 'mvp', 1],
  [Op.I64Store32, 'i64.store32', 'memarg', 'i32 i64', '', 'mvp', 2],
  [Op.MemorySize, 'memory.size', 'memory', '', 'i32', 'mvp'],
  [Op.MemoryGrow, 'memory.grow', 'memory', 'i32', 'i32', 'mvp'],
  [Op.I32Const, 'i32.const', 'i32', '', 'i32', 'mvp'],
  [Op.I64Const, 'i64.const', 'i64', '', 'i64', 'mvp'],
  [Op.F32Const, 'f32.const', 'f32', '', 'f32', 'mvp'],
  [Op.F64Const, 'f64.const', 'f64', '', 'f64', 'mvp'],
  [Op.I32Eqz, 'i32.eqz', 'none', 'i32', 'i32', 'mvp'],
  [Op.I32Eq, 'i32.eq', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Ne, 'i32.ne', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32LtS, 'i32.lt_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32LtU, 'i32.lt_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32GtS, 'i32.gt_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32GtU, 'i32.gt_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32LeS, 'i32.le_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32LeU, 'i32.le_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32GeS, 'i32.ge_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32GeU, 'i32.ge_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I64Eqz, 'i64.eqz', 'none', 'i64', 'i32', 'mvp'],
  [Op.I64Eq, 'i64.eq', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64Ne, 'i64.ne', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64LtS, 'i64.lt_s', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64LtU, 'i64.lt_u', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64GtS, 'i64.gt_s', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64GtU, 'i64.gt_u', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64LeS, 'i64.le_s', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64LeU, 'i64.le_u', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64GeS, 'i64.ge_s', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.I64GeU, 'i64.ge_u', 'none', 'i64 i64', 'i32', 'mvp'],
  [Op.F32Eq, 'f32.eq', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F32Ne, 'f32.ne', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F32Lt, 'f32.lt', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F32Gt, 'f32.gt', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F32Le, 'f32.le', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F32Ge, 'f32.ge', 'none', 'f32 f32', 'i32', 'mvp'],
  [Op.F64Eq, 'f64.eq', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.F64Ne, 'f64.ne', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.F64Lt, 'f64.lt', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.F64Gt, 'f64.gt', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.F64Le, 'f64.le', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.F64Ge, 'f64.ge', 'none', 'f64 f64', 'i32', 'mvp'],
  [Op.I32Clz, 'i32.clz', 'none', 'i32', 'i32', 'mvp'],
  [Op.I32Ctz, 'i32.ctz', 'none', 'i32', 'i32', 'mvp'],
  [Op.I32Popcnt, 'i32.popcnt', 'none', 'i32', 'i32', 'mvp'],
  [Op.I32Add, 'i32.add', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Sub, 'i32.sub', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Mul, 'i32.mul', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32DivS, 'i32.div_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32DivU, 'i32.div_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32RemS, 'i32.rem_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32RemU, 'i32.rem_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32And, 'i32.and', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Or, 'i32.or', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Xor, 'i32.xor', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Shl, 'i32.shl', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32ShrS, 'i32.shr_s', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32ShrU, 'i32.shr_u', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Rotl, 'i32.rotl', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I32Rotr, 'i32.rotr', 'none', 'i32 i32', 'i32', 'mvp'],
  [Op.I64Clz, 'i64.clz', 'none', 'i64', 'i64', 'mvp'],
  [Op.I64Ctz, 'i64.ctz', 'none', 'i64', 'i64', 'mvp'],
  [Op.I64Popcnt, 'i64.popcnt', 'none', 'i64', 'i64', 'mvp'],
  [Op.I64Add, 'i64.add', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Sub, 'i64.sub', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Mul, 'i64.mul', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64DivS, 'i64.div_s', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64DivU, 'i64.div_u', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64RemS, 'i64.rem_s', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64RemU, 'i64.rem_u', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64And, 'i64.and', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Or, 'i64.or', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Xor, 'i64.xor', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Shl, 'i64.shl', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64ShrS, 'i64.shr_s', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64ShrU, 'i64.shr_u', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Rotl, 'i64.rotl', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.I64Rotr, 'i64.rotr', 'none', 'i64 i64', 'i64', 'mvp'],
  [Op.F32Abs, 'f32.abs', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Neg, 'f32.neg', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Ceil, 'f32.ceil', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Floor, 'f32.floor', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Trunc, 'f32.trunc', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Nearest, 'f32.nearest', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Sqrt, 'f32.sqrt', 'none', 'f32', 'f32', 'mvp'],
  [Op.F32Add, 'f32.add', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Sub, 'f32.sub', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Mul, 'f32.mul', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Div, 'f32.div', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Min, 'f32.min', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Max, 'f32.max', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F32Copysign, 'f32.copysign', 'none', 'f32 f32', 'f32', 'mvp'],
  [Op.F64Abs, 'f64.abs', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Neg, 'f64.neg', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Ceil, 'f64.ceil', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Floor, 'f64.floor', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Trunc, 'f64.trunc', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Nearest, 'f64.nearest', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Sqrt, 'f64.sqrt', 'none', 'f64', 'f64', 'mvp'],
  [Op.F64Add, 'f64.add', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Sub, 'f64.sub', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Mul, 'f64.mul', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Div, 'f64.div', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Min, 'f64.min', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Max, 'f64.max', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.F64Copysign, 'f64.copysign', 'none', 'f64 f64', 'f64', 'mvp'],
  [Op.I32WrapI64, 'i32.wrap_i64', 'none', 'i64', 'i32', 'mvp'],
  [Op.I32TruncF32S, 'i32.trunc_f32_s', 'none', 'f32', 'i32', 'mvp'],
  [Op.I32TruncF32U, 'i32.trunc_f32_u', 'none', 'f32', 'i32', 'mvp'],
  [Op.I32TruncF64S, 'i32.trunc_f64_s', 'none', 'f64', 'i32', 'mvp'],
  [Op.I32TruncF64U, 'i32.trunc_f64_u', 'none', 'f64', 'i32', 'mvp'],
  [Op.I64ExtendI32S, 'i64.extend_i32_s', 'none', 'i32', 'i64', 'mvp'],
  [Op.I64ExtendI32U, 'i64.extend_i32_u', 'none', 'i32', 'i64', 'mvp'],
  [Op.I64TruncF32S, 'i64.trunc_f32_s', 'none', 'f32', 'i64', 'mvp'],
  [Op.I64TruncF32U, 'i64.trunc_f32_u', 'none', 'f32', 'i64', 'mvp'],
  [Op.I64TruncF64S, 'i64.trunc_f64_s', 'none', 'f64', 'i64', 'mvp'],
  [Op.I64TruncF64U, 'i64.trunc_f64_u', 'none', 'f64', 'i64', 'mvp'],
  [Op.F32ConvertI32S, 'f32.convert_i32_s', 'none', 'i32', 'f32', 'mvp'],
  [Op.F32ConvertI32U, 'f32.convert_i32_u', 'none', 'i32', 'f32', 'mvp'],
  [Op.F32ConvertI64S, 'f32.convert_i64_s', 'none', 'i64', 'f32', 'mvp'],
  [Op.F32ConvertI64U, 'f32.convert_i64_u', 'none', 'i64', 'f32', 'mvp'],
  [Op.F32DemoteF64, 'f32.demote_f64', 'none', 'f64', 'f32', 'mvp'],
  [Op.F64ConvertI32S, 'f64.convert_i32_s', 'none', 'i32', 'f64', 'mvp'],
  [Op.F64ConvertI32U, 'f64.convert_i32_u', 'none', 'i32', 'f64', 'mvp'],
  [Op.F64ConvertI64S, 'f64.convert_i64_s', 'none', 'i64', 'f64', 'mvp'],
  [Op.F64ConvertI64U, 'f64.convert_i64_u', 'none', 'i64', 'f64', 'mvp'],
  [Op.F64PromoteF32, 'f64.promote_f32', 'none', 'f32', 'f64', 'mvp'],
  [Op.I32ReinterpretF32, 'i32.reinterpret_f32', 'none', 'f32', 'i32', 'mvp'],
  [Op.I64ReinterpretF64, 'i64.reinterpret_f64', 'none', 'f64', 'i64', 'mvp'],
  [Op.F32ReinterpretI32, 'f32.reinterpret_i32', 'none', 'i32', 'f32', 'mvp'],
  [Op.F64ReinterpretI64, 'f64.reinterpret_i64', 'none', 'i64', 'f64', 'mvp'],
  [Op.I32Extend8S, 'i32.extend8_s', 'none', 'i32', 'i32', 'sign-extension'],
  [Op.I32Extend16S, 'i32.extend16_s', 'none', 'i32', 'i32', 'sign-extension'],
  [Op.I64Extend8S, 'i64.extend8_s', 'none', 'i64', 'i64', 'sign-extension'],
  [Op.I64Extend16S, 'i64.extend16_s', 'none', 'i64', 'i64', 'sign-extension'],
  [Op.I64Extend32S, 'i64.extend32_s', 'none', 'i64', 'i64', 'sign-extension'],
  [Op.RefNull, 'ref.null', 'reftype', '', VARIES, 'reference-types'],
  [Op.RefIsNull, 'ref.is_null', 'none', VARIES, 'i32', 'reference-types'],
  [Op.RefFunc, 'ref.func', 'func', '', 'funcref', 'reference-types'],
  [Op.RefEq, 'ref.eq', 'none', VARIES, 'i32', 'casts'],
  [Op.RefAsNonNull, 'ref.as_non_null', 'none', VARIES, VARIES, 'function-references'],
  [Op.BrOnNull, 'br_on_null', 'label', VARIES, VARIES, 'function-references'],
  [Op.BrOnNonNull, 'br_on_non_null', 'label', VARIES, VARIES, 'function-references'],
  [Op.RefTest, 'ref.test', 'reftype', VARIES, 'i32', 'casts'],
  [Op.RefTestNull, 'ref.test null', 'reftype', VARIES, 'i32', 'casts'],
  [Op.RefCast, 'ref.cast', 'reftype', VARIES, VARIES, 'casts'],
  [Op.RefCastNull, 'ref.cast null', 'reftype', VARIES, VARIES, 'casts'],
  [Op.BrOnCast, 'br_on_cast', 'cast', VARIES, VARIES, 'casts'],
  [Op.BrOnCastFail, 'br_on_cast_fail', 'cast', VARIES, VARIES, 'casts'],
  [Op.I32TruncSatF32S, 'i32.trunc_sat_f32_s', 'none', 'f32', 'i32', 'saturating-truncation'],
  [Op.I32TruncSatF32U, 'i32.trunc_sat_f32_u', 'none', 'f32', 'i32', 'saturating-truncation'],
  [Op.I32TruncSatF64S, 'i32.trunc_sat_f64_s', 'none', 'f64', 'i32', 'saturating-truncation'],
  [Op.I32TruncSatF64U, 'i32.trunc_sat_f64_u', 'none', 'f64', 'i32', 'saturating-truncation'],
  [Op.I64TruncSatF32S, 'i64.trunc_sat_f32_s', 'none', 'f32', 'i64', 'saturating-truncation'],
  [Op.I64TruncSatF32U, 'i64.trunc_sat_f32_u', 'none', 'f32', 'i64', 'saturating-truncation'],
  [Op.I64TruncSatF64S, 'i64.trunc_sat_f64_s', 'none', 'f64', 'i64', 'saturating-truncation'],
  [Op.I64TruncSatF64U, 'i64.trunc_sat_f64_u', 'none', 'f64', 'i64', 'saturating-truncation'],
  [Op.MemoryInit, 'memory.init', 'data memory', 'i32 i32 i32', '', 'bulk-memory'],
  [Op.DataDrop, 'data.drop', 'data', '', '', 'bulk-memory'],
  [Op.MemoryCopy, 'memory.copy', 'memory memory', 'i32 i32 i32', '', 'bulk-memory'],
  [Op.MemoryFill, 'memory.fill', 'memory', 'i32 i32 i32', '', 'bulk-memory'],
  [Op.TableInit, 'table.init', 'elem table', 'i32 i32 i32', '', 'bulk-memory'],
  [Op.ElemDrop, 'elem.drop', 'elem', '', '', 'bulk-memory'],
  [Op.TableCopy, 'table.copy', 'table table', 'i32 i32 i32', '', 'bulk-memory'],
  [Op.TableGrow, 'table.grow', 'table', VARIES, 'i32', 'reference-types'],
  [Op.TableSize, 'table.size', 'table', '', 'i32', 'reference-types'],
  [Op.TableFill, 'table.fill', 'table', VARIES, '', 'reference-types'],
  [Op.I64Add128, 'i64.add128', 'none', 'i64 i64 i64 i64', 'i64 i64', 'wide-arithmetic'],
  [Op.I64Sub128, 'i64.sub128', 'none', 'i64 i64 i64 i64', 'i64 i64', 'wide-arithmetic'],
  [Op.I64MulWideS, 'i64.mul_wide_s', 'none', 'i64 i64', 'i64 i64', 'wide-arithmetic'],
  [Op.I64MulWideU, 'i64.mul_wide_u', 'none', 'i64 i64', 'i64 i64', 'wide-arithmetic'],
  ...atomicRows,
  ...vectorRows,
];

const TYPES: Readonly<Record<string, ValType>> = {
  i32: ValType.I32,
  i64: ValType.I64,
  f32: ValType.F32,
  f64: ValType.F64,
  v128: ValType.V128,
  funcref: ValType.FuncRef,
};

function parseTypes(list: string | undefined): ValType[] | undefined {
  if (list === undefined) return undefined;
  return list === '' ? [] : list.split(' ').map((name) => TYPES[name]);
}

/** All instructions, in order of their code. */
export const opcodes: readonly Opcode[] = rows.map(
  ([code, name, immediates, operands, results, feature, alignment]): Opcode => ({
    code,
    name,
    immediates,
    operands: parseTypes(operands),
    results: parseTypes(results),
    feature,
    alignment,
  }),
);

/**
 * Flat tables: single-byte opcodes by their byte, those after 0xfc, 0xfd, 0xfe and 0xfb from MISC, VECTOR, ATOMIC and
 * OBJECT on by their sub-opcode.
 */
export const MISC = 0x100;
export const MISC_COUNT = 0x17;
export const VECTOR = 0x200;
export const VECTOR_COUNT = 0x114;
export const ATOMIC = 0x320;
export const ATOMIC_COUNT = 0x4f;
export const OBJECT = ATOMIC + ATOMIC_COUNT;
export const OBJECT_COUNT = 0x20;
export const FLAT_LENGTH = OBJECT + OBJECT_COUNT;

/** Where an opcode stands in the flat tables. */
export function flatIndex(code: number): number {
  if (code >= 0xfd000) return VECTOR + (code & 0xfff);
  if (code >= 0xfe00) return ATOMIC + (code & 0xff);
  if (code >= 0xfc00) return MISC + (code & 0xff);
  return code < 0xfb00 ? code : OBJECT + (code & 0xff);
}

/** Entries of `operandCountOf` for opcodes whose types vary and for bytes that are no opcode. */
const VARYING = 0xfe;
export const ILLEGAL = 0xff;

/** How many operands; or VARYING, or ILLEGAL. */
export const operandCountOf = new Uint8Array(FLAT_LENGTH).fill(ILLEGAL);
/** The types of the operands with fixed types, counted from the deepest one; 0 where there is none. */
export const operand0Of = new Uint8Array(FLAT_LENGTH);
export const operand1Of = new Uint8Array(FLAT_LENGTH);
export const operand2Of = new Uint8Array(FLAT_LENGTH);
export const operand3Of = new Uint8Array(FLAT_LENGTH);
/** The types of the results, 0 for none: no instruction with fixed types has three. */
export const resultOf = new Uint8Array(FLAT_LENGTH);
export const secondResultOf = new Uint8Array(FLAT_LENGTH);
/** Greatest alignment (log2) of loads and stores. */
export const alignmentOf = new Uint8Array(FLAT_LENGTH);

const byFlatIndex: (Opcode | undefined)[] = new Array(FLAT_LENGTH).fill(undefined);

for (const opcode of opcodes) {
  const index = flatIndex(opcode.code);
  byFlatIndex[index] = opcode;
  const { operands, results } = opcode;
  operandCountOf[index] = operands === undefined || results === undefined ? VARYING : operands.length;
  operand0Of[index] = operands?.[0] ?? 0;
  operand1Of[index] = operands?.[1] ?? 0;
  operand2Of[index] = operands?.[2] ?? 0;
  operand3Of[index] = operands?.[3] ?? 0;
  resultOf[index] = results?.[0] ?? 0;
  secondResultOf[index] = results?.[1] ?? 0;
  alignmentOf[index] = opcode.alignment ?? 0;
}

/** The number of an opcode that has a prefix byte; -1 for one that cannot be. */
export function prefixed(prefix: number, sub: number): number {
  if (prefix === Prefix.Misc) return sub < 0x100 ? 0xfc00 | sub : -1;
  if (prefix === Prefix.Object) return sub < OBJECT_COUNT ? 0xfb00 | sub : -1;
  if (prefix === Prefix.Simd) return sub < VECTOR_COUNT ? 0xfd000 + sub : -1;
  return prefix === Prefix.Atomic && sub < ATOMIC_COUNT ? 0xfe00 | sub : -1;
}

/** The table's row of an opcode; undefined when there is no such instruction. */
export function opcodeOf(code: number): Opcode | undefined {
  if (code >= 0xfd000) return code < 0xfd000 + VECTOR_COUNT ? byFlatIndex[flatIndex(code)] : undefined;
  if (code >= 0xfe00) return code < 0xfe00 + ATOMIC_COUNT ? byFlatIndex[flatIndex(code)] : undefined;
  if (code >= 0xfc00) return code < 0xfc00 + MISC_COUNT ? byFlatIndex[flatIndex(code)] : undefined;
  if (code >= 0xfb00) return code < 0xfb00 + OBJECT_COUNT ? byFlatIndex[flatIndex(code)] : undefined;
  return code < MISC ? byFlatIndex[code] : undefined;
}

/** Instructions of later versions of the specification and of proposals, none of them supported. */
const LATER: readonly (readonly [first: number, last: number, what: string])[] = [
  [0xe0, 0xe6, 'stack switching'],
  [0xfb, 0xfb, 'garbage-collected objects'],
  [0xfb1f, 0xfbff, 'a later proposal (0xfb)'],
];

/** After 0xfb, by sub-opcode (core spec 3.0, 5.4.7). */
const OBJECT_INSTRUCTIONS = [
  ...['struct.new', 'struct.new_default', 'struct.get', 'struct.get_s', 'struct.get_u', 'struct.set'],
  ...['array.new', 'array.new_default', 'array.new_fixed', 'array.new_data', 'array.new_elem'],
  ...['array.get', 'array.get_s', 'array.get_u', 'array.set', 'array.len', 'array.fill', 'array.copy'],
  ...['array.init_data', 'array.init_elem', 'ref.test', 'ref.test', 'ref.cast', 'ref.cast'],
  ...['br_on_cast', 'br_on_cast_fail', 'any.convert_extern', 'extern.convert_any', 'ref.i31', 'i31.get_s', 'i31.get_u'],
];

/**
 * The version or proposal that an opcode outside of the table belongs to; undefined when it is unknown. `sub` is what
 * follows a prefix byte.
 */
export function laterOpcode(byte: number, sub?: number): string | undefined {
  const object = byte === 0xfb && sub !== undefined ? OBJECT_INSTRUCTIONS[sub] : undefined;
  if (object !== undefined) return `garbage-collected objects (${object})`;
  const code = sub === undefined ? byte : byte * 0x100 + sub;
  return LATER.find(([first, last]) => code >= first && code <= last)?.[2];
}

/** The detail of the error about an opcode that is not in the table; `sub` is what follows a prefix byte. */
export function illegalOpcode(byte: number, sub?: number): string {
  const hex = (n: number) => `0x${n.toString(16).padStart(2, '0')}`;
  const code = sub === undefined ? hex(byte) : `${hex(byte)} ${hex(sub)}`;
  return `illegal opcode ${code}`;
}
