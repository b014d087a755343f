/**
 * The code of a function as it is written: bytes, the value stack's types, control frames. Every method keeps the code
 * valid; what to write is decided elsewhere (body.ts).
 *
 * NaN: engines may differ in a NaN's bits. Either the bits of NaNs never leave float values (`guard`: before
 * reinterpretations, stores, copysign), or all arithmetic gives the canonical NaN: by extra code that does what
 * `--deterministic` does (`NanMode.Explicit`), or by the compiler under test (`NanMode.Native`). The bits of a vector
 * can be observed in too many ways to guard them all: unless the compiler does it, extra code always makes its NaNs
 * canonical.
 */

import { Op, opcodes } from '../../src/wasm/opcodes.js';
import { VectorOp } from '../../src/wasm/opcodes-vector.js';
import { SOURCE_NULLABLE, TARGET_NULLABLE } from '../../src/wasm/validate-casts.js';
import { OF_V8 } from '../support/function-references.js';
import { heapOf, isNonNull, isTyped, referenceTo, writeType } from './reference-types.js';
import { F32, F64, I32, I64, isFloat, isReference, type Shape, V128, type ValueKinds } from './shape.js';
import { WasmWriter } from './wasm-writer.js';

type ValType = number;

export const enum NanMode {
  /** NaN bits never reach an integer or memory. */
  Guarded,
  /** Each operation that can give a NaN is followed by code that makes it canonical. */
  Explicit,
  /** The same code without that: for a compiler that does it. */
  Native,
}

export interface ControlFrame {
  readonly op: Op; // Block, Loop, If, Try, Catch; Unreachable for the function
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  /** Height below the parameters. */
  readonly base: number;
  dead: boolean;
}

/** Opcodes that the V8 of Node.js 20 has elsewhere. */
const CODES_OF_V8: ReadonlyMap<Op, number> = new Map([
  [Op.RefAsNonNull, OF_V8.asNonNull],
  [Op.BrOnNull, OF_V8.brOnNull],
  [Op.BrOnNonNull, OF_V8.brOnNonNull],
]);

/** Tests and casts before their encoding was fixed: nullability of the target in a bit, and no source type. */
const OLDER_NULLABLE = 8;
const OLDER_CASTS: ReadonlyMap<Op, number> = new Map([
  [Op.RefTest, 0xfb40],
  [Op.RefTestNull, 0xfb40 | OLDER_NULLABLE],
  [Op.RefCast, 0xfb41],
  [Op.RefCastNull, 0xfb41 | OLDER_NULLABLE],
  [Op.BrOnCast, 0xfb42],
  [Op.BrOnCastFail, 0xfb43],
]);
/** Heap types from here on are bytes of abstract ones. */
const LEAST_ABSTRACT = 0x40;

const rowOf = new Map(opcodes.map((row) => [row.code, row]));

/** The locals after all others of a function: see Code.locals. */
export function scratchLocals({ vectors }: Shape): readonly ValType[] {
  return vectors ? [F32, F64, V128] : [F32, F64];
}

/** Types of the operands of an instruction that has the same ones everywhere. */
export function operandsOf(code: Op): readonly ValType[] {
  return rowOf.get(code)!.operands!;
}

/** Operations whose result may be a NaN made by the CPU. */
export const MAKES_NAN = new Set<Op>([Op.F32DemoteF64, Op.F64PromoteF32]);
for (let op = Op.F32Ceil; op <= Op.F32Max; op++) MAKES_NAN.add(op);
for (let op = Op.F64Ceil; op <= Op.F64Max; op++) MAKES_NAN.add(op);
const READS_BITS = new Set<Op>([
  Op.I32ReinterpretF32,
  Op.I64ReinterpretF64,
  Op.F32Store,
  Op.F64Store,
  Op.F32Copysign,
  Op.F64Copysign,
]);

for (const op of [VectorOp.F32x4Splat, VectorOp.F64x2Splat, VectorOp.F32x4ReplaceLane, VectorOp.F64x2ReplaceLane]) {
  READS_BITS.add(op as number);
}

