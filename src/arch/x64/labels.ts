/**
 * Labels and jumps to them.
 *
 * A forward jump has a 32-bit displacement; until the label is bound, that field holds the position of the label's
 * previous fixup (0 ends the chain: no field can be at 0, an opcode precedes it). So fixups take no memory of their
 * own. Backward jumps take the short form when it reaches. `skip…` are forward jumps of at most 127 bytes inside one
 * macro-instruction.
 */

import { BugError } from '../../base/errors.js';
import { Cond, type Label } from '../masm/masm.js';
import { Emitter } from './emitter.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';

/** By Cond: the condition code that holds. Those of FEq and FNe hold together with the parity flag, see there. */
export const CODE_OF = new Uint8Array([
  CC.E,
  CC.NE,
  CC.L,
  CC.B,
  CC.G,
  CC.A,
  CC.LE,
  CC.BE,
  CC.GE,
  CC.AE,
  CC.E,
  CC.NE,
  CC.A,
  CC.A,
  CC.AE,
  CC.AE,
]);

export class LabelEmitter extends Emitter {
  /** By label: text offset, or -1 while unbound. */
  private positions = new Int32Array(64);
  /** By label: position of its last fixup, 0 for none. */
  private fixups = new Int32Array(64);
  private labelCount = 0;
  private unbound = 0;

  resetLabels(): void {
    if (this.unbound !== 0) throw new BugError('a label was used but not bound');
    this.labelCount = 0;
  }

  newLabel(): Label {
    const label = this.labelCount++;
    if (label === this.positions.length) {
      this.positions = doubled(this.positions);
      this.fixups = doubled(this.fixups);
    }
    this.positions[label] = -1;
    this.fixups[label] = 0;
    return label;
  }

  bind(label: Label): void {
    const target = this.at;
    this.positions[label] = target;
    let field = this.fixups[label];
    if (field === 0) return;
    this.unbound--;
    while (field !== 0) {
      const previous = this.readInt32(field);
      this.writeInt32(field, target - (field + 4));
      field = previous;
    }
  }

  jump(label: Label): void {
    const target = this.positions[label];
    if (target >= 0) {
      const near = target - (this.at + 2);
      if (near >= -128) this.i(X.jmp_rel8, near);
      else this.i(X.jmp_rel32, target - (this.at + 5));
      return;
    }
    this.i(X.jmp_rel32, 0);
    this.addFixup(label);
  }

  protected jumpIf(code: CC, label: Label): void {
    const target = this.positions[label];
    if (target >= 0) {
      const near = target - (this.at + 2);
      if (near >= -128) this.i(X.jcc_rel8[code], near);
      else this.i(X.jcc_rel32[code], target - (this.at + 6));
      return;
    }
    this.i(X.jcc_rel32[code], 0);
    this.addFixup(label);
  }

  branch(cond: Cond, label: Label): void {
    if (cond === Cond.FEq) {
      const unordered = this.skipIf(CC.P);
      this.jumpIf(CC.E, label);
      this.skipTo(unordered);
      return;
    }
    if (cond === Cond.FNe) this.jumpIf(CC.P, label);
    this.jumpIf(CODE_OF[cond], label);
  }

  branchUnless(cond: Cond, label: Label): void {
    if (cond === Cond.FEq) this.branch(Cond.FNe, label);
    else if (cond === Cond.FNe) this.branch(Cond.FEq, label);
    else this.jumpIf(CODE_OF[cond] ^ 1, label);
  }

  /** Emits a 32-bit field of a table: where the label is, counted from the field's end. */
  protected labelField(label: Label): void {
    const at = this.reserve();
    this.at = at + 4;
    const target = this.positions[label];
    if (target >= 0) this.writeInt32(at, target - this.at);
    else this.addFixup(label);
  }

  /** A short forward jump; give the result to skipTo. */
  protected skipIf(code: CC): number {
    this.i(X.jcc_rel8[code], 0);
    return this.at;
  }

  protected skip(): number {
    this.i(X.jmp_rel8, 0);
    return this.at;
  }

  protected skipTo(skip: number): void {
    const distance = this.at - skip;
    if (distance > 127) throw new BugError('a short jump does not reach');
    this.bytes[skip - 1] = distance;
  }

  /** The last four bytes emitted are a field that wants the label. */
  private addFixup(label: Label): void {
    const field = this.at - 4;
    const previous = this.fixups[label];
    if (previous === 0) this.unbound++;
    this.writeInt32(field, previous);
    this.fixups[label] = field;
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const result = new Int32Array(array.length * 2);
  result.set(array);
  return result;
}
