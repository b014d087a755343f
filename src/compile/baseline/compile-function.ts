/**
 * The function being compiled, as the files of its instructions see it: what is read, what is where, how operands are
 * taken and results given. One object serves all functions of a module, one after the other; it holds the parts that
 * know the operands (operands.ts), the labels (control.ts), the safepoints and the traps. instance-compiler.ts is the
 * pass over a function.
 */

import { type MacroAssembler, NO_REG, type Reg, Width } from '../../arch/masm/masm.js';
import { LimitError } from '../../base/errors.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import { Column } from '../../image/tables/site-tables.js';
import { ExternKind, type FunctionSummary, type ValType } from '../../wasm/module.js';
import { Op } from '../../wasm/opcodes.js';
import { CallLayout } from '../convention/call-layout.js';
import type { CodeEnvironment } from '../convention/environment.js';
import type { Debugging } from '../debugging.js';
import type { InstanceInput } from '../generator.js';
import { BodyReader } from './body-reader.js';
import { Condition, Pending } from './condition.js';
import { ControlStack } from './control.js';
import { DirectCalls } from './direct-calls.js';
import { Frame } from './frame.js';
import type { OperandRegisters } from './operand-registers.js';
import { Operands } from './operands.js';
import { ParallelMove } from './parallel-move.js';
import { PendingLandings } from './pending-landings.js';
import type { Pins } from './pins.js';
import { Safepoints } from './safepoints.js';
import { Traps } from './traps.js';

/** A body offset must fit a trap site's 27 bits. */
const MAX_BODY = 1 << 27;
/** Slots must fit the 20 bits of .wagsnap.locals, their offsets what MacroAssembler says. */
const MAX_FRAME = 1 << 23;

export class FunctionCompiler extends BodyReader {
  readonly frame: Frame;
  readonly operands: Operands;
  readonly registers: OperandRegisters;
  readonly pins: Pins;
  readonly control: ControlStack;
  readonly condition = new Condition();
  readonly safepoints: Safepoints;
  readonly traps: Traps;
  readonly argumentMove: ParallelMove;
  readonly directCalls: DirectCalls;
  readonly landings = new PendingLandings();
  readonly deterministic: boolean;
  readonly layout: InstanceLayout;
  readonly environment: CodeEnvironment;
  lacksTailRoom = false;
  /** In the host layer: the intrinsic that each imported function is (intrinsics.ts). */
  readonly intrinsics: readonly (string | undefined)[] | undefined;
  reachable = true;
  /**
   * Whether the function is compiled inline, as a part of other code. Then `returns` holds its jumps to the code after
   * it.
   */
  isInline = false;
  readonly returns = new Column(); // handles
  ownLayout!: CallLayout;
  /** The function being compiled. */
  funcIndex = 0;
  /** Whether it is compiled the plain way (debugging.ts). */
  isPlain = false;
  private readonly callLayouts: (CallLayout | undefined)[] = [];
  private readonly assigned = new AssignedLocal();

  private readonly file: string;

  constructor(
    readonly masm: MacroAssembler,
    { module, layout, environment, file }: InstanceInput,
    private readonly debugging?: Debugging,
  ) {
    super(module);
    this.layout = layout;
    this.environment = environment;
    this.file = file;
    const { sites, isHost } = environment;
    this.frame = new Frame(masm.plan, environment.variation);
    this.operands = new Operands(masm, this.frame);
    this.registers = this.operands.registers;
    this.pins = this.operands.pins;
    this.control = new ControlStack(masm, this.operands);
    this.safepoints = new Safepoints(masm, this.operands, this, isHost ? undefined : sites);
    this.traps = new Traps(masm, this, this.frame, this.pins, sites);
    this.argumentMove = new ParallelMove(masm, this.operands);
    this.directCalls = new DirectCalls(masm);
    this.deterministic = environment.deterministic;
    if (isHost) {
      const functions = module.imports.filter((entry) => entry.kind === ExternKind.Func);
      this.intrinsics = functions.map((entry) => (entry.module === 'native' ? entry.name : undefined));
    }
  }

  /** The epilogue; results are where the caller expects them. */
  leaveFunction(): void {
    this.masm.leave(this.frame.size);
    if (this.isInline) this.returns.push(this.masm.jumpTo());
    else this.masm.ret();
  }

