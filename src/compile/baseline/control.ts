/**
 * The control frames at compile time, and the state that every path to a label agrees on.
 *
 * At a label the operands below its block are slots or constants on every path (they are flushed when the block is
 * entered). A single result travels in the result register, several results and all loop parameters in their slots. For
 * pinned locals the first branch to a forward label decides which are expected in registers; later branches conform
 * with loads and stores. At a loop header all pinned locals are.
 */

import type { Label, MacroAssembler } from '../../arch/masm/masm.js';
import type { FuncType } from '../../wasm/module.js';
import type { Operands } from './operands.js';

export const enum Block {
  Function,
  Block,
  Loop,
  If,
  Else,
  Try,
  Catch, // a body of a legacy try, with catch or catch_all
}

export class ControlStack {
  depth = 0;
  kinds = new Uint8Array(32);
  labels = new Int32Array(32);
  elseLabels = new Int32Array(32);
  /** Height of the value stack below the block's parameters. */
  heights = new Int32Array(32);
  types: FuncType[] = [];
  /** Whether some branch has decided the label's state. */
  decided = new Uint8Array(32);
  validAt = new Int32Array(32);
  cleanAt = new Int32Array(32);
  /** State at the start of an else arm. */
  elseValid = new Int32Array(32);
  elseClean = new Int32Array(32);
  /** For br_table: the label of the stub that leads to a frame, -1 for none. */
  stubs = new Int32Array(32);
  private targetScratch = new Int32Array(64);
  /** The handler (image/tables/handler-table.ts) of exceptions thrown inside, -1 for none. */
  handlers = new Int32Array(32);
  /** Of a legacy try: its own handler. It stays here while the catch bodies are compiled. */
  tries = new Int32Array(32);

  constructor(
    private readonly masm: MacroAssembler,
    private readonly operands: Operands,
  ) {}

  reset(maxDepth: number): void {
    this.depth = 0;
    if (maxDepth + 1 <= this.kinds.length) return;
    const size = (maxDepth + 1) * 2;
    this.kinds = new Uint8Array(size);
    this.labels = new Int32Array(size);
    this.elseLabels = new Int32Array(size);
    this.heights = new Int32Array(size);
    this.decided = new Uint8Array(size);
    this.validAt = new Int32Array(size);
    this.cleanAt = new Int32Array(size);
    this.elseValid = new Int32Array(size);
    this.elseClean = new Int32Array(size);
    this.stubs = new Int32Array(size);
    this.handlers = new Int32Array(size);
    this.tries = new Int32Array(size);
  }

  push(kind: Block, type: FuncType, height: number): number {
    const at = this.depth++;
    this.kinds[at] = kind;
    this.types[at] = type;
    this.heights[at] = height;
    this.labels[at] = this.masm.newLabel();
    this.decided[at] = 0;
    this.handlers[at] = at > 0 ? this.handlers[at - 1] : -1;
    return at;
  }

  /** Sets the handler of exceptions thrown from here on in the innermost frame. Returns the previous one. */
  setHandler(handler: number): number {
    const before = this.handlers[this.depth - 1];
    this.handlers[this.depth - 1] = handler;
    return before;
  }

  /** The handler of what is thrown here, or -1. */
  handler(): number {
    return this.handlers[this.depth - 1];
  }

  /** Height of the value stack below the innermost block. */
  height(): number {
    return this.heights[this.depth - 1];
  }

  /** Room for the targets of a br_table. */
  targets(count: number): Int32Array {
    if (count > this.targetScratch.length) this.targetScratch = new Int32Array(count * 2);
    return this.targetScratch;
  }

  /** How many values a branch to frame `at` carries. */
  arity(at: number): number {
    return this.kinds[at] === Block.Loop ? this.types[at].params.length : this.types[at].results.length;
  }

  /** Whether a branch to frame `at` carries its value in the result register. */
  inRegister(at: number): boolean {
    return this.kinds[at] !== Block.Loop && this.types[at].results.length === 1;
  }

  /** Brings the pinned locals into the state that the label expects; decides that state if no branch has. */
  conform(at: number): void {
    const { operands } = this;
    if (this.kinds[at] === Block.Loop) operands.pins.load(-1);
    else if (this.decided[at] === 0) this.decide(at, operands.pins.valid);
    else {
      operands.pins.load(this.validAt[at]);
      operands.pins.store(~this.validAt[at]);
    }
  }

  decide(at: number, valid: number): void {
    this.decided[at] = 1;
    this.validAt[at] = valid;
    this.cleanAt[at] = -1;
  }

  /** Notes that a branch leaves for the label with the state as it is. */
  leave(at: number): Label {
    this.cleanAt[at] &= this.operands.pins.clean;
    return this.labels[at];
  }

  /** Binds a forward label: from here on the state is what its branches agreed on. */
  arrive(at: number): void {
    this.masm.bind(this.labels[at]);
    this.operands.pins.valid = this.validAt[at];
    this.operands.pins.clean = this.cleanAt[at] & this.operands.frame.allPins;
  }
}
