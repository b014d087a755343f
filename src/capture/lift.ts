/**
 * Lifts the native stack of a parked process to wasm frames, by frame sizes and site tables.
 *
 *     higher   ...                      caller's frame
 *              return address           names the caller's call site
 *     sp + frameSize ->
 *              slots                    of this frame, 8 bytes each, counted from its sp; a v128 has two
 *     sp ->
 *
 * At a function's entry there is no frame yet; on CPUs with a link register the return address is in it. The saved pc
 * gives the innermost frame's site, whose locals may be in registers. The return address below each other frame gives
 * its site. The stack ends at a return address in a trampoline, through which the host layer entered the guest. What is
 * known about a site is computed once and kept (frame-planner.ts), so that a frame costs a few copies
 * (lifted-frames.ts). Function and exception references come out native, at `referenceWords` and `exceptionWords`. The
 * caller translates them (reference-table.ts, live-exceptions.ts).
 */

import { NO_REG, type Reg } from '../arch/masm/masm.js';
import { BugError } from '../base/errors.js';
import { AT_RETURN } from '../image/contract/traps.js';
import type { SiteLookup } from '../image/tables/site-lookup.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import { Frames } from '../snapshot/snapshot.js';
import { damagedStack } from './damaged-stack.js';
import type { FramePlan } from './frame-plan.js';
import { FramePlanner } from './frame-planner.js';
import { LiftedFrames } from './lifted-frames.js';
import { REGISTER_WORDS, Registers } from './registers.js';

/** The part of the guest's stack that is in use. */
export interface StackBytes {
  /** Address of the first byte: the saved stack pointer. */
  readonly address: number;
  readonly bytes: Buffer;
}

/** A stack that does not run, above the one that does (TH_SUSPENDED_CONTEXT). */
export interface SuspendedStack {
  readonly registers: Registers;
  readonly stack: StackBytes;
}

export interface LiftedStack {
  readonly frames: Frames;
  /** The function table's row of each of `frames.sites`, for names. */
  readonly functionRows: readonly number[];
  /** Indexes in `frames.words` of native function references: of their low words. */
  readonly referenceWords: readonly number[];
  /** The same for addresses of exceptions. */
  readonly exceptionWords: readonly number[];
}

/** The place of a trap: TH_TRAP_* of the thread record. Addresses are absolute. */
export interface TrapPlace {
  readonly place: number; // AT_*
  readonly at: number;
  readonly sp: number; // 0: the function had no frame yet
  readonly returnAddress: number;
  readonly callerSp: number;
}

/**
 * @param textAddress absolute address of TEXT
 * @param linkRegister from the CPU's RegisterPlan
 * @throws InputError 'damaged-process' when our code cannot have built the stack; LimitError
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
 * Lifts the stack of a process that is parked at a trap. The innermost frame stands at an instruction that is no
 * safepoint. Its operands are unknown. So are its locals in the prologue and, in images without trap sites, locals in
 * registers. All other frames are exact.
 *
 * @param stack from the innermost frame's sp on, or from its caller's when it has no frame
 * @param registers at the trapping instruction; undefined when a stub found the trap, or registers are unknown
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

/**
 * Lifts both stacks of a process that runs wag_snap_restored: its frames, and after them those that continue when it
 * returns, of which the innermost stands at a safepoint that is no call.
 *
 * @throws InputError 'damaged-process'; LimitError
 */
export function withSuspended(
  inner: LiftedStack,
  lookup: SiteLookup,
  textAddress: number,
  { registers, stack }: SuspendedStack,
  linkRegister: Reg,
  budget: HeaderBudget,
): LiftedStack {
  if (inner.frames.count === 0) throw damagedStack('wag_snap_restored has no frame');
  const outer = liftStack(lookup, textAddress, registers, stack, linkRegister, budget);
  const sites = inner.frames.sites.length;
  const words = inner.frames.words.length;
  const shifted = (list: readonly number[]) => list.map((word) => word + words);
  return {
    frames: new Frames(
      [...inner.frames.sites, ...outer.frames.sites],
      concat(
        inner.frames.siteOf,
        outer.frames.siteOf.map((site) => site + sites),
      ),
      concat(inner.frames.words, outer.frames.words),
    ),
    functionRows: [...inner.functionRows, ...outer.functionRows],
    referenceWords: [...inner.referenceWords, ...shifted(outer.referenceWords)],
    exceptionWords: [...inner.exceptionWords, ...shifted(outer.exceptionWords)],
  };
}

function concat(first: Uint32Array, second: Uint32Array): Uint32Array {
  const all = new Uint32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
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

  /** Lifts the frame at a word index of the stack, and its callers. */
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

  /** The plan of the frame that is returned to; undefined at the stack's end. */
  private caller(returnAddress: number): FramePlan | undefined {
    return this.planner.caller(returnAddress - this.textAddress, this.lifted.count);
  }

  /**
   * Checks that a frame's values lie in the frame itself or in its caller's outgoing area. @param above word index of
   * the caller's frame
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
