/** Integer operations of the macro-assemblers, run natively or emulated with every aliasing of their registers. */

import { expect } from 'vitest';
import { Cond, DivOp, IntOp, IntUnary, NO_REG, ShiftOp, Width } from '../../../src/arch/masm/masm.js';
import * as model from './model.js';
import { type Case, onEach } from './native-cases.js';

const WIDTHS = [0, 1] as const;

/** dst, lhs, rhs: all different, each pair the same, all the same; low and high registers, rbp and r13 as bases. */
const TRIPLES = [
  [0, 2, 6],
  [8, 13, 5],
  [5, 5, 12],
  [11, 11, 3],
  [7, 9, 7],
  [12, 12, 12],
  [0, 0, 0],
  [13, 5, 13],
] as const;
const PAIRS = [
  [0, 2],
  [6, 13],
  [9, 5],
  [7, 7],
  [12, 12],
] as const;

const IMMEDIATES = [
  0,
  1,
  -1,
  2,
  3,
  5,
  7,
  8,
  9,
  127,
  128,
  129,
  -128,
  -129,
  255,
  256,
  65535,
  65536,
  1 << 30,
  0x7fffffff,
  -0x7fffffff,
  -0x80000000,
];

onEach('binary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = IntOp.Add; op <= IntOp.Xor; op++)
    for (const wide of WIDTHS)
      for (const [dst, lhs, rhs] of TRIPLES) {
        cases.push({
          name: `binary ${op} wide ${wide} ${dst} <- ${lhs}, ${rhs}`,
          inputs:
            lhs === rhs
              ? [[lhs, wide]]
              : [
                  [lhs, wide],
                  [rhs, wide],
                ],
          emit: (masm) => masm.binary(op, wide, dst, lhs, rhs),
          result: dst,
          width: wide,
          rows: model.intRows,
          expect: ([a, b]) => model.binary(op, wide, a!, lhs === rhs ? a! : b!),
        });
        cases.push({
          name: `binarySlot ${op} wide ${wide} ${dst} <- ${lhs}`,
          inputs: [
            [rhs, wide],
            [lhs, wide],
          ],
          emit: (masm) => {
            masm.storeSlot(wide, rhs, -64);
            masm.binarySlot(op, wide, dst, lhs, -64);
          },
          result: dst,
          width: wide,
          rows: model.intRows,
          expect: ([b, a]) => model.binary(op, wide, a!, lhs === rhs ? a! : b!),
          clobbers: [lhs, rhs],
        });
      }
  expect(run(cases)).toEqual([]);
});

onEach('binaryImm', ({ run }) => {
  const cases: Case[] = [];
  for (let op = IntOp.Add; op <= IntOp.Xor; op++)
    for (const wide of WIDTHS)
      for (const [dst, lhs] of PAIRS.concat([[0, 0]] as never))
        for (const imm of IMMEDIATES)
          cases.push({
            name: `binaryImm ${op} wide ${wide} ${dst} <- ${lhs}, ${imm}`,
            inputs: [[lhs, wide]],
            emit: (masm) => masm.binaryImm(op, wide, dst, lhs, imm),
            result: dst,
            width: wide,
            rows: model.intRows.slice(0, 150),
            expect: ([a]) => model.binary(op, wide, a!, BigInt(imm)),
          });
  expect(run(cases)).toEqual([]);
});

onEach('addScaled', ({ run }) => {
  const cases: Case[] = [];
  for (const wide of WIDTHS)
    for (let scale = 0; scale < 4; scale++)
      for (const [dst, lhs, rhs] of TRIPLES)
        cases.push({
          name: `addScaled wide ${wide} ${dst} <- ${lhs} + ${rhs} << ${scale}`,
          inputs:
            lhs === rhs
              ? [[lhs, wide]]
              : [
                  [lhs, wide],
                  [rhs, wide],
                ],
          emit: (masm) => masm.addScaled(wide, dst, lhs, rhs, scale),
          result: dst,
          width: wide,
          rows: model.intRows,
          expect: ([a, b]) => model.unsigned(wide, a! + ((lhs === rhs ? a! : b!) << BigInt(scale))),
        });
  expect(run(cases)).toEqual([]);
});

