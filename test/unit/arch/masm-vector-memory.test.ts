/** Vectors in guest memory, slots, fields and globals, run natively or emulated. */

import { expect } from 'vitest';
import { type MacroAssembler, NO_REG, Width } from '../../../src/arch/masm/masm.js';
import { Lanes, VectorLoad } from '../../../src/arch/masm/masm-vector.js';
import { type Case, IMAGE, onEach, REGION } from './native-cases.js';
import { singleRows, vectorRows } from './vector-inputs.js';
import { join, LANE_BITS, split } from './vector-lanes.js';

const PLACE = REGION + 72; // no multiple of 16
const SINGLE = singleRows[Lanes.I8x16]!.slice(-12);
const PAIRS = vectorRows[Lanes.I8x16]!.slice(-12);

/** Base, index or none, constant offset; the index holds what makes the sum hit PLACE. */
const ADDRESSES = [
  { base: 15, index: NO_REG, offset: 0 },
  { base: 5, index: NO_REG, offset: 8 },
  { base: 15, index: 7, offset: 0 },
  { base: 12, index: 13, offset: 48 },
  { base: 15, index: NO_REG, offset: 5000 },
  { base: 13, index: 6, offset: 70001 },
  { base: 15, index: 9, offset: 0x80000000 },
  { base: 15, index: NO_REG, offset: 0xffffffff },
  { base: 8, index: 10, offset: 0xfffffff0 },
] as const;
type Address = (typeof ADDRESSES)[number];

const INDEX_VALUE = 0xfffffff0n;
function place(masm: MacroAssembler, { base, index, offset }: Address): void {
  const address = BigInt(IMAGE + PLACE) - BigInt(offset) - (index === NO_REG ? 0n : INDEX_VALUE);
  masm.constant(base, 1, Number(BigInt.asIntN(32, address)), Number(address >> 32n));
  if (index !== NO_REG) masm.constant(index, 0, Number(BigInt.asIntN(32, INDEX_VALUE)), 0);
}

const text = ({ base, index, offset }: Address) => `[${base} + ${index} + ${offset}]`;

/** By VectorLoad: what 16 bytes of memory become. */
function loaded(op: VectorLoad, memory: bigint): bigint {
  if (op === VectorLoad.V128) return memory;
  if (op >= VectorLoad.Zero32) return BigInt.asUintN(op === VectorLoad.Zero32 ? 32 : 64, memory);
  if (op >= VectorLoad.Splat8) {
    const bits = 8 << (op - VectorLoad.Splat8);
    return join(Array<bigint>(128 / bits).fill(BigInt.asUintN(bits, memory)), bits);
  }
  const bits = 8 << ((op - VectorLoad.S8x8) >> 1);
  const isSigned = ((op - VectorLoad.S8x8) & 1) === 0;
  return join(
    split(memory, bits)
      .slice(0, 64 / bits)
      .map((lane) => BigInt.asUintN(2 * bits, isSigned ? BigInt.asIntN(bits, lane) : lane)),
    2 * bits,
  );
}

onEach('vectorLoad, vectorStore', ({ run }) => {
  const cases: Case[] = [];
  for (const a of ADDRESSES)
    for (const reg of [33, 44]) {
      const common = {
        inputs: [[reg, Width.V128]] as const,
        result: reg,
        width: Width.V128,
        rows: SINGLE,
        clobbers: [a.base, a.index],
      };
      for (let op = VectorLoad.V128; op <= VectorLoad.Zero64; op++)
        cases.push({
          ...common,
          name: `vectorLoad ${op} ${reg} <- ${text(a)}`,
          emit: (masm) => {
            place(masm, a);
            masm.storeGlobal(Width.V128, reg, PLACE);
            masm.vectorConstant(reg, -1, -1, -1, -1);
            masm.vectorLoad(op, reg, a.base, a.index, a.offset);
          },
          expect: ([memory]) => loaded(op, memory!),
        });
      cases.push({
        ...common,
        name: `vectorStore ${reg} -> ${text(a)}`,
        emit: (masm) => {
          place(masm, a);
          masm.vectorStore(reg, a.base, a.index, a.offset);
          masm.vectorConstant(reg, 0, 0, 0, 0);
          masm.loadGlobal(Width.V128, reg, PLACE);
        },
        expect: ([value]) => value!,
      });
    }
  expect(run(cases)).toEqual([]);
});

