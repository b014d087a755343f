/** The x64 register plan and the code it leads to: pools, and the sizes of the commonest instructions. */

import { expect, test } from 'vitest';
import { IntOp, LoadOp, NO_REG, ShiftOp, Width } from '../../../../src/arch/masm/masm.js';
import { X64MacroAssembler } from '../../../../src/arch/x64/masm.js';
import { registerName } from '../../../../src/arch/x64/registers.js';
import { x64 } from '../../../../src/arch/x64/target.js';
import * as layout from '../../../support/layout.js';

test('the pools are disjoint and leave out what is reserved', () => {
  const { plan } = x64;
  const pools = [...plan.operandInts, ...plan.pinnedInts, ...plan.operandFloats, ...plan.pinnedFloats];
  expect(new Set(pools).size).toBe(pools.length);
  for (const reserved of [4, plan.instance, plan.memoryBase, 1, 38, 39]) expect(pools).not.toContain(reserved);
  expect(pools.length).toBe(16 + 16 - 6);
  for (const arg of plan.argInts) expect(plan.operandInts).toContain(arg);
  expect(plan.pinnedInts).toContain(plan.callTemp);
  expect(plan.operandInts).toContain(plan.dividend);
  expect(plan.operandInts).toContain(plan.divideClobber);
});

test('the signal frame has every general register once', () => {
  const { general, pc, sp } = x64.signalFrame;
  const offsets = [...general].filter((offset) => offset >= 0).sort((a, b) => a - b);
  expect(offsets).toEqual(Array.from({ length: 16 }, (_, i) => 40 + 8 * i));
  expect([sp, pc]).toEqual([general[4], 168]);
});

test('registers print as in Intel syntax', () => {
  expect([0, 4, 7, 8, 15].map((reg) => registerName(reg, 8))).toEqual(['al', 'spl', 'dil', 'r8b', 'r15b']);
  expect([3, 6, 9].map((reg) => registerName(reg, 32))).toEqual(['ebx', 'esi', 'r9d']);
  expect([3, 9, 47].map((reg) => registerName(reg))).toEqual(['rbx', 'r9', 'xmm15']);
});

test('the shortest encoding is taken', () => {
  const size = (emit: (masm: X64MacroAssembler) => void): number => {
    const masm = new X64MacroAssembler(64);
    emit(masm);
    return masm.offset;
  };
  expect(size((m) => m.binary(IntOp.Add, 0, 0, 0, 2))).toBe(2);
  expect(size((m) => m.binary(IntOp.Add, 1, 0, 0, 2))).toBe(3);
  expect(size((m) => m.binary(IntOp.Add, 0, 0, 5, 2))).toBe(3); // the base that needs no displacement
  expect(size((m) => m.binaryImm(IntOp.Add, 0, 2, 2, 128))).toBe(3);
  expect(size((m) => m.binaryImm(IntOp.Sub, 0, 2, 2, -128))).toBe(3);
  expect(size((m) => m.binaryImm(IntOp.And, 1, 2, 2, 0x7fffffff))).toBe(6);
  expect(size((m) => m.binaryImm(IntOp.Or, 0, 0, 0, 1000))).toBe(5);
  expect(size((m) => m.shiftImm(ShiftOp.Shl, 0, 0, 0, 1))).toBe(2);
  expect(size((m) => m.constant(0, 1, -1, 0))).toBe(5);
  expect(size((m) => m.constant(0, 1, -1, -1))).toBe(7);
  expect(size((m) => m.constant(0, 1, 1, 1))).toBe(10);
  expect(size((m) => m.move(3, 3))).toBe(0);
  expect(size((m) => m.load(LoadOp.I32, 0, 15, 2, 0))).toBe(4);
  expect(size((m) => m.load(LoadOp.I32, 0, 15, NO_REG, 127))).toBe(4);
  expect(size((m) => m.loadSlot(Width.Int32, 0, 0))).toBe(3);
  expect(size((m) => m.loadSlot(Width.Int32, 0, 120))).toBe(4);
  expect(size((m) => m.enter(0))).toBe(0);
  expect(size((m) => m.enter(128))).toBe(4);
  expect(size((m) => m.leave(128))).toBe(4);
});

test('probes touch each 64 KiB from the top down, then the frame is made', () => {
  const code = (size: number) => {
    const masm = x64.createAssembler();
    masm.enter(size);
    return Buffer.from(masm.code()).toString('hex');
  };
  expect(code(65536)).toBe('4881ec00000100'); // sub rsp, 65536: a call after it touches near enough to the last one
  expect(code(200000)).toBe(
    ['85842400 00ffff', '85842400 00feff', '85842400 00fdff', '4881ec40 0d0300'].join('').replaceAll(' ', ''),
  );
  expect(layout.STACK_GUARD).toBeGreaterThanOrEqual(2 * 65536);
});
