/**
 * Float operations and conversions of the macro-assemblers, run natively or emulated with every aliasing of their
 * registers.
 */

import { expect } from 'vitest';
import { Cond, Conversion, FloatOp, FloatUnary, Truncation, Width } from '../../../src/arch/masm/masm.js';
import * as model from './model.js';
import { type Case, onEach } from './native-cases.js';

const WIDTHS = [0, 1] as const;
const TRIPLES = [
  [32, 33, 34],
  [47, 40, 32],
  [33, 33, 44],
  [41, 35, 41],
  [46, 46, 46],
  [32, 37, 37],
] as const;
const PAIRS = [
  [32, 33],
  [40, 47],
  [45, 34],
  [36, 36],
  [42, 42],
] as const;
const float = (wide: number): Width => (wide !== 0 ? Width.F64 : Width.F32);

onEach('floatBinary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = FloatOp.Add; op <= FloatOp.Copysign; op++)
    for (const wide of WIDTHS)
      for (const [dst, lhs, rhs] of TRIPLES) {
        const width = float(wide);
        cases.push({
          name: `floatBinary ${op} wide ${wide} ${dst} <- ${lhs}, ${rhs}`,
          inputs:
            lhs === rhs
              ? [[lhs, width]]
              : [
                  [lhs, width],
                  [rhs, width],
                ],
          emit: (masm) => masm.floatBinary(op, wide, dst, lhs, rhs),
          result: dst,
          width,
          rows: model.floatRows[wide]!,
          expect: ([a, b]) => model.floatBinary(op, wide, a!, lhs === rhs ? a! : b!),
        });
        if (op <= FloatOp.Div && lhs !== rhs)
          cases.push({
            name: `floatBinarySlot ${op} wide ${wide} ${dst} <- ${lhs}`,
            inputs: [
              [lhs, width],
              [rhs, width],
            ],
            emit: (masm) => {
              masm.storeSlot(width, rhs, -64);
              masm.floatBinarySlot(op, wide, dst, lhs, -64);
            },
            result: dst,
            width,
            rows: model.floatRows[wide]!,
            expect: ([a, b]) => model.floatBinary(op, wide, a!, b!),
          });
      }
  expect(run(cases)).toEqual([]);
});

onEach('floatUnary, canonicalizeNaN', ({ run }) => {
  const cases: Case[] = [];
  for (const wide of WIDTHS)
    for (const [dst, src] of PAIRS) {
      const common = { inputs: [[src, float(wide)]] as const, result: dst, width: float(wide) };
      const rows = model.floatRows[wide]!.map(([a, b]) => [b!, a!]);
      for (let op = FloatUnary.Abs; op <= FloatUnary.Sqrt; op++)
        cases.push({
          ...common,
          name: `floatUnary ${op} wide ${wide} ${dst} <- ${src}`,
          emit: (masm) => masm.floatUnary(op, wide, dst, src),
          rows,
          expect: ([a]) => model.floatUnary(op, wide, a!),
        });
      cases.push({
        ...common,
        name: `canonicalizeNaN wide ${wide}`,
        emit: (masm) => {
          masm.moveFloat(dst, src, wide);
          masm.canonicalizeNaN(wide, dst);
        },
        rows,
        expect: ([a]) =>
          Number.isNaN(model.toFloat(wide, a!))
            ? wide !== 0
              ? 0x7ff8000000000000n
              : 0x7fc00000n
            : model.unsigned(wide, a!),
      });
    }
  expect(run(cases)).toEqual([]);
});