/** The vector operations whose result may have NaNs made by the CPU, with the shape of the result. */
export const VECTOR_NANS = new Map<number, 'f32x4' | 'f64x2'>();
for (const { code, name } of opcodes) {
  const [, shape] =
    /^(f32x4|f64x2)\.(ceil|floor|trunc|nearest|sqrt|add|sub|mul|div|min|max|demote|promote)/.exec(name) ?? [];
  if (shape !== undefined) VECTOR_NANS.set(code, shape as 'f32x4' | 'f64x2');
}

/** How many there are of what the lane indexes of an instruction may be: 0 when it has none. */
export function laneCount(code: Op): number {
  const { immediates, name, alignment } = rowOf.get(code)!;
  if (immediates === 'lanes') return 32;
  if (immediates === 'memarg lane') return 16 >> alignment!;
  return immediates === 'lane' ? Number(/x(\d+)\./.exec(name)![1]) : 0;
}

export class Code {
  readonly out = new WasmWriter(true);
  readonly stack: ValType[] = [];
  readonly frames: ControlFrame[] = [];
  /** Parameters, locals, then locals for making NaNs canonical. */
  readonly locals: ValType[];
  /** How many there are without those for NaNs. */
  readonly ownLocals: number;
  readonly paramCount: number;
  private readonly scratch32: number;
  private readonly scratch64: number;
  private readonly scratch128: number;

  constructor(
    readonly shape: Shape,
    params: readonly ValType[],
    readonly results: readonly ValType[],
    locals: readonly ValType[],
    readonly nan: NanMode,
    /** Whether there may be vector instructions: without them a v128 comes from a local alone. */
    readonly vectors = shape.vectors,
  ) {
    this.paramCount = params.length;
    this.ownLocals = params.length + locals.length;
    this.locals = [...params, ...locals, ...scratchLocals(shape)];
    this.scratch32 = this.ownLocals;
    this.scratch64 = this.ownLocals + 1;
    this.scratch128 = this.ownLocals + 2;
    this.frames.push({ op: Op.Unreachable, params: [], results, base: 0, dead: false });
  }

  /** What a local may be. */
  get localKinds(): ValueKinds {
    return { vectorTypes: this.shape.vectors, heaps: this.shape.heaps };
  }

  get frame(): ControlFrame {
    return this.frames[this.frames.length - 1];
  }

  /** Operands above the innermost block's base. */
  get available(): number {
    return this.stack.length - this.frame.base;
  }

  get top(): ValType | undefined {
    return this.available > 0 ? this.stack[this.stack.length - 1] : undefined;
  }

  // -- numeric instructions, constants

  /** An instruction whose types the opcode table has and which has no immediates but lane indexes. */
  op(code: Op, lanes: readonly number[] = []): void {
    const { operands, results } = rowOf.get(code)!;
    if (READS_BITS.has(code)) this.guard();
    this.out.op(code);
    this.out.byte(...lanes);
    this.pop(operands!.length);
    this.stack.push(...results!);
    const shape = VECTOR_NANS.get(code);
    if (shape !== undefined && this.nan !== NanMode.Native) this.makeVectorCanonical(shape);
    if (this.nan === NanMode.Explicit && MAKES_NAN.has(code)) this.makeCanonical();
  }

  i32(value: number): void {
    this.out.byte(Op.I32Const);
    this.out.signed(BigInt(value | 0));
    this.stack.push(I32);
  }

  i64(value: bigint): void {
    this.out.byte(Op.I64Const);
    this.out.signed(BigInt.asIntN(64, value));
    this.stack.push(I64);
  }

  f32(bits: number): void {
    this.out.byte(Op.F32Const);
    this.out.word(bits);
    this.stack.push(F32);
  }

  f64(bits: bigint): void {
    this.out.byte(Op.F64Const);
    this.out.word(Number(bits & 0xffffffffn));
    this.out.word(Number(bits >> 32n));
    this.stack.push(F64);
  }

  v128(bits: bigint): void {
    this.out.op(VectorOp.V128Const);
    for (let at = 0n; at < 128n; at += 32n) this.out.word(Number((bits >> at) & 0xffffffffn));
    this.stack.push(V128);
  }

  /** A constant, or zero from a local that nothing sets. */
  vector(bits: bigint): void {
    if (this.vectors) this.v128(bits);
    else this.localGet(this.scratch128);
  }

