/**
 * Lifts the native stack of a parked process: from frame sizes and site tables to wasm frames.
 *
 *     higher   ...                      caller's frame
 *              return address           names the caller's call site
 *     sp + frameSize ->
 *              slots                    of this frame, 8 bytes each, counted from its sp; a v128 has two
 *     sp ->
 *
 * At a function's entry there is no frame yet; where the CPU has a link register, its return address is in that.
 * The innermost frame's site is found by the saved pc (its locals may be in registers), each other one's by the return
 * address below it, until one in a trampoline: there the host had entered the guest. All there is to know about a site
 * is worked out once and kept (frame-planner.ts): a frame then costs a few copies (lifted-frames.ts). Function and
 * exception references come out native; the caller translates them (reference-table.ts,
 * live-exceptions.ts), at `referenceWords` and `exceptionWords`.
 */

import { NO_REG, type Reg } from '../arch/masm/masm.js';
import { BugError } from '../base/errors.js';
import { AT_RETURN } from '../image/contract/traps.js';
import type { SiteLookup } from '../image/tables/site-lookup.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import type { Frames } from '../snapshot/snapshot.js';
import { damagedStack } from './damaged-stack.js';
import type { FramePlan } from './frame-plan.js';
import { FramePlanner } from './frame-planner.js';
import { LiftedFrames } from './lifted-frames.js';
import { REGISTER_WORDS, Registers } from './registers.js';

/** The part of the guest's stack that is in use. */
export interface StackBytes {
  /** Address of the first byte: the saved sp. */
  readonly address: number;
  readonly bytes: Buffer;
}

export interface LiftedStack {
  readonly frames: Frames;
  /** Row of the function table of each of `frames.sites`, for names. */
  readonly functionRows: readonly number[];
  /** Where in `frames.words` native function references are: index of the low word. */
  readonly referenceWords: readonly number[];
  /** The same of addresses of exceptions. */
  readonly exceptionWords: readonly number[];
}

/** Where a process has trapped: TH_TRAP_* of its thread record. Addresses are absolute. */
export interface TrapPlace {
  readonly place: number; // AT_*
  readonly at: number;
  readonly sp: number; // 0: its frame was not there yet
  readonly returnAddress: number;
  readonly callerSp: number;
}

/**
 * @param textAddress absolute address of TEXT
 * @param linkRegister of the CPU's RegisterPlan
 * @throws InputError 'damaged-process' when the stack is not one that our code builds; LimitError
 */
export function liftStack(
  lookup: SiteLookup,
  textAddress: number,
  registers: Registers,
  stack: StackBytes,
  linkRegister: Reg,
  budget = new HeaderBudget(),
): LiftedStack {
  return new Lifter(lookup, textAddress, registers, stack, linkRegister, budget).lift();
}

/**
 * The stack of a process that is parked at a trap. The innermost frame stands at an instruction that is no safepoint:
 * its operands are not known, nor are its locals before its prologue or, in images that say nothing of trap sites,
 * where they live in registers. All other frames are as exact as ever.
 *
 * @param stack from the innermost frame's sp on, or its caller's when it has none
 * @param registers at the instruction that trapped; undefined when a stub found the trap, or they are not known
 * @throws InputError 'damaged-process'
 */
export function liftTrappedStack(
  lookup: SiteLookup,
  textAddress: number,
  trap: TrapPlace,
  stack: StackBytes,
  registers: Registers | undefined,
  budget = new HeaderBudget(),
): LiftedStack {
  const none = new Registers(0, stack.address, new Uint32Array(64 * REGISTER_WORDS));
  return new Lifter(lookup, textAddress, registers ?? none, stack, NO_REG, budget).liftTrapped(
    trap,
    registers !== undefined,
  );
}

class Lifter {
  private readonly stackWords: Uint32Array;
  private readonly planner: FramePlanner;
  private readonly lifted: LiftedFrames;

  constructor(
    lookup: SiteLookup,
    private readonly textAddress: number,
    private readonly registers: Registers,
    private readonly stack: StackBytes,
    private readonly linkRegister: Reg,
    budget: HeaderBudget,
  ) {
    const { bytes } = stack;
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(bytes);
    this.stackWords = new Uint32Array(aligned.buffer, aligned.byteOffset, bytes.length >> 2);
    this.planner = new FramePlanner(lookup, budget);
    this.lifted = new LiftedFrames(this.stackWords, registers.words, budget);
  }

  lift(): LiftedStack {
    const { pc, sp, words } = this.registers;
    if (sp !== this.stack.address || sp % 8 !== 0) throw new BugError('lift: the stack does not start at sp');
    const plan = this.planner.innermost(pc - this.textAddress);
    if (this.linkRegister === NO_REG || this.planner.sites[plan.site].kind !== 'entry') return this.climb(plan, 0);
    this.lifted.add(plan, 0);
    const link = this.linkRegister * REGISTER_WORDS;
    const caller = this.caller(words[link + 1] * 0x100000000 + words[link]);
    this.checkReach(plan, 0, caller);
    return this.climb(caller, 0);
  }

  liftTrapped({ place, at, sp, returnAddress, callerSp }: TrapPlace, hasRegisters: boolean): LiftedStack {
    const known = sp === 0 ? 'nothing' : place === AT_RETURN ? 'slots' : hasRegisters ? 'all' : 'most';
    const plan = this.planner.trapped(at - this.textAddress, known);
    this.lifted.add(plan, sp === 0 ? 0 : (sp - this.stack.address) / 4);
    const above = (callerSp - this.stack.address) / 4;
    if (!Number.isInteger(above) || above < 0) throw damagedStack('the frame that trapped is outside of the stack');
    const caller = returnAddress === 0 ? undefined : this.caller(returnAddress);
    if (sp !== 0) this.checkReach(plan, above, caller);
    return this.climb(caller, above);
  }

  /** Adds the frame at a word index of the stack, and those that it returns to. */
  private climb(plan: FramePlan | undefined, at: number): LiftedStack {
    const { planner, lifted, stackWords, textAddress } = this;
    while (plan) {
      lifted.add(plan, at);
      const above = at + plan.frameBytes / 4;
      if (above + 2 > stackWords.length) throw damagedStack(`frame ${lifted.count - 1} reaches beyond the stack's top`);
      const returnAddress = stackWords[above + 1] * 0x100000000 + stackWords[above];
      const caller = planner.caller(returnAddress - textAddress, lifted.count);
      at = above + 2;
      this.checkReach(plan, at, caller);
      plan = caller;
    }
    const { referenceWords, exceptionWords } = lifted;
    return { frames: lifted.frames(planner.sites), functionRows: planner.functionRows, referenceWords, exceptionWords };
  }

  /** Of the frame that is returned to; undefined at the stack's end. */
  private caller(returnAddress: number): FramePlan | undefined {
    return this.planner.caller(returnAddress - this.textAddress, this.lifted.count);
  }

  /**
   * A frame's values lie in itself, or in what its caller's frame has reserved for it. @param above word index of that
   * frame
   */
  private checkReach({ reach, frameBytes }: FramePlan, above: number, caller: FramePlan | undefined): void {
    if (reach <= frameBytes) return;
    const room = caller ? caller.frameBytes : (this.stackWords.length - above) * 4;
    if (reach <= frameBytes + 8 + room) return;
    throw damagedStack(
      `a value of frame ${this.lifted.count - 1} lies outside of it and of what its caller has reserved`,
    );
  }
}