  /** Lays out the frame and forgets the function before. @throws LimitError */
  begin(funcIndex: number, summary: FunctionSummary): void {
    const { module, frame } = this;
    const { tailSlots } = this.environment;
    const defined = funcIndex - module.importedFuncCount;
    if (module.bodyEnd[defined] - module.bodyStart[defined] >= MAX_BODY) {
      throw new LimitError(
        'function-size',
        `${this.file}: function ${funcIndex} has a body of more than ${MAX_BODY} bytes`,
      );
    }
    this.funcIndex = funcIndex;
    this.ownLayout = this.callLayout(module.funcTypes[funcIndex]);
    this.isPlain = this.debugging?.plain?.(funcIndex) === true;
    frame.layOut(summary, this.ownLayout, this.outgoingSlots(summary), !this.isPlain);
    if (frame.incomingSlot(Math.max(this.ownLayout.slots, tailSlots)) > MAX_FRAME) {
      throw new LimitError('frame-size', `${this.file}: function ${funcIndex} needs a frame of ${frame.size} bytes`);
    }
    this.operands.reset(summary.maxHeight);
    this.control.reset(summary.maxControlDepth);
    this.masm.resetLabels();
    this.landings.reset();
    this.traps.reset();
    this.assigned.local = -1;
    this.condition.pending = Pending.None;
    this.reachable = true;
    this.bodyStart = module.bodyStart[defined];
    this.position = summary.codeStart;
  }

  /**
   * Slots of the outgoing area: as many as the largest call needs, and at least tailSlots, for tail calls of callees.
   */
  private outgoingSlots({ callCount, calledTypes, calledTypeCount }: FunctionSummary): number {
    let slots = callCount > 0 ? this.environment.tailSlots : 0;
    for (let i = 0; i < calledTypeCount; i++) slots = Math.max(slots, this.callLayout(calledTypes[i]).slots);
    return slots;
  }

  callLayout(typeIndex: number): CallLayout {
    return (this.callLayouts[typeIndex] ??= new CallLayout(this.module.types[typeIndex], this.masm.plan));
  }

  /**
   * Pops the operands of an instruction and gives the register for its result: the pinned register of the local that
   * the next instruction sets, else `preferred` if it is free, else any. finish() must follow.
   * @param popped how many operands there are; 0 also when they are popped already
   */
  destination(type: ValType, preferred: Reg, popped = 0): Reg {
    const { bytes, operands } = this;
    for (let i = 0; i < popped; i++) operands.pop();
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
        this.assigned.local = local;
        this.assigned.end = endAt;
        return reg;
      }
    }
    return operands.allocatePreferring(type, preferred);
  }

  /** The pin, as a mask, of the local whose register destination() gave; 0 when it gave none. */
  get resultPin(): number {
    const { local } = this.assigned;
    return local < 0 ? 0 : 1 << this.frame.pins[local];
  }

  /** Pushes the result, which is in the register that destination() gave. Ends the instruction. */
  finish(type: ValType, reg: Reg): void {
    const { operands, assigned } = this;
    const { local } = assigned;
    this.registers.unlock();
    if (local < 0) {
      operands.pushReg(type, reg);
      return;
    }
    assigned.local = -1;
    this.pins.wrote(this.frame.pins[local]);
    if (this.bytes[this.position] === Op.LocalTee) operands.pushLocal(local);
    this.position = assigned.end;
  }

  /** Address of a memory, table or segment record into a register. */
  recordAddress(dst: Reg, isPointer: boolean, offset: number): void {
    const { masm } = this;
    if (isPointer) masm.loadField(Width.Int64, dst, masm.plan.instance, offset);
    else masm.address(dst, this.layout.start + offset);
  }

  /** After a call that may throw: says what catches it. */
  noteHandler(): void {
    const handler = this.control.handler();
    if (handler >= 0) this.environment.handlers.site(this.masm.offset, handler);
  }
}

/**
 * The pinned local that takes the result of the instruction at hand because the next instruction sets it. Valid between
 * destination() and finish().
 */
class AssignedLocal {
  local = -1; // -1: none
  /** Position after the instruction that sets it. */
  end = 0;
}