onEach('shifts', ({ run }) => {
  const cases: Case[] = [];
  for (let op = ShiftOp.Shl; op <= ShiftOp.Rotr; op++)
    for (const wide of WIDTHS) {
      for (const [dst, lhs, rhs] of TRIPLES)
        cases.push({
          name: `shift ${op} wide ${wide} ${dst} <- ${lhs}, ${rhs}`,
          inputs:
            lhs === rhs
              ? [[lhs, wide]]
              : [
                  [lhs, wide],
                  [rhs, wide],
                ],
          emit: (masm) => masm.shift(op, wide, dst, lhs, rhs),
          result: dst,
          width: wide,
          rows: model.intRows,
          expect: ([a, b]) => model.shift(op, wide, a!, model.unsigned(wide, lhs === rhs ? a! : b!)),
        });
      for (const [dst, lhs] of PAIRS)
        for (const imm of [0, 1, 2, 3, 8, 31].concat(wide !== 0 ? [32, 33, 63] : []))
          cases.push({
            name: `shiftImm ${op} wide ${wide} ${dst} <- ${lhs}, ${imm}`,
            inputs: [[lhs, wide]],
            emit: (masm) => masm.shiftImm(op, wide, dst, lhs, imm),
            result: dst,
            width: wide,
            rows: model.intRows.slice(0, 150),
            expect: ([a]) => model.shift(op, wide, a!, BigInt(imm)),
          });
    }
  expect(run(cases)).toEqual([]);
});

onEach('unary', ({ run }) => {
  const cases: Case[] = [];
  for (let op = IntUnary.Clz; op <= IntUnary.WrapOrZeroExtend; op++)
    for (const wide of WIDTHS)
      for (const [dst, src] of PAIRS) {
        if (op >= IntUnary.Extend32S && wide === 0) continue;
        cases.push({
          name: `unary ${op} wide ${wide} ${dst} <- ${src}`,
          inputs: [[src, wide]],
          emit: (masm) => masm.unary(op, wide, dst, src),
          result: dst,
          width: op === IntUnary.WrapOrZeroExtend ? Width.Int32 : wide,
          rows: model.intRows.map(([a, b]) => [b!, a!]),
          expect: ([a]) => model.unary(op, wide, a!),
        });
      }
  expect(run(cases)).toEqual([]);
});

onEach('divide', ({ run }) => {
  const cases: Case[] = [];
  for (let op = DivOp.DivS; op <= DivOp.RemU; op++)
    for (const wide of WIDTHS)
      for (const rhs of [3, 6, 7, 8, 11, 13])
        cases.push({
          name: `divide ${op} wide ${wide} by ${rhs}`,
          inputs: [
            [0, wide],
            [rhs, wide],
          ],
          emit: (masm) => masm.divide(op, wide, 0, 0, rhs),
          result: 0,
          width: wide,
          rows: op === DivOp.DivS ? model.divisionRows[wide]! : model.remainderRows[wide]!,
          expect: ([a, b]) => model.divide(op, wide, a!, b!),
          clobbers: [2],
        });
  expect(run(cases)).toEqual([]);
});

/** lo, hi, rhsLo, rhsHi; the last two may be the same. */
const QUADRUPLES = [
  [0, 2, 6, 7],
  [13, 5, 8, 12],
  [7, 11, 0, 0],
  [6, 0, 13, NO_REG],
] as const;

onEach('binary128', ({ run }) => {
  const cases: Case[] = [];
  for (const op of [IntOp.Add, IntOp.Sub] as const)
    for (const [lo, hi, rhsLo, rhsHi] of QUADRUPLES)
      for (const half of [0, 1]) {
        const isTwice = rhsHi === rhsLo;
        const used = rhsHi === NO_REG || isTwice ? [lo, hi, rhsLo] : [lo, hi, rhsLo, rhsHi];
        cases.push({
          name: `binary128 ${op} (${lo}, ${hi}) with (${rhsLo}, ${rhsHi}), half ${half}`,
          inputs: used.map((reg) => [reg, Width.Int64] as const),
          emit: (masm) => masm.binary128(op, lo, hi, rhsLo, rhsHi),
          result: half === 0 ? lo : hi,
          width: Width.Int64,
          rows: model.rows128,
          expect: ([a, b, c, d]) => {
            const high = rhsHi === NO_REG ? 0n : isTwice ? c! : d!;
            return BigInt.asUintN(64, model.binary128(op, [a!, b!, c!, high]) >> BigInt(64 * half));
          },
          clobbers: [lo, hi],
        });
      }
  expect(run(cases)).toEqual([]);
});

