/**
 * Tests and casts of references. Core spec 3.0, 4.6.
 *
 * The record of a function has the id of its type. As in a call through a table, that id is compared with the ids of
 * all subtypes of the target type in the image. For references of other kinds, only null matters: there are no objects.
 */

import { Cond, type Label, type Reg } from '../../arch/masm/masm.js';
import { FN_TYPE } from '../../image/contract/instance.js';
import { TRAP_CAST } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import { isTopType } from '../../wasm/ref-types.js';
import { TARGET_NULLABLE } from '../../wasm/validate-casts.js';
import { functionReturn, placeResults } from './branches.js';
import type { FunctionCompiler } from './compile-function.js';
import { Block } from './control.js';

export function refTest(c: FunctionCompiler, nullable: boolean): void {
  const { operands: o, masm } = c;
  const heap = c.readHeap();
  const reg = o.acquire(o.height - 1);
  const result = o.allocate(ValType.I32);
  const [yes, no, done] = [masm.newLabel(), masm.newLabel(), masm.newLabel()];
  test(c, reg, heap, nullable, yes, no);
  masm.bind(yes);
  masm.constant(result, 0, 1, 0);
  masm.jump(done);
  masm.bind(no);
  masm.constant(result, 0, 0, 0);
  masm.bind(done);
  o.pop();
  c.registers.unlock();
  o.pushReg(ValType.I32, result);
}

/** The operand stays what it is. */
export function refCast(c: FunctionCompiler, nullable: boolean): void {
  const { operands: o, masm } = c;
  const yes = masm.newLabel();
  const heap = c.readHeap();
  test(c, o.acquire(o.height - 1), heap, nullable, yes, c.traps.label(TRAP_CAST));
  masm.bind(yes);
  c.registers.unlock();
}

/**
 * @param onFailure branches with a reference that is not of the type, else with one that is; when not taken, the
 * reference stays
 */
export function brOnCast(c: FunctionCompiler, onFailure: boolean): void {
  const { operands: o, masm, control } = c;
  const nullable = (c.bytes[c.position++] & TARGET_NULLABLE) !== 0;
  const at = control.depth - 1 - c.readU32();
  c.readHeap(); // of the operand
  const heap = c.readHeap();
  const toFunction = control.kinds[at] === Block.Function;
  if (!toFunction) control.conform(at);
  const [yes, no] = [masm.newLabel(), masm.newLabel()];
  test(c, o.acquire(o.height - 1), heap, nullable, yes, no);
  c.registers.unlock();
  masm.bind(yes);
  const stay = onFailure ? masm.newLabel() : no;
  if (onFailure) {
    masm.jump(stay);
    masm.bind(no);
  }
  if (toFunction) functionReturn(c, o.height);
  else {
    placeResults(c, at, o.height);
    masm.jump(control.leave(at));
  }
  masm.bind(stay);
}

/**
 * Tests whether a reference is of a type. If so, jumps to `yes` or falls through; the caller binds `yes` right after.
 *
 * @param heap as in the binary format
 */
function test(c: FunctionCompiler, reg: Reg, heap: number, nullable: boolean, yes: Label, no: Label): void {
  const { masm } = c;
  if (heap < 0) {
    const others = isTopType(heap);
    // No reference at all is of a type without null below a top type.
    if (!nullable && !others) masm.jump(no);
    else if (nullable !== others) {
      masm.testZero(1, reg);
      masm.branch(others ? Cond.Eq : Cond.Ne, no);
    }
    return;
  }
  masm.testZero(1, reg);
  masm.branch(Cond.Eq, nullable ? yes : no);
  const accepted = c.layout.acceptedTypes(heap);
  accepted.forEach((id, i) => {
    masm.compareFieldImm(0, reg, FN_TYPE, id);
    if (i < accepted.length - 1) masm.branch(Cond.Eq, yes);
    else masm.branch(Cond.Ne, no);
  });
}
