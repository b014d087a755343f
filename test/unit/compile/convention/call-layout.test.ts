/** The calling convention: which parameter and result is where. */

import { describe, expect, test } from 'vitest';
import { NO_REG } from '../../../../src/arch/masm/masm.js';
import { CallLayout } from '../../../../src/compile/convention/call-layout.js';
import { ValType } from '../../../../src/wasm/module.js';
import { ARCHES, specTarget } from '../../../spec/targets.js';

const I = ValType.I32;
const D = ValType.F64;
const V = ValType.V128;

for (const arch of ARCHES) {
  describe(arch, () => {
    const { plan } = specTarget(arch)!.target;
    const layOut = (params: ValType[], results: ValType[]) =>
      new CallLayout({ params: Uint8Array.from(params), results: Uint8Array.from(results) }, plan);

    test('parameters take the next register of their class, then the next slot', () => {
      const params = [...plan.argInts.map(() => I), ...plan.argFloats.map(() => D), I, D, I];
      const layout = layOut(params, []);
      const inRegisters = plan.argInts.length + plan.argFloats.length;
      expect([...layout.paramRegs]).toEqual([...plan.argInts, ...plan.argFloats, NO_REG, NO_REG, NO_REG]);
      expect([...layout.paramSlots.subarray(inRegisters)]).toEqual([0, 1, 2]);
      expect(layout.paramSlots.subarray(0, inRegisters).every((slot) => slot === -1)).toBe(true);
      expect(layout.slots).toBe(3);
    });

    test('a class that runs out does not hold up the other', () => {
      const params = [...plan.argInts.map(() => I), I, D, I, D];
      const layout = layOut(params, []);
      const rest = plan.argInts.length;
      expect([...layout.paramRegs.subarray(rest)]).toEqual([NO_REG, plan.argFloats[0], NO_REG, plan.argFloats[1]]);
      expect([...layout.paramSlots.subarray(rest)]).toEqual([0, -1, 1, -1]);
    });

    test('one result comes in a register of its class', () => {
      expect(layOut([], [I]).resultReg).toBe(plan.resultInt);
      expect(layOut([], [D]).resultReg).toBe(plan.resultFloat);
      expect(layOut([], [ValType.FuncRef]).resultReg).toBe(plan.resultInt);
      expect(layOut([], []).resultReg).toBe(NO_REG);
      expect([layOut([], [I]).slots, layOut([], [I]).resultSlots.length]).toEqual([0, 0]);
    });

    test('several results lie before the stack parameters', () => {
      const count = plan.argInts.length;
      const layout = layOut(new Array(count + 2).fill(I), [I, D, I]);
      expect(layout.resultReg).toBe(NO_REG);
      expect([...layout.resultSlots]).toEqual([0, 1, 2]);
      expect([...layout.paramSlots.subarray(count)]).toEqual([3, 4]);
      expect(layout.slots).toBe(5);
    });

    test('a v128 takes a floating point register, or two slots', () => {
      const floats = plan.argFloats.map(() => V);
      const layout = layOut([...floats, V, I, D, V], [V, I, V]);
      expect([...layout.paramRegs]).toEqual([...plan.argFloats, NO_REG, plan.argInts[0], NO_REG, NO_REG]);
      expect([...layout.resultSlots]).toEqual([0, 2, 3]);
      expect([...layout.paramSlots.subarray(floats.length)]).toEqual([5, -1, 7, 8]);
      expect(layout.slots).toBe(10);
      expect(layOut([], [V]).resultReg).toBe(plan.resultFloat);
    });

    test('where results are does not depend on the parameters', () => {
      const results = [D, I, D];
      expect(layOut(new Array(40).fill(I), results).resultSlots).toEqual(layOut([], results).resultSlots);
    });
  });
}
