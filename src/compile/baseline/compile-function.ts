/**
 * The baseline code generator: one pass over a validated function body, no intermediate representation.
 *
 * This file is the pass itself: prologue, the instruction loop with one line per opcode, out-of-line traps, and the
 * services that the instruction files (integers.ts, floats.ts, vectors.ts, comparisons.ts, memory.ts, tables.ts, locals.ts,
 * branches.ts, calls.ts, tail-calls.ts, intrinsics.ts) share. One object compiles all functions of a module, one after
 * the other.
 */

import {
  Cond,
  entrySlots,
  FLOAT_BASE,
  type Label,
  type MacroAssembler,
  NO_REG,
  type Reg,
  Width,
} from '../../arch/masm.js';
import { BugError, LimitError } from '../../errors.js';
import { FUNC_GUEST, FUNC_HOST, SITE_ENTRY, TRAP_UNREACHABLE } from '../../runtime/layout.js';
import { type InstanceLayout, typeCode } from '../image/instance-layout.js';
import { Column, type SiteTables } from '../metadata/site-tables.js';
import { type Module, ValType } from '../wasm/module.js';
import { Op } from '../wasm/opcodes.js';
import { FunctionValidator } from '../wasm/validate.js';
import { BodyReader } from './body-reader.js';
import * as branches from './branches.js';
import { CallLayout, slotsOf, widthOf } from './call-layout.js';
import * as calls from './calls.js';
import { Condition, Pending, select } from './comparisons.js';
import { Block, ControlStack } from './control.js';
import type { CodeEnvironment } from './environment.js';
import * as exceptions from './exceptions.js';
import { Frame } from './frame.js';
import { instruction } from './instruction.js';
import { intrinsic } from './intrinsics.js';
import { Kind, Operands } from './operands.js';
import { skipInstruction } from './skip.js';

/** A body offset must fit a trap site's 27 bits. */
const MAX_BODY = 1 << 27;
/** Slots must fit the 20 bits of .wagsnap.locals, their offsets what MacroAssembler says. */
const MAX_FRAME = 1 << 23;

export class FunctionCompiler extends BodyReader {
  readonly frame: Frame;
  readonly operands: Operands;
  readonly control: ControlStack;
  readonly condition = new Condition();
  readonly deterministic: boolean;
  /** Text offset of each defined function, -1 before it is compiled. */
  readonly functionOffsets: Int32Array;
  reachable = true;
  ownLayout: CallLayout;
  /** The register with the address of the memory being accessed, see memory-access.ts. */
  accessBase: Reg = NO_REG;
  /** Offset of the table record being accessed, behind the register that tables.ts names. */
  recordOffset = 0;
  readonly landings = new exceptions.PendingLandings();
  /** Scratch of calls.ts. */
  readonly argumentRegs = new Uint8Array(16);
  moveFrom = new Uint8Array(64);
  readonly readers = new Uint8Array(64);
  private readonly validator: FunctionValidator;
  private readonly callLayouts: CallLayout[];
  private readonly intrinsics: (string | undefined)[] | undefined;
  private readonly calls = new Column(); // handle, defined function index
  private readonly tailJumps = new Column(); // the same, of tail calls
  private trapCount = 0;
  private traps = new Int32Array(192); // label, kind, body offset
  private lastSite = -1;
  private hint = -1; // the local that the next instruction sets from the result
  private hintEnd = 0;
  private opStart = 0;
  private bodyStart = 0;
  private labelScratch = new Int32Array(64);
  private depthScratch = new Int32Array(64);
  private siteTables: SiteTables | undefined;

  constructor(
    readonly masm: MacroAssembler,
    module: Module,
    readonly layout: InstanceLayout,
    readonly environment: CodeEnvironment,
    private readonly file: string,
  ) {
    super(module);
    this.callLayouts = module.types.map((type) => new CallLayout(type, masm.plan));
    this.validator = new FunctionValidator(
      module,
      Uint32Array.from(this.callLayouts, (call) => call.slots),
      file,
    );
    this.frame = new Frame(masm.plan, environment.variation);
    this.operands = new Operands(masm, this.frame);
    this.control = new ControlStack(masm, this.operands);
    this.deterministic = environment.deterministic;
    this.functionOffsets = new Int32Array(module.bodyStart.length).fill(-1);
    this.ownLayout = this.callLayouts[0];
    if (environment.isHost) {
      const functions = module.imports.filter((entry) => entry.kind === 0);
      this.intrinsics = functions.map((entry) => (entry.module === 'native' ? entry.name : undefined));
    }
  }