onEach('loadLane, storeLane', ({ run }) => {
  const cases: Case[] = [];
  for (const lanes of [Lanes.I8x16, Lanes.I16x8, Lanes.I32x4, Lanes.I64x2] as const) {
    const bits = LANE_BITS[lanes];
    const withLane = (vector: bigint, lane: number, value: bigint) =>
      join(split(vector, bits).with(lane, BigInt.asUintN(bits, value)), bits);
    for (let lane = 0; lane < 128 / bits; lane++)
      for (const [i, a] of ADDRESSES.entries()) {
        if (lane !== 1 && i % 4 !== lane % 4) continue;
        for (const [dst, vector, memory] of [
          [33, 34, 35],
          [44, 44, 32],
          [35, 46, 35],
          [37, 37, 37],
        ] as const)
          cases.push({
            name: `loadLane ${bits} ${lane} ${dst} <- ${vector}, ${text(a)}`,
            inputs:
              vector === memory ? [[vector, Width.V128]] : [vector, memory].map((reg) => [reg, Width.V128] as const),
            emit: (masm) => {
              place(masm, a);
              masm.storeGlobal(Width.V128, memory, PLACE);
              masm.loadLane(lanes, dst, vector, lane, a.base, a.index, a.offset);
            },
            result: dst,
            width: Width.V128,
            rows: PAIRS,
            clobbers: [a.base, a.index],
            expect: ([v, m]) => withLane(v!, lane, vector === memory ? v! : m!),
          });
        for (const src of [33, 44])
          cases.push({
            name: `storeLane ${bits} ${lane} ${src} -> ${text(a)}`,
            inputs: [
              [src, Width.V128],
              [36, Width.V128],
            ],
            emit: (masm) => {
              place(masm, a);
              masm.storeGlobal(Width.V128, 36, PLACE);
              masm.storeLane(lanes, src, lane, a.base, a.index, a.offset);
              masm.loadGlobal(Width.V128, 36, PLACE);
            },
            result: 36,
            width: Width.V128,
            rows: PAIRS,
            clobbers: [a.base, a.index],
            expect: ([v, old]) => withLane(old!, 0, split(v!, bits)[lane]!),
          });
      }
  }
  expect(run(cases)).toEqual([]);
});

onEach('slots, fields, globals of 128 bits', ({ run }) => {
  const cases: Case[] = [];
  for (const reg of [32, 47]) {
    const through = (name: string, store: (masm: MacroAssembler) => void, load: (masm: MacroAssembler) => void) =>
      cases.push({
        name: `${name} register ${reg}`,
        inputs: [[reg, Width.V128]],
        emit: (masm) => {
          store(masm);
          masm.vectorConstant(reg, -1, -1, -1, -1);
          load(masm);
        },
        result: reg,
        width: Width.V128,
        rows: SINGLE,
        clobbers: [13],
        expect: ([value]) => value!,
      });
    for (const slot of [-16, -24, -256, -264, -4096, -4104, -70000])
      through(
        `slot ${slot}`,
        (masm) => masm.storeSlot(Width.V128, reg, slot),
        (masm) => masm.loadSlot(Width.V128, reg, slot),
      );
    for (const offset of [0, 8, -8, 248, 264, 1008, 0x7000, 0x7008, 0x12340, 0x1234008, -0x12340])
      through(
        `field ${offset}`,
        (masm) => {
          const start = IMAGE + PLACE - offset;
          masm.constant(13, 1, start, start >> 31);
          masm.storeField(Width.V128, reg, 13, offset);
        },
        (masm) => masm.loadField(Width.V128, reg, 13, offset),
      );
    for (const at of [PLACE, REGION + 128])
      through(
        `global ${at}`,
        (masm) => masm.storeGlobal(Width.V128, reg, at),
        (masm) => masm.loadGlobal(Width.V128, reg, at),
      );
  }
  expect(run(cases)).toEqual([]);
});