  /** The v128 on top becomes an i64 in which all of its bits are mixed. */
  foldVector(): void {
    this.localTee(this.scratch128);
    this.op(VectorOp.I64x2ExtractLane as number, [0]);
    this.localGet(this.scratch128);
    this.op(VectorOp.I64x2ExtractLane as number, [1]);
    this.i64(29n);
    this.op(Op.I64Rotl);
    this.op(Op.I64Xor);
  }

  refNull(type: ValType): void {
    this.out.byte(Op.RefNull);
    if (isTyped(type)) this.out.u32(heapOf(type));
    else this.out.byte(type);
    this.stack.push(type);
  }

  /** A reference to a function of a typed reference's type. @param which any number */
  refFunc(type: ValType, which: number): void {
    const { functions, types } = this.shape;
    const indexes = functions.map((_, i) => i).filter((i) => types.isSubtype(functions[i].type, heapOf(type)));
    this.instruction(Op.RefFunc, 0, [type], indexes[which % indexes.length]);
  }

  /** Takes the top of the stack for a supertype of what it is. */
  weaken(type: ValType): void {
    this.stack[this.stack.length - 1] = type;
  }

  zero(type: ValType): void {
    if (type === I32) this.i32(0);
    else if (type === I64) this.i64(0n);
    else if (type === F32) this.f32(0);
    else if (type === F64) this.f64(0n);
    else if (type === V128) this.vector(0n);
    else if (isNonNull(type)) this.refFunc(type, 0);
    else this.refNull(type);
  }

  /** Where bits of the float on top, if it is one, are about to be seen. */
  guard(): void {
    if (this.nan === NanMode.Guarded && isFloat(this.stack[this.stack.length - 1])) this.makeCanonical();
  }

  private makeCanonical(): void {
    const wide = this.stack[this.stack.length - 1] === F64;
    const local = wide ? this.scratch64 : this.scratch32;
    this.localTee(local);
    if (wide) this.f64(0x7ff8000000000000n);
    else this.f32(0x7fc00000);
    this.localGet(local);
    this.localGet(local);
    this.out.byte(wide ? Op.F64Eq : Op.F32Eq);
    this.pop(2);
    this.stack.push(I32);
    this.select();
  }

  /** Lanes that are equal to themselves stay. */
  private makeVectorCanonical(shape: 'f32x4' | 'f64x2'): void {
    const wide = shape === 'f64x2';
    this.localTee(this.scratch128);
    this.v128(wide ? 0x7ff80000000000007ff8000000000000n : 0x7fc000007fc000007fc000007fc00000n);
    this.localGet(this.scratch128);
    this.localGet(this.scratch128);
    this.op((wide ? VectorOp.F64x2Eq : VectorOp.F32x4Eq) as number);
    this.op(VectorOp.V128Bitselect as number);
  }

  // -- locals, globals, parametric

  localGet(local: number): void {
    this.indexed(Op.LocalGet, local);
    this.stack.push(this.locals[local]);
  }

  localSet(local: number): void {
    this.indexed(Op.LocalSet, local);
    this.pop(1);
  }

  localTee(local: number): void {
    this.indexed(Op.LocalTee, local);
  }

  globalGet(index: number): void {
    this.indexed(Op.GlobalGet, index);
    this.stack.push(this.shape.globals[index].type);
  }

  globalSet(index: number): void {
    this.indexed(Op.GlobalSet, index);
    this.pop(1);
  }

  drop(): void {
    this.out.byte(Op.Drop);
    this.pop(1);
  }

  /** Two of one type and a condition are on the stack. */
  select(typed = false): void {
    const type = this.stack[this.stack.length - 2];
    if (typed || isReference(type)) {
      this.out.byte(Op.SelectT, 1);
      writeType(this.out, type, this.shape.encoding);
    } else this.out.byte(Op.Select);
    this.pop(2);
  }

  // -- instructions with one or two indexes

  indexed(code: Op, ...indexes: number[]): void {
    this.out.op(this.shape.encoding === OF_V8 ? (CODES_OF_V8.get(code) ?? code) : code);
    for (const index of indexes) this.out.u32(index);
  }

  /** Any instruction: `takes` operands are popped. */
  instruction(code: Op, takes: number, results: readonly ValType[], ...indexes: number[]): void {
    this.indexed(code, ...indexes);
    this.pop(takes);
    this.stack.push(...results);
  }

