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
 * is worked out once and kept (`Plan`): a frame then costs a few copies. Function and exception references come out
 * native; the caller translates them (references.ts, exceptions.ts), at `referenceWords` and `exceptionWords`.
 */

import { NO_REG, type Reg } from '../arch/masm/masm.js';
import { BugError, InputError } from '../base/errors.js';
import {
  FUNC_GUEST,
  FUNC_IMPORT,
  FUNC_TRAMPOLINE,
  NO_LOCAL_REG,
  OPERAND_CONST,
  OPERAND_LOCAL,
  OPERAND_REG,
  OPERAND_SLOT,
  SITE_CALL,
  SITE_ENTRY,
  SITE_LOOP,
  TYPE_V128,
} from '../image/contract/site-tables.js';
import { AT_RETURN } from '../image/contract/traps.js';
import type { LocalHome, Location, SiteLookup } from '../image/tables/site-lookup.js';
import { typeOfCode } from '../image/tables/type-codes.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import { cellsOf, FIRST_GUEST, type FrameKind, type FrameSite, Frames, MISSING } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';
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

/**
 * Values that have no slot of the frame's own: parameters on the stack at most, and constants and results that might
 * not have one.
 */
const PARAMS_MAX = 1000;
const LOOSE_VALUES = 64;
/** Bytes that a value takes in the plan of its site. */
const PLANNED_VALUE = 64;

/** Beyond the TYPE_* of the tables: a value that is not known. */
const TYPE_MISSING = 15;

/** ValType of each value, MISSING of one that is not known, 0 of one whose code is none. */
function valueTypes(values: readonly Location[]): Uint8Array {
  return Uint8Array.from(values, ({ type }) => (type === TYPE_MISSING ? MISSING : typeOfCode(type)));
}

/** Where a process has trapped: TH_TRAP_* of its thread record. Addresses are absolute. */
export interface TrapPlace {
  readonly place: number; // AT_*
  readonly at: number;
  readonly sp: number; // 0: its frame was not there yet
  readonly returnAddress: number;
  readonly callerSp: number;
}

const enum From {
  Slot, // payload: slot
  Const, // lo, hi
  Register, // payload: register
}

/** How to lift a frame that stands at one site: its values, locals before operands, in columns. */
interface Plan {
  readonly site: number; // index of its FrameSite
  readonly frameBytes: number; // from sp to the return address
  readonly reach: number; // bytes from sp to the end of the last value in a slot
  readonly from: Uint8Array; // From
  readonly payload: Int32Array;
  readonly lo: Uint32Array;
  readonly hi: Uint32Array;
  readonly types: Uint8Array; // ValType
  readonly words: number; // of all values
  /** Where function references are: index of the low word, counted from the frame's first. */
  readonly references: readonly number[];
  readonly exceptions: readonly number[]; // of those that are exception references
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
  private readonly sites: FrameSite[] = [];
  private readonly functionRows: number[] = [];
  private readonly plans = new Map<number, Plan | undefined>(); // by return offset; undefined: the end of the stack
  private readonly stackWords: Uint32Array;
  private readonly referenceWords: number[] = [];
  private readonly exceptionWords: number[] = [];
  private siteOf = new Uint32Array(256);
  private frameCount = 0;
  private words = new Uint32Array(4096);
  private length = 0;

  constructor(
    private readonly lookup: SiteLookup,
    private readonly textAddress: number,
    private readonly registers: Registers,
    private readonly stack: StackBytes,
    private readonly linkRegister: Reg,
    private readonly budget: HeaderBudget,
  ) {
    const { bytes } = stack;
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(bytes);
    this.stackWords = new Uint32Array(aligned.buffer, aligned.byteOffset, bytes.length >> 2);
  }

  lift(): LiftedStack {
    const { pc, sp } = this.registers;
    if (sp !== this.stack.address || sp % 8 !== 0) throw new BugError('lift: the stack does not start at sp');
    let plan: Plan | undefined = this.innermost(pc - this.textAddress);
    const at = 0; // word index of the frame's sp
    if (this.linkRegister !== NO_REG && this.sites[plan.site].kind === 'entry') {
      this.addFrame(plan, 0);
      const { words } = this.registers;
      const at = this.linkRegister * REGISTER_WORDS;
      const returnAddress = words[at + 1] * 0x100000000 + words[at];
      const caller = this.caller(returnAddress - this.textAddress);
      this.checkReach(plan, 0, caller);
      plan = caller;
    }
    return this.climb(plan, at);
  }