onEach('compareFloat', ({ run }) => {
  const cases: Case[] = [];
  for (let cond = Cond.FEq; cond <= Cond.FGe; cond++)
    for (const wide of WIDTHS) {
      const rows = model.floatRows[wide]!;
      const inputs = [
        [33, float(wide)],
        [44, float(wide)],
      ] as const;
      const truth = ([a, b]: readonly bigint[]) => (model.holds(cond, wide, a!, b!) ? 1n : 0n);
      for (const dst of [0, 6, 12])
        cases.push({
          name: `setCondition ${cond} wide ${wide} -> ${dst}`,
          inputs,
          emit: (masm) => {
            masm.compareFloat(cond, wide, 33, 44);
            masm.setCondition(cond, dst);
          },
          result: dst,
          width: Width.Int32,
          rows,
          expect: truth,
        });
      for (const backward of [false, true])
        for (const unless of [false, true])
          cases.push({
            name: `branch${unless ? 'Unless' : ''} ${cond} wide ${wide} ${backward ? 'back' : 'forth'}`,
            inputs,
            emit: (masm) => {
              const taken = masm.newLabel();
              const start = masm.newLabel();
              const end = masm.newLabel();
              masm.jump(start);
              if (backward) {
                masm.bind(taken);
                masm.constant(0, 0, 1, 0);
                masm.jump(end);
              }
              masm.bind(start);
              masm.compareFloat(cond, wide, 33, 44);
              if (unless) masm.branchUnless(cond, taken);
              else masm.branch(cond, taken);
              masm.constant(0, 0, 0, 0);
              masm.jump(end);
              if (!backward) {
                masm.bind(taken);
                masm.constant(0, 0, 1, 0);
              }
              masm.bind(end);
            },
            result: 0,
            width: Width.Int32,
            rows,
            expect: (row) => (unless ? 1n - truth(row) : truth(row)),
          });
      for (const [dst, a, b] of [
        [0, 3, 8],
        [3, 3, 8],
        [8, 3, 8],
        [35, 36, 45],
        [36, 36, 45],
        [45, 36, 45],
        [33, 33, 45],
      ] as const) {
        const isFloat = dst >= 32;
        cases.push({
          name: `select ${cond} wide ${wide} ${dst} <- ${a} : ${b}`,
          inputs,
          emit: (masm) => {
            const put = (reg: number, value: number) =>
              isFloat ? masm.floatConstant(reg, 1, value, 0) : masm.constant(reg, 0, value, 0);
            if (a !== 33) put(a, 100);
            put(b, 200);
            masm.compareFloat(cond, wide, 33, 44);
            masm.select(cond, isFloat ? 1 : wide, dst, a, b);
          },
          result: dst,
          width: isFloat ? Width.F64 : Width.Int32,
          rows,
          expect: (row) => (truth(row) === 0n ? 200n : a === 33 ? row[0]! : 100n),
          clobbers: [a, b],
        });
      }
    }
  expect(run(cases)).toEqual([]);
});

onEach('convert', ({ run }) => {
  const cases: Case[] = [];
  for (let op = Conversion.F32FromI32S; op <= Conversion.F64FromI64Bits; op++) {
    const fromInt = op < Conversion.F32Demote || op >= Conversion.F32FromI32Bits;
    const toInt = op === Conversion.I32FromF32Bits || op === Conversion.I64FromF64Bits;
    const wideFrom = fromInt
      ? op === Conversion.F64FromI64Bits || (op < Conversion.F32Demote && (op & 2) !== 0)
      : op === Conversion.F32Demote || op === Conversion.I64FromF64Bits;
    const wideTo =
      (op >= Conversion.F64FromI32S && op <= Conversion.F64FromI64U) ||
      op === Conversion.F64Promote ||
      op === Conversion.I64FromF64Bits ||
      op === Conversion.F64FromI64Bits;
    for (const high of [0, 8]) {
      const src = fromInt ? 3 + high : 36 + high;
      for (const dst of toInt ? [0, 13] : fromInt ? [32, 47] : [src, 32, 46])
        cases.push({
          name: `convert ${op} ${dst} <- ${src}`,
          inputs: [[src, (fromInt ? 0 : 2) + (wideFrom ? 1 : 0)]],
          emit: (masm) => masm.convert(op, dst, src),
          result: dst,
          width: (toInt ? 0 : 2) + (wideTo ? 1 : 0),
          rows: (fromInt ? model.intRows : model.floatRows[wideFrom ? 1 : 0]!).map(([a, b]) => [b!, a!]),
          expect: ([a]) => model.convert(op, a!),
        });
    }
  }
  expect(run(cases)).toEqual([]);
});

onEach('truncate', ({ run }) => {
  const cases: Case[] = [];
  for (let op = Truncation.I32FromF32S; op <= Truncation.I64FromF64U; op++) {
    const double = op >> 2;
    const wide = (op >> 1) & 1;
    for (const [dst, src] of [
      [0, 32],
      [6, 47],
      [13, 37],
    ] as const) {
      const common = {
        inputs: [[src, float(double)]] as const,
        result: dst,
        width: wide as Width,
        rows: model.floatRows[double]!.map(([a, b]) => [b!, a!]),
      };
      cases.push({
        ...common,
        name: `truncate ${op} ${dst} <- ${src}`,
        emit: (masm) => {
          const [invalid, overflow, end] = [masm.newLabel(), masm.newLabel(), masm.newLabel()];
          masm.truncate(op, dst, src, invalid, overflow);
          masm.jump(end);
          masm.bind(invalid);
          masm.constant(dst, 0, Number(model.TRAP_INVALID), 0);
          masm.jump(end);
          masm.bind(overflow);
          masm.constant(dst, 0, Number(model.TRAP_OVERFLOW), 0);
          masm.bind(end);
        },
        expect: ([a]) => model.truncate(op, a!, false),
      });
      cases.push({
        ...common,
        name: `truncateSaturating ${op} ${dst} <- ${src}`,
        emit: (masm) => masm.truncateSaturating(op, dst, src),
        expect: ([a]) => model.truncate(op, a!, true),
      });
    }
  }
  expect(run(cases)).toEqual([]);
});