  /**
   * A test or cast of the reference on top.
   *
   * @param heap a type's index, or the byte of an abstract one
   * @param result undefined for that of the cast
   */
  cast(op: Op, heap: number, result: ValType | undefined): void {
    this.out.op(this.shape.encoding.isOlder ? OLDER_CASTS.get(op)! : op);
    this.heap(heap);
    this.pop(1);
    this.stack.push(result ?? referenceTo(heap, op === Op.RefCastNull));
  }

  /** @param target a typed reference, @param stays what is on top when the branch is not taken */
  castBranch(op: Op, depth: number, source: ValType, target: ValType, stays: ValType): void {
    const { out, shape } = this;
    if (shape.encoding.isOlder) {
      out.op(OLDER_CASTS.get(op)! | (isNonNull(target) ? 0 : OLDER_NULLABLE));
      out.u32(depth);
    } else {
      out.op(op);
      out.byte((isNonNull(source) ? 0 : SOURCE_NULLABLE) | (isNonNull(target) ? 0 : TARGET_NULLABLE));
      out.u32(depth);
      this.heap(isTyped(source) ? heapOf(source) : source);
    }
    this.heap(heapOf(target));
    this.pop(1);
    this.stack.push(stays);
    // Those casts tell null apart, but not in what is on the stack.
    if (shape.encoding.isOlder && isNonNull(stays) && op === Op.BrOnCast) this.indexed(Op.RefAsNonNull);
  }

  private heap(heap: number): void {
    if (heap < LEAST_ABSTRACT) this.out.u32(heap);
    else this.out.byte(heap);
  }

  access(code: Op, alignment: number, offset: number, lanes: readonly number[] = []): void {
    const { operands, results } = rowOf.get(code)!;
    if (READS_BITS.has(code)) this.guard();
    this.indexed(code, alignment, offset);
    this.out.byte(...lanes);
    this.pop(operands!.length);
    this.stack.push(...results!);
  }

  // -- control

  /** Begins a block whose parameters (and an if's condition) are on the stack. */
  begin(op: Op.Block | Op.Loop | Op.If | Op.Try, params: readonly ValType[], results: readonly ValType[]): void {
    if (op === Op.If) this.pop(1);
    this.out.byte(op);
    if (params.length === 0 && results.length === 0) this.out.byte(0x40);
    else if (params.length === 0 && results.length === 1 && !isTyped(results[0])) this.out.byte(results[0]);
    else this.out.signed(BigInt(this.shape.types.index(params, results)));
    const dead = this.frame.dead;
    this.frames.push({ op, params, results, base: this.stack.length - params.length, dead });
  }

  /** The results are on the stack and nothing else. */
  beginElse(): void {
    this.out.byte(Op.Else);
    const { base, params } = this.frame;
    this.stack.length = base;
    this.stack.push(...params);
    this.frame.dead = this.frames[this.frames.length - 2].dead;
  }

  /** Like beginElse, of a try or the catch body before. @param tag -1 for any exception */
  beginCatch(tag: number): void {
    if (tag < 0) this.out.byte(Op.CatchAll);
    else this.indexed(Op.Catch, tag);
    const frame = this.frames.pop()!;
    this.stack.length = frame.base;
    if (tag >= 0) this.stack.push(...this.shape.tags[tag]);
    this.frames.push({ ...frame, op: Op.Catch, dead: this.frame.dead });
  }

  /** Ends a try without catch bodies. @param depth counted without the try */
  delegate(depth: number): void {
    this.indexed(Op.Delegate, depth);
    this.left();
  }

  end(): void {
    this.out.byte(Op.End);
    this.left();
  }

  private left(): void {
    const { base, results } = this.frames.pop()!;
    if (this.frames.length === 0) return;
    this.stack.length = base;
    this.stack.push(...results);
  }

  /** What a branch to a depth carries. */
  labelTypes(depth: number): readonly ValType[] {
    const { op, params, results } = this.frames[this.frames.length - 1 - depth];
    return op === Op.Loop ? params : results;
  }

  isLoop(depth: number): boolean {
    return this.frames[this.frames.length - 1 - depth].op === Op.Loop;
  }

  /** After an instruction that does not continue. */
  die(): void {
    this.frame.dead = true;
    this.stack.length = this.frame.base;
  }

  pop(count: number): void {
    this.stack.length -= count;
  }
}
