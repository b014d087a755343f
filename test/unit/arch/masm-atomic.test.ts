/** Atomic accesses of the macro-assemblers, run natively or emulated: what they read, write and overwrite. */

import { expect } from 'vitest';
import { IntOp, type MacroAssembler, NO_REG, Width } from '../../../src/arch/masm/masm.js';
import { AtomicOp, AtomicWidth } from '../../../src/arch/masm/masm-atomic.js';
import * as model from './model.js';
import { type Case, IMAGE, onEach, REGION } from './native-cases.js';

const ROWS = model.intRows.slice(0, 60);
const BITS = [8, 16, 32, 64];
const WIDTHS = [AtomicWidth.W8, AtomicWidth.W16, AtomicWidth.W32, AtomicWidth.W64];
const INDEX_VALUE = 0xfffffff0n;

/** Registers of an access that none of the methods may overwrite, and its offset. */
const ADDRESSES = [
  { base: 15, index: NO_REG, offset: 0 },
  { base: 15, index: 7, offset: 0 },
  { base: 13, index: 12, offset: 8 },
  { base: 12, index: 5, offset: 4096 },
  { base: 15, index: 9, offset: 0x7ffffff8 },
  { base: 5, index: NO_REG, offset: 0x12340 },
];
type Address = (typeof ADDRESSES)[number];

/** Makes base + index + offset the region's word. */
function place(masm: MacroAssembler, { base, index, offset }: Address): void {
  const address = BigInt(IMAGE + REGION + 64) - BigInt(offset) - (index === NO_REG ? 0n : INDEX_VALUE);
  masm.constant(base, 1, Number(BigInt.asIntN(32, address)), Number(address >> 32n));
  if (index !== NO_REG) masm.constant(index, 0, Number(BigInt.asIntN(32, INDEX_VALUE)), 0);
}

const low = (width: AtomicWidth, value: bigint) => BigInt.asUintN(BITS[width]!, value);
/** The region's word when an access has stored the low part of `value`. */
const merged = (width: AtomicWidth, old: bigint, value: bigint) => old - low(width, old) + low(width, value);

/** Two cases: what the access gives in `dst`, and what is in memory after it. `old` comes in register 2. */
function both(
  name: string,
  a: Address,
  inputs: Case['inputs'],
  dst: number,
  temps: readonly number[],
  emit: (masm: MacroAssembler) => void,
  result: ((row: readonly bigint[]) => bigint) | undefined,
  memory: (row: readonly bigint[]) => bigint,
): Case[] {
  const common = { inputs, width: Width.Int64, rows: ROWS };
  const start = (masm: MacroAssembler) => {
    place(masm, a);
    masm.storeGlobal(Width.Int64, 2, REGION + 64);
    emit(masm);
  };
  const clobbers = [a.base, a.index, ...temps];
  const after: Case = {
    ...common,
    name: `${name}: memory`,
    emit: (masm) => {
      start(masm);
      masm.loadGlobal(Width.Int64, 3, REGION + 64);
    },
    result: 3,
    expect: memory,
    clobbers: [...clobbers, dst],
  };
  return result === undefined
    ? [after]
    : [after, { ...common, name, emit: start, result: dst, expect: result, clobbers }];
}

const OLD = [2, Width.Int64] as const;
const VALUE = [6, Width.Int64] as const;

onEach('atomic loads and stores', ({ run }) => {
  const cases: Case[] = [];
  for (const a of ADDRESSES)
    for (const width of WIDTHS) {
      const where = `${BITS[width]} [${a.base} + ${a.index} + ${a.offset}]`;
      for (const dst of [0, 11])
        cases.push(
          ...both(
            `load ${dst} <- ${where}`,
            a,
            [OLD],
            dst,
            [],
            (masm) => masm.atomicLoad(width, dst, a.base, a.index, a.offset),
            ([old]) => low(width, old!),
            ([old]) => old!,
          ),
        );
      cases.push(
        ...both(
          `store ${where}`,
          a,
          [OLD, VALUE],
          6,
          [],
          (masm) => masm.atomicStore(width, 6, a.base, a.index, a.offset),
          ([, value]) => value!,
          ([old, value]) => merged(width, old!, value!),
        ),
      );
    }
  expect(run(cases)).toEqual([]);
});

const MODELS: Record<AtomicOp, (old: bigint, value: bigint) => bigint> = {
  [AtomicOp.Add]: (old, value) => old + value,
  [AtomicOp.Sub]: (old, value) => old - value,
  [AtomicOp.And]: (old, value) => old & value,
  [AtomicOp.Or]: (old, value) => old | value,
  [AtomicOp.Xor]: (old, value) => old ^ value,
  [AtomicOp.Exchange]: (_, value) => value,
};

onEach('atomic read-modify-write', ({ run }) => {
  const cases: Case[] = [];
  for (let op = AtomicOp.Add; op <= AtomicOp.Exchange; op++)
    for (const a of ADDRESSES)
      for (const width of WIDTHS)
        cases.push(
          ...both(
            `rmw ${op}, ${BITS[width]} [${a.base} + ${a.index} + ${a.offset}]`,
            a,
            [OLD, VALUE],
            0,
            [11],
            (masm) => masm.atomicRmw(op, width, 0, 6, a.base, a.index, a.offset, 11),
            ([old]) => low(width, old!),
            ([old, value]) => merged(width, old!, MODELS[op](low(width, old!), value!)),
          ),
        );
  expect(run(cases)).toEqual([]);
});

onEach('atomic compare and exchange', ({ run }) => {
  const cases: Case[] = [];
  for (const equal of [false, true])
    for (const a of ADDRESSES)
      for (const width of WIDTHS) {
        // What is expected is there in its low part, or differs in its lowest bit.
        const expected = (masm: MacroAssembler) => {
          masm.move(8, 2);
          if (!equal) masm.binaryImm(IntOp.Xor, 1, 8, 8, 1);
        };
        cases.push(
          ...both(
            `compareExchange ${equal}, ${BITS[width]} [${a.base} + ${a.index} + ${a.offset}]`,
            a,
            [OLD, VALUE],
            0,
            [8],
            (masm) => {
              expected(masm);
              if (BITS[width]! <= 16) masm.binaryImm(IntOp.Xor, 1, 8, 8, 0x7f0000); // beyond the width
              masm.compareExchange(width, 0, 8, 6, a.base, a.index, a.offset);
            },
            ([old]) => low(width, old!),
            ([old, value]) => (equal ? merged(width, old!, value!) : old!),
          ),
        );
      }
  expect(run(cases)).toEqual([]);
});

onEach('fence', ({ run }) => {
  const fence: Case = {
    name: 'fence',
    inputs: [[2, Width.Int64]],
    emit: (masm) => masm.fence(),
    result: 2,
    width: Width.Int64,
    rows: ROWS,
    expect: ([value]) => value!,
  };
  expect(run([fence])).toEqual([]);
});
