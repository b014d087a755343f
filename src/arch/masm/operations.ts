/** What the macro-assembler's methods name: registers, labels, and the operations that there are of each kind. */

export type Reg = number;
export type Label = number;
export const NO_REG = 255;
export const FLOAT_BASE = 32;

export const enum IntOp {
  Add,
  Sub,
  Mul,
  And,
  Or,
  Xor,
}

export const enum ShiftOp {
  Shl,
  ShrS,
  ShrU,
  Rotl,
  Rotr,
}

export const enum DivOp {
  DivS,
  DivU,
  RemS,
  RemU,
}

export const enum IntUnary {
  Clz,
  Ctz,
  Popcnt,
  Extend8S,
  Extend16S,
  Extend32S, // wide: sign-extends the low 32 bits to 64
  WrapOrZeroExtend, // dst = low 32 bits of src, upper bits zero (i32.wrap_i64, i64.extend_i32_u)
}

export const enum FloatOp {
  Add,
  Sub,
  Mul,
  Div,
  Min,
  Max,
  Copysign,
}

export const enum FloatUnary {
  Abs,
  Neg,
  Ceil,
  Floor,
  Trunc,
  Nearest,
  Sqrt,
}

/**
 * Conditions of integer comparisons and, for compareFloat, of float comparisons: false on NaN, but FNe. So a float
 * condition has no opposite among them; see branchUnless.
 */
export const enum Cond {
  Eq,
  Ne,
  LtS,
  LtU,
  GtS,
  GtU,
  LeS,
  LeU,
  GeS,
  GeU,
  FEq,
  FNe,
  FLt,
  FGt,
  FLe,
  FGe,
}

/** Loads of guest memory: the result's type, then the width in memory and its extension when narrower. */
export const enum LoadOp {
  I32,
  I64,
  F32,
  F64,
  I32_8S,
  I32_8U,
  I32_16S,
  I32_16U,
  I64_8S,
  I64_8U,
  I64_16S,
  I64_16U,
  I64_32S,
  I64_32U,
}

/** Widths of stores; the value of 8, 16 and 32-bit ones is the low part of an integer register. */
export const enum StoreOp {
  Int8,
  Int16,
  Int32,
  Int64,
  F32,
  F64,
}

/** How a value travels between a register and a slot or a field: its size and register class. */
export const enum Width {
  Int32,
  Int64,
  F32,
  F64,
  V128, // 16 bytes, in two slots; slots and fields need not be 16-byte aligned
}

export const enum Conversion {
  F32FromI32S,
  F32FromI32U,
  F32FromI64S,
  F32FromI64U,
  F64FromI32S,
  F64FromI32U,
  F64FromI64S,
  F64FromI64U,
  F32Demote,
  F64Promote,
  I32FromF32Bits,
  I64FromF64Bits,
  F32FromI32Bits,
  F64FromI64Bits,
}

/** Truncations float to int: index = (from f64 ? 4 : 0) + (to i64 ? 2 : 0) + (unsigned ? 1 : 0). */
export const enum Truncation {
  I32FromF32S,
  I32FromF32U,
  I64FromF32S,
  I64FromF32U,
  I32FromF64S,
  I32FromF64U,
  I64FromF64S,
  I64FromF64U,
}
