/**
 * The arm64 register plan and the code it leads to: pools, the sizes of the commonest instructions, constants of Linux.
 */

import { expect, test } from 'vitest';
import { A } from '../../../../src/arch/arm64/encodings.js';
import { Arm64MacroAssembler } from '../../../../src/arch/arm64/masm.js';
import { arm64 } from '../../../../src/arch/arm64/target.js';
import { frameSizeFor, IntOp, LoadOp, NO_REG, ShiftOp, Width } from '../../../../src/arch/masm/masm.js';
import { x64 } from '../../../../src/arch/x64/target.js';

test('the pools are disjoint and leave out what is reserved', () => {
  const { plan } = arm64;
  const pools = [...plan.operandInts, ...plan.pinnedInts, ...plan.operandFloats, ...plan.pinnedFloats];
  expect(new Set(pools).size).toBe(pools.length);
  const reserved = [16, 17, 18, 30, 31, plan.instance, plan.memoryBase, 62, 63];
  for (const reg of reserved) expect(pools).not.toContain(reg);
  expect(pools.length).toBe(32 + 32 - reserved.length);
  expect(plan.pinnedInts.length + plan.pinnedFloats.length).toBeLessThanOrEqual(31); // bits of a mask
  for (const arg of plan.argInts) expect(plan.operandInts).toContain(arg);
  for (const arg of plan.argFloats) expect(plan.operandFloats).toContain(arg);
  expect(plan.pinnedInts).toContain(plan.callTemp);
});

test('frames keep the stack pointer a multiple of 16', () => {
  expect([0, 8, 9, 16, 24].map((bytes) => frameSizeFor(arm64.plan, bytes))).toEqual([8, 8, 24, 24, 24]);
  expect([0, 8, 16, 24].map((bytes) => frameSizeFor(x64.plan, bytes))).toEqual([0, 8, 16, 24]);
  expect(() => arm64.createAssembler().enter(16)).toThrow('frame of 16');
});

test('the signal frame is that of asm/sigcontext.h', () => {
  const { general, pc, sp, floatBase } = arm64.signalFrame;
  expect([general[0], general[30], general[31]]).toEqual([184, 424, sp]);
  expect([sp, pc, floatBase % 16]).toEqual([432, 440, 0]);
});

test('Linux has the same calls here', () => {
  const missing = Object.keys(x64.hostConstants).filter((name) => arm64.hostConstants[name] === undefined);
  expect(missing).toEqual(['SYS_poll']); // ppoll alone
});

test('a prologue stores with the instruction that the host layer knows', () => {
  const masm = new Arm64MacroAssembler(64);
  masm.enter(104);
  expect(new Int32Array(masm.code().slice().buffer)[0]! >>> 0).toBe(arm64.hostConstants.FRAME_PUSH);
  expect(A.stp_pre).toBe(0xa9800000);
});

test('the shortest sequence is taken', () => {
  const size = (emit: (masm: Arm64MacroAssembler) => void): number => {
    const masm = new Arm64MacroAssembler(64);
    masm.imageStart = 0x1000000;
    emit(masm);
    return masm.offset / 4;
  };
  expect(size((m) => m.binary(IntOp.Mul, 1, 0, 0, 2))).toBe(1);
  expect(size((m) => m.binaryImm(IntOp.Add, 0, 2, 2, 4095))).toBe(1);
  expect(size((m) => m.binaryImm(IntOp.Add, 0, 2, 2, -4095))).toBe(1);
  expect(size((m) => m.binaryImm(IntOp.Sub, 1, 2, 2, 8192))).toBe(1);
  expect(size((m) => m.binaryImm(IntOp.Add, 0, 2, 2, 4097))).toBe(2);
  expect(size((m) => m.binaryImm(IntOp.And, 1, 2, 2, 0x7fffffff))).toBe(1);
  expect(size((m) => m.binaryImm(IntOp.Or, 0, 0, 0, 1000))).toBe(2);
  expect(size((m) => m.binaryImm(IntOp.Mul, 0, 0, 0, 9))).toBe(1);
  expect(size((m) => m.shiftImm(ShiftOp.Rotl, 0, 0, 1, 1))).toBe(1);
  for (const [lo, hi, count] of [
    [0, 0, 1],
    [-1, 0, 1],
    [-1, -1, 1],
    [0x12340000, 0, 1],
    [0x12345678, 0, 2],
    [0x01010101, 0x01010101, 1],
    [0, 0x40000000, 1],
    [-2, -1, 1],
    [0x12345678, -1, 2],
    [0x12345678, 0x12345678, 4],
  ] as const)
    expect(
      size((m) => m.constant(0, 1, lo, hi)),
      `${lo} ${hi}`,
    ).toBe(count);
  expect(size((m) => m.floatConstant(32, 1, 0, 0x3ff00000))).toBe(1);
  expect(size((m) => m.floatConstant(32, 1, 0, 0))).toBe(1);
  expect(size((m) => m.load(LoadOp.I32, 0, 28, 2, 0))).toBe(1);
  expect(size((m) => m.load(LoadOp.I32, 0, 28, 2, 16380))).toBe(2);
  expect(size((m) => m.load(LoadOp.I32, 0, 28, NO_REG, 16380))).toBe(1);
  expect(size((m) => m.load(LoadOp.I32, 0, 28, 2, 0x12345678))).toBe(4);
  expect(size((m) => m.storeSlotConstant(1, 8, 0, 0))).toBe(1);
  expect(size((m) => m.loadSlot(Width.Int32, 0, 16380))).toBe(1);
  expect(size((m) => m.loadSlot(Width.Int64, 0, 65536))).toBe(2);
  expect(size((m) => m.loadGlobal(Width.Int64, 0, 0xff0008))).toBe(1);
  expect(size((m) => m.loadGlobal(Width.Int64, 0, 0x10008))).toBe(2);
  expect(size((m) => m.enter(8))).toBe(1);
  expect(size((m) => m.enter(120))).toBe(2);
  expect(size((m) => m.leave(120))).toBe(2);
});
