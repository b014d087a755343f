/** The interpreter's instructions that stay in their function and are no safepoint: variables, references, accesses. */

import { Op, type Opcode } from '../../src/wasm/opcodes.js';
import { AtomicOpcode } from '../../src/wasm/opcodes-atomic.js';
import { atomicAccess } from './atomic-oracle.js';
import type { InterpreterFrame } from './interpreter-frame.js';
import { type Instance, index, reference } from './machine.js';
import { load, store } from './numeric-oracle.js';
import { vectorAccess } from './vector-oracle.js';

/** A load, store or atomic access within bounds. */
export function access(
  { memories }: Instance,
  { stack }: InterpreterFrame,
  row: Opcode,
  [, offset, memory, lane]: readonly number[],
): void {
  const { code, alignment } = row;
  const { view } = memories[memory];
  const address = () => Number(stack.pop()) + offset;
  if (row.feature === 'simd') {
    const vector = row.operands!.length === 2 ? (stack.pop() as bigint) : 0n;
    const loaded = vectorAccess(row, view, address(), lane, vector);
    if (loaded !== undefined) stack.push(loaded);
    return;
  }
  if (row.feature === 'threads') {
    const operands = stack.splice(stack.length - row.operands!.length + 1);
    const result = atomicAccess(row, view, address(), operands);
    if (result !== undefined) stack.push(result);
    return;
  }
  const read = load(code);
  const value = read === undefined ? stack.pop()! : 0;
  const at = address();
  if (read === undefined) store(view, at, alignment!, value);
  else stack.push(read(view, at));
}

/** All but numeric, control and memory instructions. */
export function simple(
  instance: Instance,
  { stack, locals }: InterpreterFrame,
  code: Op,
  [first]: readonly number[],
): void {
  const { module } = instance;
  if ((code as number) === AtomicOpcode.AtomicFence) return;
  switch (code) {
    case Op.Nop:
      return;
    case Op.Drop:
      stack.pop();
      return;
    case Op.Select:
    case Op.SelectT: {
      const condition = stack.pop();
      const second = stack.pop()!;
      if (condition === 0) stack[stack.length - 1] = second;
      return;
    }
    case Op.LocalGet:
      stack.push(locals[first]);
      return;
    case Op.LocalSet:
      locals[first] = stack.pop()!;
      return;
    case Op.LocalTee:
      locals[first] = stack[stack.length - 1];
      return;
    case Op.GlobalGet:
      stack.push(instance.globals[first].value);
      return;
    case Op.GlobalSet:
      instance.globals[first].value = stack.pop()!;
      return;
    case Op.MemorySize: {
      const { address, pageSize } = module.memories[first];
      stack.push(index(address, instance.memories[first].bytes.length / pageSize));
      return;
    }
    case Op.TableSize:
      stack.push(instance.tables[first].elements.length);
      return;
    case Op.TableGet:
      stack.push(instance.tables[first].elements[stack.pop() as number]);
      return;
    case Op.TableSet: {
      const value = stack.pop() as bigint;
      instance.tables[first].elements[stack.pop() as number] = value;
      return;
    }
    case Op.RefNull:
      stack.push(0n);
      return;
    case Op.RefFunc:
      stack.push(reference(instance.functions[first]));
      return;
    case Op.RefIsNull:
      stack.push(stack.pop() === 0n ? 1 : 0);
      return;
    case Op.DataDrop:
      instance.droppedData[first] = 1;
      return;
    case Op.ElemDrop:
      instance.droppedElements[first] = 1;
      return;
  }
  throw new Error(`the interpreter does not know opcode 0x${code.toString(16)}`);
}