  liftTrapped({ place, at, sp, returnAddress, callerSp }: TrapPlace, hasRegisters: boolean): LiftedStack {
    const plan = this.trapPlan(at - this.textAddress, place === AT_RETURN, sp !== 0, hasRegisters);
    this.addFrame(plan, sp === 0 ? 0 : (sp - this.stack.address) / 4);
    const above = (callerSp - this.stack.address) / 4;
    if (!Number.isInteger(above) || above < 0) throw damaged('the frame that trapped is outside of the stack');
    const caller = returnAddress === 0 ? undefined : this.caller(returnAddress - this.textAddress);
    if (sp !== 0) this.checkReach(plan, above, caller);
    return this.climb(caller, above);
  }

  /** Adds the frame at a word index of the stack, and those that it returns to. */
  private climb(plan: Plan | undefined, at: number): LiftedStack {
    while (plan) {
      this.addFrame(plan, at);
      const above = at + plan.frameBytes / 4;
      if (above + 2 > this.stackWords.length) {
        throw damaged(`frame ${this.frameCount - 1} reaches beyond the stack's top`);
      }
      const returnAddress = this.stackWords[above + 1] * 0x100000000 + this.stackWords[above];
      const caller = this.caller(returnAddress - this.textAddress);
      at = above + 2;
      this.checkReach(plan, at, caller);
      plan = caller;
    }
    const frames = new Frames(this.sites, this.siteOf.slice(0, this.frameCount), this.words.slice(0, this.length));
    return {
      frames,
      functionRows: this.functionRows,
      referenceWords: this.referenceWords,
      exceptionWords: this.exceptionWords,
    };
  }

  /**
   * A frame's values lie in itself, or in what its caller's frame has reserved for it. @param above word index of that
   * frame
   */
  private checkReach({ reach, frameBytes }: Plan, above: number, caller: Plan | undefined): void {
    if (reach <= frameBytes) return;
    const room = caller ? caller.frameBytes : (this.stackWords.length - above) * 4;
    if (reach <= frameBytes + 8 + room) return;
    throw damaged(`a value of frame ${this.frameCount - 1} lies outside of it and of what its caller has reserved`);
  }

  private innermost(textOffset: number): Plan {
    const row = this.lookup.siteAt(textOffset);
    if (row < 0) throw damaged(`the program counter (text+0x${textOffset.toString(16)}) is not at a safepoint`);
    const { kind } = this.lookup.site(row);
    return this.makePlan(textOffset, kind === SITE_LOOP ? 'loop' : kind === SITE_ENTRY ? 'entry' : 'return');
  }

  private caller(returnOffset: number): Plan | undefined {
    const known = this.plans.get(returnOffset);
    if (known || this.plans.has(returnOffset)) return known;
    const plan = this.isTrampoline(returnOffset) ? undefined : this.makePlan(returnOffset, 'call');
    this.plans.set(returnOffset, plan);
    return plan;
  }

  private isTrampoline(returnOffset: number): boolean {
    if (!(returnOffset >= 0)) throw damaged(`frame ${this.frameCount - 1} returns to outside of text`);
    const row = this.lookup.functionAt(returnOffset);
    return row >= 0 && this.lookup.function(row).kind === FUNC_TRAMPOLINE;
  }

