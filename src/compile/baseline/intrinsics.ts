/**
 * What the host layer imports from "native": instructions of the CPU rather than calls. Only the host layer may import
 * them; its code has no safepoints. Addresses are native, 64 bits. Declared for AssemblyScript in
 * runtime/native/native.ts.
 */

import { LoadOp, NO_REG, StoreOp, Width } from '../../arch/masm/masm.js';
import { BugError } from '../../base/errors.js';
import { INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import { ValType } from '../../wasm/module.js';
import { passArguments, prepare, pushResults, returned } from './calls.js';
import type { FunctionCompiler } from './compile-function.js';

export function intrinsic(c: FunctionCompiler, name: string, funcIndex: number): void {
  const { masm, operands: o } = c;
  switch (name) {
    case 'syscall':
    case 'blocking_syscall': {
      const first = prepare(c, 7);
      c.pins.valid = 0; // the kernel's registers are pinned ones here: read arguments from their slots
      c.argumentMove.run(first, 7, masm.syscallRegisters);
      o.popTo(first);
      if (name === 'syscall') masm.syscall();
      else c.environment.emitBlockingSyscall();
      o.pushReg(ValType.I64, masm.plan.resultInt);
      return;
    }
    case 'call_c': {
      const first = prepare(c, 3);
      c.pins.valid = 0;
      c.argumentMove.run(first, 3, masm.callCRegisters);
      o.popTo(first);
      masm.patchCall(masm.call(), c.environment.stubOffset('call_c'));
      o.pushReg(ValType.I64, masm.plan.resultInt);
      return;
    }
    case 'copy':
    case 'fill': {
      const first = prepare(c, 3);
      c.pins.valid = 0;
      c.argumentMove.run(first, 3, name === 'copy' ? masm.copyRegisters : masm.fillRegisters);
      o.popTo(first);
      if (name === 'copy') masm.copyBytes();
      else masm.fillBytes();
      return;
    }
    case 'load8_u':
      return load(c, LoadOp.I32_8U, ValType.I32);
    case 'load16_u':
      return load(c, LoadOp.I32_16U, ValType.I32);
    case 'load32_u':
      return load(c, LoadOp.I32, ValType.I32);
    case 'load64':
      return load(c, LoadOp.I64, ValType.I64);
    case 'store8':
      return store(c, StoreOp.Int8);
    case 'store16':
      return store(c, StoreOp.Int16);
    case 'store32':
      return store(c, StoreOp.Int32);
    case 'store64':
      return store(c, StoreOp.Int64);
    case 'runtime': {
      const dst = c.destination(ValType.I64, NO_REG);
      masm.address(dst, SEGMENT_ALIGN);
      c.finish(ValType.I64, dst);
      return;
    }
    case 'memoryBase': {
      const dst = c.destination(ValType.I64, NO_REG);
      masm.move(dst, masm.plan.memoryBase);
      c.finish(ValType.I64, dst);
      return;
    }
    case 'cpu_features': {
      prepare(c, 0);
      c.pins.valid = 0;
      masm.cpuFeatures();
      o.pushReg(ValType.I64, masm.plan.resultInt);
      return;
    }
    case 'reload':
      masm.loadField(Width.Int64, masm.plan.memoryBase, masm.plan.instance, INST_MEMORY_BASE);
      return;
    case 'invoke':
    case 'land':
    case 'resume':
    case 'unwind': {
      const layout = c.callLayout(c.module.funcTypes[funcIndex]);
      const first = prepare(c, layout.type.params.length);
      passArguments(c, layout, first);
      masm.patchCall(masm.call(), c.environment.stubOffset(name));
      returned(c, layout, first);
      pushResults(c, layout);
      return;
    }
    default:
      throw new BugError(`the host layer imports native.${name}, which is no intrinsic`);
  }
}

function load(c: FunctionCompiler, op: LoadOp, type: ValType): void {
  const { operands: o, masm } = c;
  const address = o.acquire(o.height - 1);
  const dst = c.destination(type, address, 1);
  masm.load(op, dst, address, NO_REG, 0);
  c.finish(type, dst);
}

function store(c: FunctionCompiler, op: StoreOp): void {
  const { operands: o, masm } = c;
  const value = o.acquire(o.height - 1);
  const address = o.acquire(o.height - 2);
  masm.store(op, value, address, NO_REG, 0);
  o.pop();
  o.pop();
  c.registers.unlock();
}