  /** Validates and compiles function `funcIndex` at masm.offset. Throws ModuleError where it is invalid. */
  compile(funcIndex: number): void {
    const { masm, module, frame, operands, control, environment } = this;
    const defined = funcIndex - module.importedFuncCount;
    const summary = this.validator.validate(funcIndex);
    this.bodyStart = module.bodyStart[defined];
    if (module.bodyEnd[defined] - this.bodyStart >= MAX_BODY) {
      throw new LimitError(
        'function-size',
        `${this.file}: function ${funcIndex} has a body of more than ${MAX_BODY} bytes`,
      );
    }
    this.ownLayout = this.callLayouts[module.funcTypes[funcIndex]];
    const { tailSlots } = environment;
    if (summary.callCount > 0 && summary.maxOutgoingSlots < tailSlots) summary.maxOutgoingSlots = tailSlots;
    frame.layOut(summary, this.ownLayout);
    if (frame.incomingSlot(Math.max(this.ownLayout.slots, tailSlots)) > MAX_FRAME) {
      throw new LimitError('frame-size', `${this.file}: function ${funcIndex} needs a frame of ${frame.size} bytes`);
    }
    operands.reset(summary.maxHeight);
    control.reset(summary.maxControlDepth);
    masm.resetLabels();
    this.landings.reset();
    this.trapCount = 0;
    this.lastSite = -1;
    this.hint = -1;
    this.condition.pending = Pending.None;
    this.reachable = true;
    this.position = summary.codeStart;
    this.functionOffsets[defined] = masm.offset;
    const sites = environment.sites;
    if (sites !== undefined) {
      const kind = environment.isHost ? FUNC_HOST : FUNC_GUEST;
      sites.beginFunction(masm.offset, this.layout.index, funcIndex, frame.size, kind);
      frame.describe(sites);
    }
    this.siteTables = environment.isHost ? undefined : sites;
    this.prologue();
    control.push(Block.Function, this.ownLayout.type, 0);
    this.body(module.bodyEnd[defined]);
    exceptions.emitLandings(this);
    this.emitTraps();
    masm.flushConstants();
    if (sites !== undefined) sites.endFunction(masm.offset);
  }

  /** Patches the direct calls, once all functions of the module are compiled. */
  linkCalls(): void {
    const { words, length } = this.calls;
    for (let i = 0; i < length; i += 2) this.masm.patchCall(words[i], this.functionOffsets[words[i + 1]]);
    this.calls.length = 0;
    const jumps = this.tailJumps;
    for (let i = 0; i < jumps.length; i += 2) {
      this.masm.patchJump(jumps.words[i], this.functionOffsets[jumps.words[i + 1]]);
    }
    jumps.length = 0;
  }

  // -- prologue

  private prologue(): void {
    const { masm, frame, operands, ownLayout } = this;
    const { paramRegs, paramSlots } = ownLayout;
    const sites = this.siteTables;
    if (sites !== undefined) {
      sites.beginShape(paramRegs.length, 0);
      for (let i = 0; i < paramRegs.length; i++) {
        const type = typeCode(frame.types[i]);
        if (paramRegs[i] !== NO_REG) sites.register(type, paramRegs[i]);
        else sites.slot(type, entrySlots(masm.plan) + paramSlots[i]);
      }
      sites.site(masm.offset, 0, SITE_ENTRY);
    }
    this.lastSite = masm.offset;
    masm.enter(frame.size);
    for (let i = 0; i < paramRegs.length; i++) {
      const reg = frame.registers[i];
      const arrived = paramRegs[i];
      const type = frame.types[i];
      if (reg === NO_REG) {
        if (arrived !== NO_REG) masm.storeSlot(widthOf(type), arrived, frame.homes[i]);
      } else {
        if (arrived !== NO_REG) operands.moveReg(type, reg, arrived);
        else masm.loadSlot(widthOf(type), reg, frame.homes[i]);
        operands.wrotePin(frame.pins[i]);
        if (arrived === NO_REG) operands.clean |= 1 << frame.pins[i];
      }
    }
    this.zeroLocals(paramRegs.length);
  }

