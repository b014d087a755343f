/** Moves, constants, slots, fields and guest memory accesses of the macro-assemblers, run natively or emulated. */

import { expect } from 'vitest';
import { LoadOp, NO_REG, StoreOp, Width } from '../../../src/arch/masm/masm.js';
import { TAB_BASE, TAB_LENGTH } from '../../../src/image/contract/instance.js';
import * as model from './model.js';
import { type Case, IMAGE, onEach, REGION } from './native-cases.js';

const ROWS = model.intRows.slice(0, 60);
const SINGLE = model.intRows.map(([a, b]) => [b!, a!]).slice(0, 60);

const LOAD_BITS = [32, 64, 32, 64, 8, 8, 16, 16, 8, 8, 16, 16, 32, 32];
const LOAD_SIGNED = [0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0];
const STORE_BITS = [8, 16, 32, 64, 32, 64];

/** Registers of an access: base, index or none, constant offset; the index holds what makes the sum hit the region. */
const ADDRESSES = [
  { base: 15, index: NO_REG, offset: 0 },
  { base: 15, index: NO_REG, offset: 8 },
  { base: 15, index: 7, offset: 0 },
  { base: 15, index: 12, offset: 127 },
  { base: 15, index: 13, offset: 128 },
  { base: 5, index: 8, offset: 0 },
  { base: 13, index: NO_REG, offset: 0 },
  { base: 12, index: NO_REG, offset: 16 },
  { base: 15, index: 5, offset: 0x7fffffff },
  { base: 15, index: 9, offset: 0x80000000 },
  { base: 15, index: NO_REG, offset: 0xffffffff },
  { base: 15, index: 10, offset: 0xfffffff0 },
];

/** base such that base + index + offset is in the region; the index is a 32-bit value. */
const INDEX_VALUE = 0xfffffff0n;
function place(masm: Parameters<Case['emit']>[0], { base, index, offset }: (typeof ADDRESSES)[number]): void {
  const address = BigInt(IMAGE + REGION + 64) - BigInt(offset) - (index === NO_REG ? 0n : INDEX_VALUE);
  masm.constant(base, 1, Number(BigInt.asIntN(32, address)), Number(address >> 32n));
  if (index !== NO_REG) masm.constant(index, 0, Number(BigInt.asIntN(32, INDEX_VALUE)), 0);
}

const clobbers = (a: (typeof ADDRESSES)[number]) => [a.base, a.index];

onEach('loads', ({ run }) => {
  const cases: Case[] = [];
  for (let op = LoadOp.I32; op <= LoadOp.I64_32U; op++)
    for (const a of ADDRESSES)
      for (const dst of op === LoadOp.F32 || op === LoadOp.F64 ? [33, 44] : [2, 6, a.index === NO_REG ? 11 : a.index]) {
        const wide = op === LoadOp.I64 || op === LoadOp.F64 || op >= LoadOp.I64_8S ? 1 : 0;
        cases.push({
          name: `load ${op} ${dst} <- [${a.base} + ${a.index} + ${a.offset}]`,
          inputs: [[3, Width.Int64]],
          emit: (masm) => {
            place(masm, a);
            masm.storeGlobal(Width.Int64, 3, REGION + 64);
            masm.load(op, dst, a.base, a.index, a.offset);
          },
          result: dst,
          width: dst >= 32 ? (wide !== 0 ? Width.F64 : Width.F32) : (wide as Width),
          rows: SINGLE,
          expect: ([value]) =>
            LOAD_SIGNED[op] === 1
              ? model.unsigned(wide, BigInt.asIntN(LOAD_BITS[op]!, value!))
              : BigInt.asUintN(LOAD_BITS[op]!, value!),
          clobbers: clobbers(a),
        });
      }
  expect(run(cases)).toEqual([]);
});

onEach('stores', ({ run }) => {
  const cases: Case[] = [];
  const merged = (bits: number, old: bigint, value: bigint) =>
    ((BigInt.asUintN(64, old) >> BigInt(bits)) << BigInt(bits)) | BigInt.asUintN(bits, value);
  for (let op = StoreOp.Int8; op <= StoreOp.F64; op++)
    for (const a of ADDRESSES) {
      const bits = STORE_BITS[op]!;
      const isFloat = op >= StoreOp.F32;
      const common = { result: 2, width: Width.Int64, rows: ROWS, clobbers: clobbers(a) };
      for (const src of isFloat ? [33, 44] : [0, 3, 6, 11])
        cases.push({
          ...common,
          name: `store ${op} ${src} -> [${a.base} + ${a.index} + ${a.offset}]`,
          inputs: [
            [2, Width.Int64],
            [src, isFloat ? Width.F64 : Width.Int64],
          ],
          emit: (masm) => {
            place(masm, a);
            masm.storeGlobal(Width.Int64, 2, REGION + 64);
            masm.store(op, src, a.base, a.index, a.offset);
            masm.loadGlobal(Width.Int64, 2, REGION + 64);
          },
          expect: ([old, value]) => merged(bits, old!, value!),
        });
      if (isFloat) continue;
      for (const imm of [0, 1, -1, 127, 128, 0x12345678, -0x80000000])
        cases.push({
          ...common,
          name: `storeImm ${op} ${imm} -> [${a.base} + ${a.index} + ${a.offset}]`,
          inputs: [[2, Width.Int64]],
          emit: (masm) => {
            place(masm, a);
            masm.storeGlobal(Width.Int64, 2, REGION + 64);
            masm.storeImm(op, imm, a.base, a.index, a.offset);
            masm.loadGlobal(Width.Int64, 2, REGION + 64);
          },
          expect: ([old]) => merged(bits, old!, BigInt(imm)),
        });
    }
  expect(run(cases)).toEqual([]);
});

