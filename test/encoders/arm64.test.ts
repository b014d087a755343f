/**
 * The arm64 encodings: swept against stored vectors always, and against llvm-mc when it is installed; the predicates of
 * immediates against the manual's decoding, over all fields there are.
 */

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { VectorEmitter } from '../../src/arch/arm64/emitter-vector.js';
import { addSubField, floatField, isUnscaled, logicalField, scaledField } from '../../src/arch/arm64/encoding.js';
import { A } from '../../src/arch/arm64/encodings.js';
import { V } from '../../src/arch/arm64/encodings-vector.js';
import { logicalValue, sweep } from './arm64-sweep.js';
import { vectorSweep } from './arm64-sweep-vector.js';
import { bytesOf, expectStored } from './stored.js';

const sweeps = [
  ['arm64', sweep()],
  ['arm64-vector', vectorSweep()],
] as const;

test.each(sweeps)('%s: encodings are the stored ones', (name, swept) => expectStored(swept, name));

const LLVM = ['llvm-mc', '-triple=aarch64', '-show-encoding'] as const;
const hasLlvm = spawnSync(LLVM[0], LLVM.slice(1), { input: 'nop\n' }).status === 0;

test.skipIf(!hasLlvm).each(sweeps)('%s: encodings are those of the assembler', (_, swept) => {
  const input = swept.instructions.map(({ text }) => `${text}\n`).join('');
  const { stdout, stderr } = spawnSync(LLVM[0], LLVM.slice(1), { input, maxBuffer: 1 << 28 });
  expect(stderr.toString().slice(0, 2000)).toBe('');
  const encodings = [...stdout.toString().matchAll(/encoding: \[([^\]]*)\]/g)].map(([, bytes]) =>
    bytes!.replaceAll(/0x|,/g, ''),
  );
  const wrong: string[] = [];
  for (const [i, { row, text }] of swept.instructions.entries()) {
    const ours = Buffer.from(bytesOf(swept, i)).toString('hex');
    if (ours !== encodings[i]) wrong.push(`${row}: ${text}: ours is ${ours}, theirs ${encodings[i]}`);
  }
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(encodings.length).toBe(swept.instructions.length);
});

test('logical immediates: every field is found, nothing else is', () => {
  for (const wide of [0, 1]) {
    const bits = wide === 1 ? 64 : 32;
    const values = new Set<bigint>();
    for (let field = 0; field < (wide === 1 ? 8192 : 4096); field++) {
      const value = logicalValue(field, bits);
      if (value >= 0n) values.add(value);
    }
    expect(values.size).toBe(wide === 1 ? 5334 : 1302);
    const fieldOf = (value: bigint) =>
      logicalField(wide, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(64, value) >> 32n));
    for (const value of values) {
      expect(logicalValue(fieldOf(value), bits)).toBe(value);
      for (const flip of [1n, 1n << 7n, 1n << BigInt(bits - 1)]) {
        if (!values.has(value ^ flip)) expect(fieldOf(value ^ flip), `${value ^ flip}`).toBe(-1);
      }
    }
    expect([fieldOf(0n), fieldOf((1n << BigInt(bits)) - 1n)]).toEqual([-1, -1]);
  }
});

test('other immediates', () => {
  expect([0, 4095, 4096, 8192, 4097, 0xfff000, 0x1000000, -1].map(addSubField)).toEqual([
    0, 4095, 4097, 4098, -1, 8191, -1, -1,
  ]);
  expect([0, 8, 32760, 32768, 4, -8].map((offset) => scaledField(offset, 3))).toEqual([0, 1, 4095, -1, -1, -1]);
  expect([-257, -256, 0, 255, 256].map(isUnscaled)).toEqual([false, true, true, true, false]);
  expect([floatField(0, 0x3f800000, 0), floatField(1, 0, 0x3ff00000), floatField(1, 1, 0x3ff00000)]).toEqual([
    0x70, 0x70, -1,
  ]);
  expect([floatField(0, 0, 0), floatField(0, 0x42000000, 0)]).toEqual([-1, -1]);
  expect([floatField(0, 0x3f840000, 0), floatField(0, 0x3f880000, 0)]).toEqual([-1, 0x71]);
  expect([0x3ff00001, 0x3ff08000, 0x3ff10000].map((hi) => floatField(1, 0, hi))).toEqual([-1, -1, 0x71]);
});

test('a value that does not fit its field is a bug', () => {
  const emitter = new VectorEmitter(64) as unknown as Record<string, (...fields: number[]) => void>;
  for (const [method, ...fields] of [
    ['addSubImmediate', A.add_i, 1, 0, 0, 8192],
    ['addSubImmediate', A.add_i, 1, 32, 0, 0],
    ['addSubShifted', A.add_r, 0, 0, 0, 0, 32],
    ['addSubShifted', A.add_r, 0, 255, 0, 0, 0],
    ['moveWide', A.movz, 0, 0, 0, 2],
    ['moveWide', A.movz, 0, 0, 65536, 0],
    ['bitfield', A.ubfm, 0, 0, 0, 32, 0],
    ['conditionalBranch', A.b_cond, 0, 1 << 20],
    ['conditionalBranch', A.b_cond, 0, 2],
    ['conditionalBranch', A.b_cond, 16, 0],
    ['branchImmediate', A.b, 1 << 27],
    ['loadStore', A.ldr_x, 0, 0, 4],
    ['loadStore', A.ldr_x, 32, 0, 8],
    ['loadStore', A.ldr_d, 0, 0, 8],
    ['loadStoreUnscaled', A.ldr_x, 0, 0, 256],
    ['loadStorePair', A.stp_offset, 0, 0, 0, 512],
    ['floatTwoSource', A.fadd, 0, 32, 32, 0],
    ['pcRelative', A.adr, 0, 1 << 20],
    ['simdThree', V.add, 4, 32, 32, 32],
    ['simdThree', V.add, 0, 32, 0, 32],
    ['simdDupLane', V.dup_lane, 0, 32, 32, 16],
    ['simdDupLane', V.dup_lane, 3, 32, 32, 2],
    ['simdFromInt', V.ins, 2, 32, 4, 0],
    ['simdFromInt', V.ins, 2, 32, 0, 32],
    ['simdToInt', V.umov, 1, 0, 32, 8],
    ['simdInsertLane', V.ins_lane, 3, 32, 0, 32, 2],
    ['simdImmediate', V.movi_16b, 32, 256],
    ['simdImmediate', V.movi_4s, 32, 1, 4],
    ['simdShift', V.shl, 32, 32, 128],
    ['simdExtract', V.ext, 32, 32, 32, 16],
    ['simdLane', V.ld1, 2, 32, 4, 0],
    ['simdReplicate', V.ld1r, 4, 32, 0],
  ] as [string, ...number[]][]) {
    expect(() => emitter[method]!(...fields), `${method} ${fields.slice(1)}`).toThrow(/arm64/);
  }
});
