/**
 * The baseline code generator: one pass over a validated function body, no intermediate representation.
 *
 * This file is the pass itself: what stands before, in and after a function's code, and where its calls go. The object
 * that it hands from instruction to instruction is in compile-function.ts. instruction.ts has a line per opcode, which
 * names the function for it in one of the instruction files (integers.ts, memory.ts, branches.ts, calls.ts, …).
 */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { FUNC_GUEST, FUNC_HOST } from '../../image/contract/site-tables.js';
import { skipDeadCode } from '../../wasm/skip.js';
import { FunctionValidator } from '../../wasm/validate.js';
import type { Debugging } from '../debugging.js';
import type { DirectCallLists, InstanceCode, InstanceInput } from '../generator.js';
import { FunctionCompiler } from './compile-function.js';
import { Block } from './control.js';
import { emitLandings } from './exceptions.js';
import { instruction } from './instruction.js';
import { prologue } from './prologue.js';

export class InstanceCompiler implements InstanceCode {
  readonly functionOffsets: Int32Array;
  private readonly c: FunctionCompiler;
  private readonly validator: FunctionValidator;

  constructor(
    masm: MacroAssembler,
    instance: InstanceInput,
    private readonly debugging?: Debugging,
  ) {
    const { module, file } = instance;
    this.c = new FunctionCompiler(masm, instance, debugging);
    this.validator = new FunctionValidator(module, file);
    this.functionOffsets = new Int32Array(module.bodyStart.length).fill(-1);
  }

  get lacksTailRoom(): boolean {
    return this.c.lacksTailRoom;
  }

  compile(funcIndex: number): void {
    const { c } = this;
    const { masm, module, environment, frame } = c;
    const { sites } = environment;
    const defined = funcIndex - module.importedFuncCount;
    const summary = this.validator.validate(funcIndex);
    c.begin(funcIndex, summary);
    this.functionOffsets[defined] = masm.offset;
    if (sites !== undefined) {
      const kind = environment.isHost ? FUNC_HOST : FUNC_GUEST;
      sites.beginFunction(masm.offset, c.layout.index, funcIndex, frame.size, kind);
      frame.describe(sites);
    }
    c.safepoints.entry(c.ownLayout);
    prologue(c);
    c.control.push(Block.Function, c.ownLayout.type, 0);
    this.instructions(module.bodyEnd[defined]);
    emitLandings(c);
    c.traps.emit();
    masm.flushConstants();
    sites?.endFunction(masm.offset);
  }

  compileInline(funcIndex: number): void {
    const { masm, returns, module } = this.c;
    const defined = funcIndex - module.importedFuncCount;
    const offset = this.functionOffsets[defined];
    this.c.isInline = true;
    this.compile(funcIndex);
    this.c.isInline = false;
    this.functionOffsets[defined] = offset;
    for (let i = 0; i < returns.length; i++) masm.patchJump(returns.words[i], masm.offset);
    returns.length = 0;
  }

  takeCalls(): DirectCallLists {
    return this.c.directCalls.take();
  }

  adopt(first: number, offsets: Int32Array, calls: DirectCallLists, textOffset: number): void {
    for (let i = 0; i < offsets.length; i++) this.functionOffsets[first + i] = offsets[i] + textOffset;
    this.c.directCalls.adopt(calls, textOffset);
  }

  link(): void {
    this.c.directCalls.link(this.functionOffsets);
  }

  private instructions(end: number): void {
    const { c } = this;
    if (this.debugging?.onInstruction !== undefined) {
      this.observedInstructions(end, this.debugging.onInstruction);
      return;
    }
    const { bytes } = c;
    while (c.position < end) {
      if (!c.reachable) c.position = skipDeadCode(bytes, c.position);
      c.instructionStart = c.position;
      instruction(c, bytes[c.position++]);
    }
  }

  private observedInstructions(end: number, onInstruction: NonNullable<Debugging['onInstruction']>): void {
    const { c } = this;
    while (c.position < end) {
      if (!c.reachable) c.position = skipDeadCode(c.bytes, c.position);
      c.instructionStart = c.position;
      onInstruction(c.funcIndex, c.instructionOffset(), c.masm.offset);
      instruction(c, c.bytes[c.position++]);
    }
  }
}