  private makePlan(textOffset: number, kind: FrameKind): Plan {
    const { lookup } = this;
    const siteRow = lookup.siteAt(textOffset);
    const functionRow = siteRow < 0 ? -1 : lookup.functionAt(textOffset);
    if (functionRow < 0)
      throw damaged(`frame ${this.frameCount} is at text+0x${textOffset.toString(16)}, not a safepoint`);
    const site = lookup.site(siteRow);
    const owner = lookup.function(functionRow);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) throw damaged('a frame is not of a guest function');
    if (kind === 'call' && site.kind !== SITE_CALL) throw damaged('a return address is not behind a call');
    const entry = kind === 'entry';
    const loose = kind === 'call' ? LOOSE_VALUES : PARAMS_MAX + LOOSE_VALUES; // results or, at the entry, parameters
    this.checkCount(lookup.localCount(functionRow), owner.frameSize, PARAMS_MAX, 'locals');
    this.checkCount(lookup.valueCount(site), owner.frameSize, loose, 'operands');
    const shape = lookup.shape(site);
    const homes = entry ? [] : lookup.locals(functionRow);
    // At the entry the operands are the parameters, which are the locals that there are.
    const locals = entry ? shape.operands : homes.map((home) => localLocation(home, kind));
    const rest = entry ? [] : kind === 'return' ? [...shape.operands, ...shape.results] : shape.operands;
    const operands = rest.map((location) => (location.kind === OPERAND_LOCAL ? aliased(location, locals) : location));
    this.addSite(functionRow, kind, entry ? 0 : site.bodyOffset, locals, operands);
    return makeColumns(this.sites.length - 1, entry ? 0 : owner.frameSize, [...locals, ...operands], kind);
  }

  /**
   * @param isReturn `textOffset` is behind a call: all locals are in their slots. @param hasFrame false in a prologue
   */
  private trapPlan(textOffset: number, isReturn: boolean, hasFrame: boolean, hasRegisters: boolean): Plan {
    const { lookup } = this;
    const functionRow = lookup.functionAt(textOffset);
    if (functionRow < 0) throw damaged(`it has trapped at text+0x${textOffset.toString(16)}, which is no function`);
    const owner = lookup.function(functionRow);
    if (owner.kind !== FUNC_GUEST && owner.kind !== FUNC_IMPORT) throw damaged('a frame is not of a guest function');
    this.checkCount(lookup.localCount(functionRow), owner.frameSize, PARAMS_MAX, 'locals');
    const siteRow = isReturn ? lookup.siteAt(textOffset) : -1;
    const site = siteRow < 0 ? undefined : lookup.site(siteRow);
    const pins = hasRegisters && !isReturn ? lookup.pinsAt(textOffset) : undefined;
    let bit = 1;
    const locals = lookup.locals(functionRow).map((home): Location => {
      const inSlot = localLocation(home, 'call');
      const missing = { ...inSlot, type: TYPE_MISSING, kind: OPERAND_CONST };
      if (!hasFrame) return missing;
      if (isReturn || home.reg === NO_LOCAL_REG) return inSlot;
      const own = bit;
      bit <<= 1;
      if (pins === undefined || (pins.lost & own) !== 0) return missing;
      return (pins.registers & own) !== 0 ? localLocation(home, 'loop') : inSlot;
    });
    const operands = (site ? lookup.shape(site).operands : []).map((location) =>
      location.kind === OPERAND_LOCAL ? aliased(location, locals) : location,
    );
    this.addSite(
      functionRow,
      'trap',
      hasFrame ? (site?.bodyOffset ?? lookup.trapAt(textOffset)?.bodyOffset ?? 0) : 0,
      locals,
      operands,
    );
    return makeColumns(this.sites.length - 1, owner.frameSize, [...locals, ...operands], 'trap');
  }

  /** A value has a slot of the frame to itself. @param loose values that may have none */
  private checkCount(count: number, frameBytes: number, loose: number, what: string): void {
    if (count > frameBytes / 8 + loose) throw damaged(`a frame of ${frameBytes} bytes has ${count} ${what}`);
    this.budget.take(count * PLANNED_VALUE, 'the places on its stack');
  }

  private addSite(
    functionRow: number,
    kind: FrameKind,
    offset: number,
    locals: readonly Location[],
    operands: readonly Location[],
  ): void {
    const { instance, index } = this.lookup.function(functionRow);
    this.sites.push({
      instance: instance - FIRST_GUEST,
      func: index,
      offset,
      kind,
      locals: valueTypes(locals),
      operands: valueTypes(operands),
    });
    this.functionRows.push(functionRow);
  }

  private addFrame(plan: Plan, at: number): void {
    this.budget.take(plan.words * 4 + 4, 'its stack');
    if (this.frameCount === this.siteOf.length) this.siteOf = grow(this.siteOf, this.frameCount * 2);
    this.siteOf[this.frameCount++] = plan.site;
    const { from, payload, lo, hi, types } = plan;
    const count = from.length;
    if (this.length + plan.words > this.words.length) {
      this.words = grow(this.words, Math.max(this.words.length * 2, this.length + plan.words));
    }
    const { words, stackWords } = this;
    let to = this.length;
    for (let i = 0; i < count; i++, to += 2) {
      const type = types[i];
      if (type === ValType.V128) {
        this.addVector(from[i], payload[i], at, to);
        to += 2; // and two more at the end, as for all
      } else if (from[i] === From.Slot) {
        const source = at + payload[i] * 2;
        if (source + 2 > stackWords.length)
          throw damaged(`a value of frame ${this.frameCount - 1} lies above the stack`);
        words[to] = stackWords[source];
        words[to + 1] = stackWords[source + 1];
      } else if (from[i] === From.Const) {
        words[to] = lo[i];
        words[to + 1] = hi[i];
      } else {
        words[to] = this.registers.words[payload[i] * REGISTER_WORDS];
        words[to + 1] = this.registers.words[payload[i] * REGISTER_WORDS + 1];
      }
      // The upper half of a 32-bit value's slot or register is not part of it.
      if (type === ValType.I32 || type === ValType.F32) words[to + 1] = 0;
    }
    for (const word of plan.references) this.referenceWords.push(this.length + word);
    for (const word of plan.exceptions) this.exceptionWords.push(this.length + word);
    this.length = to;
  }

  /** Copies all of a v128 from a slot or a register. */
  private addVector(from: From, payload: number, at: number, to: number): void {
    const inSlot = from === From.Slot;
    const source = inSlot ? at + payload * 2 : payload * REGISTER_WORDS;
    const words = inSlot ? this.stackWords : this.registers.words;
    if (source + 4 > words.length) throw damaged(`a value of frame ${this.frameCount - 1} lies above the stack`);
    for (let i = 0; i < 4; i++) this.words[to + i] = words[source + i];
  }
}