  /** Slots are zeroed from a register when there are several: the instruction is shorter than one with an immediate. */
  private zeroLocals(first: number): void {
    const { masm, frame, operands } = this;
    let inSlots = 0;
    for (let i = first; i < frame.localCount; i++) {
      const reg = frame.registers[i];
      if (reg === NO_REG) {
        inSlots += slotsOf(frame.types[i]);
        continue;
      }
      if (frame.types[i] === ValType.V128) masm.vectorConstant(reg, 0, 0, 0, 0);
      else if (reg >= FLOAT_BASE) masm.floatConstant(reg, 1, 0, 0);
      else masm.constant(reg, 1, 0, 0);
      operands.wrotePin(frame.pins[i]);
    }
    if (inSlots > 1) masm.constant(masm.scratch, 1, 0, 0);
    for (let i = first; i < frame.localCount && inSlots > 0; i++) {
      if (frame.registers[i] !== NO_REG) continue;
      if (inSlots > 1) masm.storeSlot(Width.Int64, masm.scratch, frame.homes[i]);
      else masm.storeSlotConstant(1, frame.homes[i], 0, 0);
      if (frame.types[i] === ValType.V128) masm.storeSlot(Width.Int64, masm.scratch, frame.homes[i] + 8);
    }
  }

  // -- services for the instruction files

  callLayout(typeIndex: number): CallLayout {
    const layout = this.callLayouts[typeIndex];
    if (layout.paramRegs.length > this.moveFrom.length) this.moveFrom = new Uint8Array(layout.paramRegs.length);
    return layout;
  }

  /** Height of the value stack below the innermost block. */
  blockHeight(): number {
    return this.control.heights[this.control.depth - 1];
  }

  /**
   * The register for a result, its operands being popped: the pinned register of the local that the next instruction
   * sets, else `preferred` if it is free, else any. finish() must follow.
   */
  destination(type: ValType, preferred: Reg): Reg {
    const { bytes, operands } = this;
    const next = bytes[this.position];
    if (next === Op.LocalSet || next === Op.LocalTee) {
      let local = bytes[this.position + 1];
      let endAt = this.position + 2;
      if (local >= 0x80) {
        const high = bytes[this.position + 2];
        if (high >= 0x80) return operands.allocatePreferring(type, preferred);
        local = (local & 0x7f) | (high << 7);
        endAt++;
      }
      const reg = this.frame.registers[local];
      if (reg !== NO_REG && operands.hasNoAlias(local)) {
        this.hint = local;
        this.hintEnd = endAt;
        return reg;
      }
    }
    return operands.allocatePreferring(type, preferred);
  }

  /** The result is in the register that destination() gave. Ends the instruction. */
  finish(type: ValType, reg: Reg): void {
    const { operands } = this;
    operands.unlock();
    if (this.hint < 0) {
      operands.pushReg(type, reg);
      return;
    }
    const local = this.hint;
    this.hint = -1;
    operands.wrotePin(this.frame.pins[local]);
    if (this.bytes[this.position] === Op.LocalTee) operands.pushLocal(local);
    this.position = this.hintEnd;
  }

  /** Address of a memory, table or segment record into a register. */
  recordAddress(dst: Reg, isPointer: boolean, offset: number): void {
    const { masm } = this;
    if (isPointer) masm.loadField(Width.Int64, dst, masm.plan.instance, offset);
    else masm.address(dst, this.layout.start + offset);
  }

  callDefined(funcIndex: number): void {
    this.calls.reserve(2);
    this.calls.push(this.masm.call());
    this.calls.push(funcIndex - this.module.importedFuncCount);
  }

  jumpDefined(funcIndex: number): void {
    this.tailJumps.reserve(2);
    this.tailJumps.push(this.masm.jumpTo());
    this.tailJumps.push(funcIndex - this.module.importedFuncCount);
  }

  tableLabels(count: number): Int32Array {
    if (count > this.labelScratch.length) this.labelScratch = new Int32Array(count * 2);
    return this.labelScratch;
  }

  // -- traps

  /** A label that traps with `kind` at the current instruction. */
  trapLabel(kind: number): Label {
    if (this.trapCount + 3 > this.traps.length) {
      const grown = new Int32Array(this.traps.length * 2);
      grown.set(this.traps);
      this.traps = grown;
    }
    const label = this.masm.newLabel();
    this.traps[this.trapCount++] = label;
    this.traps[this.trapCount++] = kind;
    this.traps[this.trapCount++] = this.opStart - this.bodyStart;
    return label;
  }