onEach('constants, moves, exchange', ({ run }) => {
  const cases: Case[] = [];
  for (const [value] of model.intRows.filter((_, i) => i % 28 === 0).concat(SINGLE)) {
    const lo = Number(BigInt.asIntN(32, value!));
    const hi = Number(BigInt.asIntN(64, value!) >> 32n);
    for (const wide of [0, 1] as const)
      for (const dst of [0, 6, 13, 32, 44])
        cases.push({
          name: `constant wide ${wide} ${dst} <- ${value}`,
          inputs: [],
          emit: (masm) => (dst >= 32 ? masm.floatConstant(dst, wide, lo, hi) : masm.constant(dst, wide, lo, hi)),
          result: dst,
          width: wide + (dst >= 32 ? 2 : 0),
          rows: SINGLE.slice(0, 3),
          expect: () => model.unsigned(wide, value!),
        });
    for (const wide of [0, 1] as const)
      for (const slot of [-8, -128, -136, -4096])
        cases.push({
          name: `storeSlotConstant wide ${wide} ${slot} <- ${value}`,
          inputs: [],
          emit: (masm) => {
            masm.storeSlotConstant(wide, slot, lo, hi);
            masm.loadSlot(wide, 9, slot);
          },
          result: 9,
          width: wide,
          rows: SINGLE.slice(0, 3),
          expect: () => model.unsigned(wide, value!),
        });
  }
  for (const [dst, src] of [
    [0, 2],
    [8, 5],
    [5, 13],
    [3, 3],
  ] as const) {
    const common = { width: Width.Int64, rows: ROWS, result: dst };
    cases.push({
      ...common,
      name: `move ${dst} <- ${src}`,
      inputs: [[src, Width.Int64]],
      emit: (masm) => masm.move(dst, src),
      expect: ([a]) => a!,
    });
    for (const float of [0, 32])
      for (const which of [0, 1])
        cases.push({
          ...common,
          name: `exchange ${float + dst}, ${float + src}`,
          inputs: [
            [float + dst, float === 0 ? Width.Int64 : Width.F64],
            [float + src, float === 0 ? Width.Int64 : Width.F64],
          ],
          emit: (masm) => masm.exchange(float + dst, float + src),
          result: float + (which === 0 ? dst : src),
          width: float === 0 ? Width.Int64 : Width.F64,
          expect: ([a, b]) => (which === 0 || dst === src ? b! : a!),
          clobbers: [float + dst, float + src],
        });
    cases.push({
      name: `moveFloat ${32 + dst} <- ${32 + src}`,
      inputs: [[32 + src, Width.F64]],
      emit: (masm) => masm.moveFloat(32 + dst, 32 + src, 1),
      result: 32 + dst,
      width: Width.F64,
      rows: ROWS,
      expect: ([a]) => a!,
    });
  }
  expect(run(cases)).toEqual([]);
});

onEach('slots that are read right after they are written', ({ run }) => {
  const cases: Case[] = [];
  for (let width = Width.Int32; width <= Width.F64; width++) {
    const [a, b, c] = width >= Width.F32 ? [33, 44, 35] : [0, 12, 6];
    const each = (name: string, which: 0 | 1, emit: (masm: Parameters<Case['emit']>[0], dst: number) => void) => {
      for (const dst of [a, c])
        cases.push({
          name: `${name}, width ${width}, to register ${dst}`,
          inputs: [
            [a, width],
            [b, width],
          ],
          emit: (masm) => emit(masm, dst),
          result: dst,
          width,
          rows: ROWS,
          expect: (row) => model.unsigned(width & 1, row[which]!),
          clobbers: [a],
        });
    };
    each('the same', 0, (masm, dst) => {
      masm.storeSlot(width, a, -8);
      masm.loadSlot(width, dst, -8);
    });
    each('another slot', 1, (masm, dst) => {
      masm.storeSlot(width, b, -16);
      masm.storeSlot(width, a, -8);
      masm.loadSlot(width, dst, -16);
    });
    each('a label between, the store is jumped over', 1, (masm, dst) => {
      const after = masm.newLabel();
      masm.storeSlot(width, b, -8);
      masm.jump(after);
      masm.storeSlot(width, a, -8);
      masm.bind(after);
      masm.loadSlot(width, dst, -8);
    });
  }
  cases.push({
    name: 'half of it',
    inputs: [[3, Width.Int64]],
    emit: (masm) => {
      masm.storeSlot(Width.Int64, 3, -8);
      masm.loadSlot(Width.Int32, 3, -8);
    },
    result: 3,
    width: Width.Int64,
    rows: SINGLE,
    expect: ([value]) => model.unsigned(0, value!),
  });
  expect(run(cases)).toEqual([]);
});