/** A local with a register lives in it, but across calls, where all of them are in their slots. */
function localLocation(home: LocalHome, kind: FrameKind): Location {
  const inRegister = kind === 'loop' && home.reg !== NO_LOCAL_REG;
  const place = { type: home.type, slot: home.slot, local: 0, lo: 0, hi: 0 };
  return inRegister
    ? { ...place, kind: OPERAND_REG, reg: home.reg }
    : { ...place, kind: OPERAND_SLOT, reg: NO_LOCAL_REG };
}

function aliased({ local }: Location, locals: readonly Location[]): Location {
  if (local >= locals.length) throw damaged(`an operand is local ${local} of ${locals.length}`);
  return locals[local];
}

function makeColumns(site: number, frameBytes: number, values: readonly Location[], kind: FrameKind): Plan {
  const types = valueTypes(values);
  if (types.includes(0)) throw damaged('a value has no type');
  if (kind === 'call' && values.some((value) => value.kind === OPERAND_REG)) {
    throw damaged('a value is in a register across a call');
  }
  if (values.some(({ type, kind: where }) => type === TYPE_V128 && where === OPERAND_CONST)) {
    throw damaged('a v128 is a constant');
  }
  const references: number[] = [];
  const exceptions: number[] = [];
  let words = 0;
  for (const type of types) {
    if (type === ValType.FuncRef) references.push(words);
    else if (type === ValType.ExnRef) exceptions.push(words);
    words += cellsOf(type) * 2;
  }
  return {
    site,
    frameBytes,
    reach: values.reduce(
      (end, value, i) => (value.kind === OPERAND_SLOT ? Math.max(end, (value.slot + cellsOf(types[i])) * 8) : end),
      0,
    ),
    from: Uint8Array.from(values, (value) =>
      value.kind === OPERAND_REG ? From.Register : value.kind === OPERAND_CONST ? From.Const : From.Slot,
    ),
    payload: Int32Array.from(values, (value) => (value.kind === OPERAND_REG ? value.reg & 63 : value.slot)),
    lo: Uint32Array.from(values, ({ lo }) => lo),
    hi: Uint32Array.from(values, ({ hi }) => hi),
    types,
    words,
    references,
    exceptions,
  };
}

function grow(words: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(words);
  return grown;
}

function damaged(what: string): InputError {
  return new InputError('damaged-process', `the process's stack cannot be read: ${what}`);
}
