/**
 * Checks what stubs and code generator rely on in a register plan, once for each Target. With a plan that breaks these
 * rules, code would be wrong only now and then. Knows no CPU.
 */

import { BugError } from '../../base/errors.js';
import type { Reg, RegisterPlan } from './masm.js';

/** Arguments that signalArguments() puts in place: they are the first ones of the plan, in this order. */
export const SIGNAL_ARGUMENTS = 3;
/** The most that a builtin of the host layer has (compile/convention/environment.ts); its call uses no stack. */
export const BUILTIN_ARGUMENTS = 5;

/**
 * @param signalArguments the registers that the CPU's signalArguments() leaves number, siginfo_t and ucontext_t in
 * @returns the plan
 * @throws BugError
 */
export function checkedPlan(plan: RegisterPlan, signalArguments: readonly Reg[]): RegisterPlan {
  const { instance, memoryBase, operandInts, pinnedInts, operandFloats, pinnedFloats, argInts, argFloats } = plan;
  const pools = [instance, memoryBase, ...operandInts, ...pinnedInts, ...operandFloats, ...pinnedFloats];
  check(new Set(pools).size === pools.length, 'the pools overlap');
  check(
    argInts.every((reg) => operandInts.includes(reg)) && argFloats.every((reg) => operandFloats.includes(reg)),
    'an argument register is no operand register',
  );
  check(argInts.length >= BUILTIN_ARGUMENTS, `fewer than ${BUILTIN_ARGUMENTS} integer arguments in registers`);
  check(argFloats.length >= 1, 'no float argument in a register');
  check(
    signalArguments.length === SIGNAL_ARGUMENTS && signalArguments.every((reg, i) => argInts[i] === reg),
    'the first arguments are not those of the signal entry',
  );
  check(operandInts.includes(plan.resultInt) && operandFloats.includes(plan.resultFloat), 'a result is no operand');
  check(pinnedInts.includes(plan.callTemp), 'callTemp is not for locals');
  return plan;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new BugError(`register plan: ${what}`);
}