onEach('slots, fields, elements, globals', ({ run }) => {
  const cases: Case[] = [];
  for (let width = Width.Int32; width <= Width.F64; width++)
    for (const reg of width >= Width.F32 ? [32, 47] : [0, 6, 12]) {
      const common = { inputs: [[reg, width]] as const, result: reg, width, rows: SINGLE };
      const wide = width & 1;
      const expectValue = ([a]: readonly bigint[]) => model.unsigned(wide, a!);
      const forget = (masm: Parameters<Case['emit']>[0]) =>
        reg >= 32 ? masm.floatConstant(reg, 1, 77, 77) : masm.constant(reg, 1, 77, 77);
      for (const slot of [-8, -128, -136, -70000])
        cases.push({
          ...common,
          name: `slot ${slot} width ${width} register ${reg}`,
          emit: (masm) => {
            masm.storeSlot(width, reg, slot);
            forget(masm);
            masm.loadSlot(width, reg, slot);
          },
          expect: expectValue,
        });
      for (const base of [2, 5, 8, 13])
        for (const offset of [0, 8, -8, 256])
          cases.push({
            ...common,
            name: `field [${base} + ${offset}] width ${width} register ${reg}`,
            emit: (masm) => {
              masm.address(base, REGION + 128);
              masm.storeField(width, reg, base, offset);
              forget(masm);
              masm.loadField(width, reg, base, offset);
            },
            expect: expectValue,
            clobbers: [base],
          });
      cases.push({
        ...common,
        name: `global width ${width} register ${reg}`,
        emit: (masm) => {
          masm.storeGlobal(width, reg, REGION + 8);
          forget(masm);
          masm.loadGlobal(width, reg, REGION + 8);
        },
        expect: expectValue,
      });
    }
  // A table of 8 elements at REGION + 64, its record at REGION + 16 + what is added to the offset.
  for (const [address, table, index] of [
    [7, 2, 6],
    [6, 13, 5],
    [12, 5, 13],
    [5, 12, 8],
  ] as const)
    for (const offset of [0, 16, 128, 40000])
      for (const at of [0, 7, 8, -1, 2 ** 32, 2 ** 32 + 7])
        cases.push({
          name: `element ${at} of [${table} + ${offset}] to ${address}`,
          inputs: [[3, Width.Int64]],
          emit: (masm) => {
            const outside = masm.newLabel();
            const end = masm.newLabel();
            masm.address(table, REGION + 64);
            masm.storeGlobal(Width.Int64, table, REGION + 16 + TAB_BASE);
            masm.storeGlobalConstant(Width.Int64, REGION + 16 + TAB_LENGTH, 8);
            masm.address(table, REGION + 16 - offset);
            masm.constant(index, 1, at | 0, Math.floor(Math.abs(at) / 2 ** 32));
            masm.elementAddress(address, table, offset, index, outside);
            masm.storeField(Width.Int64, 3, address, 0);
            masm.loadGlobal(Width.Int64, index, REGION + 64 + 8 * (at & 7));
            masm.jump(end);
            masm.bind(outside);
            masm.constant(index, 0, 1234, 0);
            masm.bind(end);
          },
          result: index,
          width: Width.Int64,
          rows: SINGLE.slice(0, 20),
          expect: ([a]) => (at === 0 || at === 7 ? a! : 1234n),
          clobbers: [address, table],
        });
  for (const imm of [0, 1, 127, 128, -1, 0x12345678])
    for (const wide of [0, 1] as const)
      for (const [how, name] of ['field', 'fieldImm', 'global'].entries())
        cases.push({
          name: `compare ${name} ${imm} wide ${wide}`,
          inputs: [[3, Width.Int64]],
          emit: (masm) => {
            masm.storeGlobal(Width.Int64, 3, REGION + 24);
            masm.address(13, REGION + 16);
            masm.constant(6, wide, imm, imm >> 31);
            if (how === 0) masm.compareField(wide, 6, 13, 8);
            else if (how === 1) masm.compareFieldImm(wide, 13, 8, imm);
            else masm.compareGlobalImm(REGION + 24, imm);
            masm.setCondition(0, 0);
          },
          result: 0,
          width: Width.Int32,
          rows: SINGLE.concat([[BigInt(imm), 0n]]),
          expect: ([a]) => (model.unsigned(how === 2 ? 0 : wide, a! - BigInt(imm)) === 0n ? 1n : 0n),
          clobbers: [6, 13],
        });
  expect(run(cases)).toEqual([]);
});