onEach('multiplyWide', ({ run, target }) => {
  // lo and lhs, hi, rhs; anywhere on a CPU without registers of its own for it
  const places =
    target.plan.dividend === NO_REG
      ? [
          [0, 2, 3],
          [13, 5, 13],
          [8, 12, 0],
        ]
      : [
          [0, 2, 3],
          [0, 2, 2],
          [0, 2, 13],
          [0, 2, 0],
        ];
  const cases: Case[] = [];
  for (const isSigned of [false, true])
    for (const [lo, hi, rhs] of places as [number, number, number][])
      for (const half of [0, 1])
        cases.push({
          name: `multiplyWide ${isSigned} (${lo}, ${hi}) by ${rhs}, half ${half}`,
          inputs:
            lo === rhs
              ? [[lo, Width.Int64]]
              : [
                  [lo, Width.Int64],
                  [rhs, Width.Int64],
                ],
          emit: (masm) => masm.multiplyWide(isSigned, lo, hi, lo, rhs),
          result: half === 0 ? lo : hi,
          width: Width.Int64,
          rows: model.intRows,
          expect: ([a, b]) => {
            const product = model.multiplyWide(isSigned, a!, lo === rhs ? a! : b!);
            return BigInt.asUintN(64, product >> BigInt(64 * half));
          },
          clobbers: [lo, hi],
        });
  expect(run(cases)).toEqual([]);
});

onEach('comparisons, conditions, branches, selection', ({ run }) => {
  const cases: Case[] = [];
  for (let cond = Cond.Eq; cond <= Cond.GeU; cond++)
    for (const wide of WIDTHS) {
      const common = {
        inputs: [
          [6, wide],
          [9, wide],
        ] as const,
        width: Width.Int32,
        rows: model.intRows,
      };
      const truth = ([a, b]: readonly bigint[]) => (model.holds(cond, wide, a!, b!) ? 1n : 0n);
      for (const dst of [0, 5, 6, 9, 12])
        cases.push({
          ...common,
          name: `setCondition ${cond} wide ${wide} -> ${dst}`,
          emit: (masm) => {
            masm.compare(wide, 6, 9);
            masm.setCondition(cond, dst);
          },
          result: dst,
          expect: truth,
        });
      cases.push({
        ...common,
        name: `compareSlot ${cond} wide ${wide}`,
        emit: (masm) => {
          masm.storeSlot(wide, 9, -800);
          masm.compareSlot(wide, 6, -800);
          masm.setCondition(cond, 0);
        },
        result: 0,
        expect: truth,
      });
      for (const unless of [false, true])
        cases.push({
          ...common,
          name: `branch${unless ? 'Unless' : ''} ${cond} wide ${wide}`,
          emit: (masm) => {
            const taken = masm.newLabel();
            masm.constant(0, 0, 1, 0);
            masm.compare(wide, 6, 9);
            if (unless) masm.branchUnless(cond, taken);
            else masm.branch(cond, taken);
            masm.constant(0, 0, 0, 0);
            masm.bind(taken);
          },
          result: 0,
          expect: (row) => (unless ? 1n - truth(row) : truth(row)),
        });
      for (const [dst, a, b] of [
        [0, 3, 8],
        [3, 3, 8],
        [8, 3, 8],
        [0, 3, 3],
      ] as const)
        cases.push({
          ...common,
          name: `select ${cond} wide ${wide} ${dst} <- ${a} : ${b}`,
          emit: (masm) => {
            masm.constant(a, 0, 100, 0);
            if (a !== b) masm.constant(b, 0, 200, 0);
            masm.compare(wide, 6, 9);
            masm.select(cond, wide, dst, a, b);
          },
          result: dst,
          expect: (row) => (truth(row) === 1n || a === b ? 100n : 200n),
          clobbers: [a, b],
        });
      for (const imm of [0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x80000000])
        for (const lhs of [0, 7, 13])
          cases.push({
            name: `compareImm ${cond} wide ${wide} ${lhs}, ${imm}`,
            inputs: [[lhs, wide]],
            emit: (masm) => {
              masm.compareImm(wide, lhs, imm);
              masm.setCondition(cond, 3);
            },
            result: 3,
            width: Width.Int32,
            rows: model.intRows.slice(0, 100),
            expect: ([a]) => (model.holds(cond, wide, a!, BigInt(imm)) ? 1n : 0n),
          });
    }
  for (const wide of WIDTHS)
    for (const cond of [Cond.Eq, Cond.Ne])
      cases.push({
        name: `testZero ${cond} wide ${wide}`,
        inputs: [[12, wide]],
        emit: (masm) => {
          masm.testZero(wide, 12);
          masm.setCondition(cond, 12);
        },
        result: 12,
        width: Width.Int32,
        rows: model.intRows.map(([a, b]) => [b!, a!]),
        expect: ([a]) => (model.holds(cond, wide, a!, 0n) ? 1n : 0n),
      });
  expect(run(cases)).toEqual([]);
});
