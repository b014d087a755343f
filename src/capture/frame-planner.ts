/**
 * Makes the plans of a stack's frames (frame-plan.ts). Finds the site of a text offset and what is known about its
 * frame, and checks that the frame has room for its values. Each site is processed once, however many frames stand at
 * it.
 */

import {
  FUNC_GUEST,
  FUNC_IMPORT,
  FUNC_TRAMPOLINE,
  SITE_CALL,
  SITE_ENTRY,
  SITE_LOOP,
} from '../image/contract/site-tables.js';
import { atHome, type Location, localsAtTrap, unknownLocals } from '../image/tables/frame-map.js';
import type { FunctionRow, SiteLookup } from '../image/tables/site-lookup.js';
import type { HeaderBudget } from '../snapshot/header-budget.js';
import { FIRST_GUEST, type FrameKind, type FrameSite } from '../snapshot/snapshot.js';
import { damagedStack } from './damaged-stack.js';
import { type FramePlan, PLANNED_VALUE, planFrame, valueTypes } from './frame-plan.js';

/**
 * How many values of a frame may have no slot of their own: at most this many parameters, which may be on the caller's
 * stack, and this many constants and results.
 */
const PARAMS_MAX = 1000;
const LOOSE_VALUES = 64;

/**
 * What is known about a frame that has trapped. In its function's prologue: nothing. After a call: what is in slots,
 * which is everything there. Else everything, if registers are known; without them, what is never in a register.
 */
export type Knowledge = 'nothing' | 'slots' | 'all' | 'most';

export class FramePlanner {
  /** The sites of the plans, indexed by their `site`. */
  readonly sites: FrameSite[] = [];
  /** The function table's row of each site. */
  readonly functionRows: number[] = [];
  private readonly plans = new Map<number, FramePlan | undefined>(); // by return offset; undefined: the end of the stack

  constructor(
    private readonly lookup: SiteLookup,
    private readonly budget: HeaderBudget,
  ) {}

  /** The plan of the frame whose pc is at a text offset. */
  innermost(textOffset: number): FramePlan {
    const row = this.lookup.siteAt(textOffset);
    if (row < 0) throw damagedStack(`the program counter (text+0x${textOffset.toString(16)}) is not at a safepoint`);
    const { kind } = this.lookup.site(row);
    return this.plan(textOffset, kind === SITE_LOOP ? 'loop' : kind === SITE_ENTRY ? 'entry' : 'return', 0);
  }

  /**
   * The plan of the frame that is returned to; undefined when the return address is in a trampoline, at the end of the
   * stack.
   * @param frame the frame's number, for errors
   */
  caller(returnOffset: number, frame: number): FramePlan | undefined {
    const known = this.plans.get(returnOffset);
    if (known || this.plans.has(returnOffset)) return known;
    const plan = this.isTrampoline(returnOffset, frame - 1) ? undefined : this.plan(returnOffset, 'call', frame);
    this.plans.set(returnOffset, plan);
    return plan;
  }

  /** The plan of a frame that stands at an instruction that trapped. */
  trapped(textOffset: number, known: Knowledge): FramePlan {
    const { lookup } = this;
    const functionRow = lookup.functionAt(textOffset);
    if (functionRow < 0) {
      throw damagedStack(`it has trapped at text+0x${textOffset.toString(16)}, which is in no function`);
    }
    const owner = this.guest(functionRow);
    const siteRow = known === 'slots' ? lookup.siteAt(textOffset) : -1;
    const site = siteRow < 0 ? undefined : lookup.site(siteRow);
    this.checkLocals(owner);
    if (site) this.checkCount(lookup.valueCount(site), owner.frameSize, PARAMS_MAX + LOOSE_VALUES, 'operands');
    const map = site && lookup.frameMap(functionRow, site);
    const locals = map?.locals ?? this.localsAt(textOffset, functionRow, known);
    const operands = map?.operands ?? [];
    const bodyOffset = site?.bodyOffset ?? lookup.trapAt(textOffset)?.bodyOffset ?? 0;
    this.addSite(owner, 'trap', known === 'nothing' ? 0 : bodyOffset, locals, operands);
    return planFrame(this.sites.length - 1, owner.frameSize, [...locals, ...operands]);
  }

  /** Locations of locals where no site says them. */
  private localsAt(textOffset: number, functionRow: number, known: Knowledge): readonly Location[] {
    const homes = this.lookup.homes(functionRow);
    if (known === 'nothing') return unknownLocals(homes);
    if (known === 'slots') return atHome(homes, SITE_CALL);
    return localsAtTrap(homes, known === 'all' ? this.lookup.pinsAt(textOffset) : undefined);
  }

  private isTrampoline(returnOffset: number, frame: number): boolean {
    if (!(returnOffset >= 0)) throw damagedStack(`frame ${frame} returns to outside of text`);
    const row = this.lookup.functionAt(returnOffset);
    return row >= 0 && this.lookup.function(row).kind === FUNC_TRAMPOLINE;
  }

  private plan(textOffset: number, kind: FrameKind, frame: number): FramePlan {
    const { lookup } = this;
    const siteRow = lookup.siteAt(textOffset);
    const functionRow = siteRow < 0 ? -1 : lookup.functionAt(textOffset);
    if (functionRow < 0) throw damagedStack(`frame ${frame} is at text+0x${textOffset.toString(16)}, not a safepoint`);
    const site = lookup.site(siteRow);
    const owner = this.guest(functionRow);
    if (kind === 'call' && site.kind !== SITE_CALL) throw damagedStack('a return address is not after a call');
    const entry = kind === 'entry';
    const loose = kind === 'call' ? LOOSE_VALUES : PARAMS_MAX + LOOSE_VALUES; // results or, at the entry, parameters
    this.checkLocals(owner);
    this.checkCount(lookup.valueCount(site), owner.frameSize, loose, 'operands');
    const { locals, operands, results } = lookup.frameMap(functionRow, site);
    const stack = kind === 'return' ? [...operands, ...results] : operands;
    this.addSite(owner, kind, entry ? 0 : site.bodyOffset, locals, stack);
    return planFrame(this.sites.length - 1, entry ? 0 : owner.frameSize, [...locals, ...stack]);
  }

  private guest(functionRow: number): FunctionRow {
    const owner = this.lookup.function(functionRow);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT)
      throw damagedStack('a frame is not of a guest function');
    return owner;
  }

  private checkLocals({ row, frameSize }: FunctionRow): void {
    this.checkCount(this.lookup.localCount(row), frameSize, PARAMS_MAX, 'locals');
  }

  /** Checks that each value has a slot of the frame to itself. @param loose how many values may have none */
  private checkCount(count: number, frameBytes: number, loose: number, what: string): void {
    if (count > frameBytes / 8 + loose) throw damagedStack(`a frame of ${frameBytes} bytes has ${count} ${what}`);
    this.budget.take(count * PLANNED_VALUE, 'the values on its stack');
  }

  private addSite(
    { row, instance, index }: FunctionRow,
    kind: FrameKind,
    offset: number,
    locals: readonly Location[],
    operands: readonly Location[],
  ): void {
    this.sites.push({
      instance: instance - FIRST_GUEST,
      func: index,
      offset,
      kind,
      locals: valueTypes(locals),
      operands: valueTypes(operands),
    });
    this.functionRows.push(row);
  }
}
