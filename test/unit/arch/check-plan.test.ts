import { describe, expect, test } from 'vitest';
import { plan as arm64 } from '../../../src/arch/arm64/abi.js';
import { BUILTIN_ARGUMENTS, checkedPlan } from '../../../src/arch/masm/check-plan.js';
import type { RegisterPlan } from '../../../src/arch/masm/masm.js';
import { plan as x64 } from '../../../src/arch/x64/abi.js';

describe.each([
  ['x64', x64],
  ['arm64', arm64],
])('the plan of %s', (_, plan) => {
  const first = plan.argInts.slice(0, 3);

  test('is accepted as it is', () => {
    expect(checkedPlan(plan, first)).toBe(plan);
  });

  test.each<[string, Partial<RegisterPlan>]>([
    ['fewer than 5 integer arguments', { argInts: plan.argInts.slice(0, BUILTIN_ARGUMENTS - 1) }],
    ['no operand register', { argInts: [...plan.argInts.slice(0, 4), plan.pinnedInts[0]] }],
    ['not those of the signal entry', { argInts: [...plan.argInts].reverse() }],
    ['pools overlap', { pinnedInts: [...plan.pinnedInts, plan.operandInts[0]] }],
    ['pools overlap', { instance: plan.memoryBase }],
    ['callTemp', { callTemp: plan.operandInts[0] }],
    ['a result', { resultInt: plan.pinnedInts[0] }],
  ])('is refused: %s', (message, change) => {
    expect(() => checkedPlan({ ...plan, ...change }, first)).toThrow(message);
  });
});
