/** Locals and globals. Core spec 4.4.5 (variable instructions). */

import { NO_REG, Width } from '../../arch/masm/masm.js';
import { erased } from '../../wasm/ref-types.js';
import { isFloat, widthOf } from '../convention/call-layout.js';
import type { FunctionCompiler } from './compile-function.js';

export function tee(c: FunctionCompiler, local: number): void {
  c.operands.setLocal(local);
  c.operands.pushLocal(local);
}

export function globalGet(c: FunctionCompiler, index: number): void {
  const { operands: o, masm, layout } = c;
  const type = erased(c.module.globals[index].type);
  const constant = c.environment.constantGlobal(index);
  if (constant !== undefined) {
    o.pushConst(type, constant.lo, constant.hi);
    return;
  }
  const width = widthOf(type);
  const offset = layout.globalOffset(index);
  if (!layout.globalIsImported(index)) {
    const dst = c.destination(type, NO_REG);
    masm.loadField(width, dst, masm.plan.instance, offset);
    c.finish(type, dst);
    return;
  }
  const dst = c.destination(type, NO_REG);
  const pointer = isFloat(type) ? masm.scratch : dst;
  masm.loadField(Width.Int64, pointer, masm.plan.instance, offset);
  masm.loadField(width, dst, pointer, 0);
  c.finish(type, dst);
}

export function globalSet(c: FunctionCompiler, index: number): void {
  const { operands: o, masm, layout } = c;
  const width = widthOf(erased(c.module.globals[index].type));
  const offset = layout.globalOffset(index);
  const value = o.acquire(o.height - 1);
  if (layout.globalIsImported(index)) {
    masm.loadField(Width.Int64, masm.scratch, masm.plan.instance, offset);
    masm.storeField(width, value, masm.scratch, 0);
  } else masm.storeField(width, value, masm.plan.instance, offset);
  o.pop();
  c.registers.unlock();
}