  trapIfZero(wide: number, reg: Reg, kind: number): void {
    this.masm.testZero(wide, reg);
    this.masm.branch(Cond.Eq, this.trapLabel(kind));
  }

  /** The instruction at masm.faultOffset may fault: that is a trap of `kind`. */
  trapSite(kind: number): void {
    this.environment.sites?.trap(this.masm.faultOffset, this.opStart - this.bodyStart, kind);
  }

  private emitTraps(): void {
    const { masm, traps, trapCount } = this;
    const { sites } = this.environment;
    for (let i = 0; i < trapCount; i += 3) {
      masm.bind(traps[i]);
      masm.trap();
      sites?.trap(masm.faultOffset, traps[i + 2], traps[i + 1]);
    }
  }

  // -- safepoints

  /** The tables when this code has safepoints and they are wanted. */
  beginSite(): SiteTables | undefined {
    return this.siteTables;
  }

  describeOperands(sites: SiteTables, count: number, resultCount: number): void {
    const { kinds, types, lo, hi } = this.operands;
    sites.beginShape(count, resultCount);
    for (let at = 0; at < count; at++) {
      const type = typeCode(types[at]);
      switch (kinds[at] as Kind) {
        case Kind.Const:
          sites.constant(type, lo[at], hi[at]);
          break;
        case Kind.Local:
          sites.alias(type, lo[at]);
          break;
        case Kind.Slot:
          sites.slot(type, this.frame.operandSlot(at) >>> 3);
          break;
        default:
          throw new BugError('an operand is in a register across a safepoint');
      }
    }
  }

  endSite(kind: number, textOffset: number): void {
    this.siteTables?.site(textOffset, this.opStart - this.bodyStart, kind);
  }

  /** Behind a call that may throw: says what catches it. */
  noteHandler(): void {
    const handler = this.control.handler();
    if (handler >= 0) this.environment.handlers.site(this.masm.offset, handler);
  }

  /** Text offsets of safepoints must differ: remembers this one, with or without tables. */
  noteSite(): void {
    this.lastSite = this.masm.offset;
  }

  /**
   * Separates a safepoint that is about to be recorded from one at the same offset; and a forward label from a call's
   * return address: who branches there has not made the call, its result is not where that safepoint says.
   */
  separateSite(): void {
    if (this.masm.offset === this.lastSite) this.masm.nop();
  }

  // -- the instruction loop

  private body(bodyEnd: number): void {
    const { bytes } = this;
    while (this.position < bodyEnd) {
      if (!this.reachable) {
        this.skipUnreachable();
        continue;
      }
      this.opStart = this.position;
      instruction(this, bytes[this.position++]);
    }
  }

  /** Passes over dead code up to what ends the innermost block or its arm, and does that one. */
  private skipUnreachable(): void {
    const { bytes } = this;
    let depth = 0;
    for (;;) {
      const op = bytes[this.position];
      if (op === Op.End || op === Op.Delegate) {
        if (depth-- === 0) break;
      } else if (op === Op.Else || op === Op.Catch || op === Op.CatchAll) {
        if (depth === 0) break;
      } else if (opensBlock(op)) depth++;
      this.position = skipInstruction(bytes, this.position);
    }
    this.opStart = this.position;
    instruction(this, bytes[this.position++]);
  }

  brTable(): void {
    const count = this.readU32() + 1;
    if (count > this.depthScratch.length) this.depthScratch = new Int32Array(count * 2);
    const depths = this.depthScratch;
    for (let i = 0; i < count; i++) depths[i] = this.readU32();
    branches.brTable(this, depths, count);
  }

  call(): void {
    const funcIndex = this.readU32();
    const name = this.intrinsics?.[funcIndex];
    if (name === undefined) calls.direct(this, funcIndex);
    else intrinsic(this, name, funcIndex);
  }

  callIndirect(): void {
    const typeIndex = this.readU32();
    calls.indirect(this, typeIndex, this.readU32());
  }

  selectTyped(): void {
    for (let count = this.readU32(); count > 0; count--) this.readValType();
    select(this);
  }

  returnInstruction(): void {
    branches.functionReturn(this, this.operands.height);
    this.reachable = false;
  }

  unreachable(): void {
    this.masm.trap();
    this.trapSite(TRAP_UNREACHABLE);
    this.reachable = false;
  }
}

function opensBlock(op: number): boolean {
  return op === Op.Block || op === Op.Loop || op === Op.If || op === Op.Try || op === Op.TryTable;
}
