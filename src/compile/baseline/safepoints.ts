/**
 * The safepoints of the function being compiled, and what is where at each: rows of the site tables. They emit nothing
 * but a nop where two would coincide.
 */

import { type MacroAssembler, NO_REG } from '../../arch/masm/masm.js';
import { BugError } from '../../base/errors.js';
import { SITE_CALL, SITE_LOOP } from '../../image/contract/site-tables.js';
import type { FrameMapEncoder } from '../../image/tables/frame-map-encoder.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { ValType } from '../../wasm/module.js';
import type { CallLayout } from '../convention/call-layout.js';
import { entrySite } from '../convention/entry-site.js';
import type { BodyReader } from './body-reader.js';
import { Kind, type Operands } from './operands.js';

export class Safepoints {
  private lastOffset = -1;

  /** `tables`: undefined when the code has no safepoints, or no site tables are wanted. */
  constructor(
    private readonly masm: MacroAssembler,
    private readonly operands: Operands,
    private readonly reader: BodyReader,
    private readonly tables: SiteTables | undefined,
  ) {}

  /** The function's entry, before the prologue. */
  entry(layout: CallLayout): void {
    if (this.tables !== undefined) entrySite(this.tables, this.masm, layout);
    this.lastOffset = this.masm.offset;
  }

  /** A loop's header, which binds its label after `separate`. */
  loop(): void {
    const { tables } = this;
    if (tables !== undefined) this.describe(tables.shapes, this.operands.height, 0);
    this.end(SITE_LOOP);
  }

  /** After a call, with its results where the callee has put them. The lowest `count` operands are the frame's. */
  returned(count: number, { type, resultReg, resultSlots }: CallLayout): void {
    const { tables } = this;
    const { results } = type;
    if (tables !== undefined) {
      const { shapes } = tables;
      this.describe(shapes, count, results.length);
      if (resultReg !== NO_REG) shapes.register(results[0], resultReg);
      else for (let i = 0; i < results.length; i++) shapes.slot(results[i], resultSlots[i]);
    }
    this.end(SITE_CALL);
  }

  /** After the call of a builtin. @param result its type or 0 */
  builtinReturned(count: number, result: ValType | 0): void {
    const { tables } = this;
    if (tables !== undefined) {
      const { shapes } = tables;
      this.describe(shapes, count, result === 0 ? 0 : 1);
      if (result !== 0) shapes.register(result, this.masm.plan.resultInt);
    }
    this.end(SITE_CALL);
  }

  /**
   * Separates a safepoint that is about to be recorded from one at the same offset; and a forward label from a call's
   * return address: a branch to the label has not made the call, so no result is where that safepoint says.
   */
  separate(): void {
    if (this.masm.offset === this.lastOffset) this.masm.nop();
  }

  private describe(shapes: FrameMapEncoder, count: number, resultCount: number): void {
    const { kinds, types, lo, hi, frame } = this.operands;
    shapes.begin(count, resultCount);
    for (let at = 0; at < count; at++) {
      const type = types[at];
      switch (kinds[at] as Kind) {
        case Kind.Const:
          shapes.constant(type, lo[at], hi[at]);
          break;
        case Kind.Local:
          shapes.copy(type, lo[at]);
          break;
        case Kind.Slot:
          shapes.slot(type, frame.operandSlot(at) >>> 3);
          break;
        default:
          throw new BugError('an operand is in a register across a safepoint');
      }
    }
  }

  /** Offsets of safepoints must differ, with or without tables. */
  private end(kind: number): void {
    this.lastOffset = this.masm.offset;
    this.tables?.site(this.lastOffset, this.reader.instructionOffset(), kind);
  }
}
