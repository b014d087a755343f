/** Puts values on the stack: constants, locals, globals, small expressions; and operands of wanted types. */

import { Op, type Opcode, opcodes } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import { type Code, laneCount, operandsOf } from './code.js';
import { float32, float64, int32, int64, vector128 } from './constants.js';
import { heapOf, isNonNull, isTyped, referenceTo } from './reference-types.js';
import { F32, F64, FuncRef, I32, I64, isReference, V128 } from './shape.js';

type ValType = number;

/** Instructions of numbers, by the type of their last operand and by that of their result. */
interface Numeric {
  readonly byOperand: ReadonlyMap<ValType, readonly Op[]>;
  readonly byResult: ReadonlyMap<ValType, readonly Op[]>;
}

/** Of vectors, not the relaxed ones: engines differ. */
const NUMERIC = opcodes.filter(
  ({ immediates, operands, results, feature }) =>
    /^(none|lanes?)$/.test(immediates) && operands?.length && results?.length === 1 && feature !== 'relaxed-simd',
);
const SCALAR = numeric(NUMERIC.filter(({ feature }) => feature !== 'simd'));
const WITH_VECTORS = numeric(NUMERIC);

function numeric(rows: readonly Opcode[]): Numeric {
  return {
    byOperand: group(rows, ({ operands }) => operands![operands!.length - 1]),
    byResult: group(rows, ({ results }) => results![0]),
  };
}

function group(rows: readonly Opcode[], typeOf: (row: Opcode) => ValType): Map<ValType, Op[]> {
  const map = new Map<ValType, Op[]>();
  for (const row of rows) map.set(typeOf(row), [...(map.get(typeOf(row)) ?? []), row.code]);
  return map;
}

const DIVISIONS = new Set<Op>([
  Op.I32DivS,
  Op.I32DivU,
  Op.I32RemS,
  Op.I32RemU,
  Op.I64DivS,
  Op.I64DivU,
  Op.I64RemS,
  Op.I64RemU,
]);
const FIRST_TRUNCATION = new Map<Op, Op>([
  [Op.I32TruncF32S, Op.I32TruncSatF32S],
  [Op.I32TruncF32U, Op.I32TruncSatF32U],
  [Op.I32TruncF64S, Op.I32TruncSatF64S],
  [Op.I32TruncF64U, Op.I32TruncSatF64U],
  [Op.I64TruncF32S, Op.I64TruncSatF32S],
  [Op.I64TruncF32U, Op.I64TruncSatF32U],
  [Op.I64TruncF64S, Op.I64TruncSatF64S],
  [Op.I64TruncF64U, Op.I64TruncSatF64U],
]);

export class Values {
  private readonly numeric: Numeric;

  constructor(
    readonly choices: Choices,
    readonly code: Code,
  ) {
    this.numeric = code.vectors ? WITH_VECTORS : SCALAR;
  }

  /** Numeric instructions whose last operand has this type. */
  taking(type: ValType): readonly Op[] {
    return this.numeric.byOperand.get(type) ?? [];
  }

  /** Pushes a value of a type. */
  push(type: ValType, depth = 2): void {
    const { choices, code } = this;
    switch (choices.weighted(depth > 0 && !isReference(type) ? [4, 6, 1, 5] : [4, 6, 1])) {
      case 1: {
        const local = this.localOf(this.subtype(type));
        if (local < 0) break;
        code.localGet(local);
        return code.weaken(type);
      }
      case 2: {
        const { globals } = code.shape;
        const candidates = globals.map((_, i) => i).filter((i) => globals[i].type === type);
        if (candidates.length > 0) return code.globalGet(choices.pick(candidates));
        break;
      }
      case 3: {
        const makers = this.numeric.byResult.get(type);
        if (makers === undefined) break;
        const op = choices.pick(makers);
        for (const operand of operandsOf(op)) this.push(operand, depth - 1);
        return this.operate(op);
      }
    }
    this.constant(type);
  }

  constant(type: ValType): void {
    const { choices, code } = this;
    switch (type) {
      case I32:
        return code.i32(int32(choices));
      case I64:
        return code.i64(int64(choices));
      case F32:
        return code.f32(float32(choices));
      case F64:
        return code.f64(float64(choices));
      case V128:
        return code.vector(vector128(choices));
      case FuncRef:
        if (choices.oneIn(2)) {
          return code.instruction(Op.RefFunc, 0, [FuncRef], choices.next(code.shape.functions.length));
        }
        break;
    }
    if (isTyped(type) && (isNonNull(type) || !choices.oneIn(4))) code.refFunc(type, choices.next(8));
    else code.refNull(type);
  }

  /** The type itself, or one whose values can stand for it. */
  private subtype(type: ValType): ValType {
    const { choices, code } = this;
    const { heaps } = code.shape;
    if (heaps === 0 || !isReference(type) || !choices.oneIn(3)) return type;
    if (type === FuncRef) return referenceTo(choices.next(heaps), choices.oneIn(2));
    if (!isTyped(type)) return type;
    const { types } = code.shape;
    const below = types.list.map((_, i) => i).filter((i) => i < heaps && types.isSubtype(i, heapOf(type)));
    return referenceTo(choices.pick(below), !isNonNull(type) && choices.oneIn(3));
  }

  /** Applies a numeric instruction to operands that are on the stack, mostly so that it does not trap. */
  operate(op: Op): void {
    const { choices, code } = this;
    if (DIVISIONS.has(op)) {
      const type = operandsOf(op)[0];
      const how = choices.next(8);
      if (how < 3) this.notZero(type);
      else if (how < 7) {
        code.drop();
        if (choices.oneIn(20)) this.constant(type);
        else if (type === I32) code.i32(int32(choices) || 1);
        else code.i64(int64(choices) || 1n);
      }
    }
    const saturating = FIRST_TRUNCATION.get(op);
    if (saturating !== undefined && !choices.oneIn(12)) return code.op(saturating);
    code.op(op, this.lanes(op));
  }

  /** Immediates of the instructions that have lane indexes. */
  private lanes(op: Op): readonly number[] {
    const { choices } = this;
    const count = laneCount(op);
    return Array.from({ length: count === 32 ? 16 : Math.min(count, 1) }, () => choices.next(count));
  }

  private notZero(type: ValType): void {
    const { code } = this;
    if (type === I32) {
      code.i32(1);
      code.op(Op.I32Or);
    } else {
      code.i64(1n);
      code.op(Op.I64Or);
    }
  }

  /** Makes the top of the stack have these types, with what is there already as far as it fits. */
  ensure(types: readonly ValType[]): void {
    const { choices, code } = this;
    const { stack } = code;
    let fit = choices.oneIn(6) ? 0 : Math.min(types.length, code.available);
    while (fit > 0 && !types.slice(0, fit).every((type, i) => stack[stack.length - fit + i] === type)) fit--;
    for (const type of types.slice(fit)) this.push(type);
  }

  /** A local of a type, -1 when there is none. */
  localOf(type: ValType, usable: (local: number) => boolean = () => true): number {
    const { locals, ownLocals } = this.code;
    const candidates: number[] = [];
    for (let i = 0; i < ownLocals; i++) if (locals[i] === type && usable(i)) candidates.push(i);
    return candidates.length === 0 ? -1 : this.choices.pick(candidates);
  }
}
