/**
 * Validation of the instructions on whole ranges of memories and tables (core spec 3.3.5 and 3.3.6): init, copy, fill,
 * grow, size and drop.
 *
 * Their operand types follow from the address types of the memory or table: lengths that concern two of them have the
 * narrower one. Part of validate.ts, which reads the opcode.
 */

import type { Immediates } from './immediates.js';
import { ValType } from './module.js';
import { Op } from './opcodes.js';
import type { OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';
import { valTypeName } from './text.js';

/** Whether the instruction is done by a call of the host layer. */
export function isBulkCall(op: number): boolean {
  return op !== Op.DataDrop && op !== Op.ElemDrop && op !== Op.TableSize;
}

/** @returns the height of the operand stack behind instruction `op`, whose immediates `reader` is at */
export function bulkInstruction(
  op: number,
  height: number,
  reader: Reader,
  immediates: Immediates,
  operands: OperandStack,
): number {
  switch (op) {
    case Op.MemoryInit: {
      immediates.dataIndex();
      return popThree(operands, height, immediates.memoryAddress(), ValType.I32, ValType.I32);
    }
    case Op.DataDrop:
      immediates.dataIndex();
      return height;
    case Op.MemoryCopy: {
      const to = immediates.memoryAddress();
      const from = immediates.memoryAddress();
      return popThree(operands, height, to, from, narrower(to, from));
    }
    case Op.MemoryFill: {
      const address = immediates.memoryAddress();
      return popThree(operands, height, address, ValType.I32, address);
    }
    case Op.TableInit: {
      const segment = reader.u32();
      const table = immediates.table();
      sameType(operands, immediates.tableTypeOf(table), immediates.elementType(segment));
      return popThree(operands, height, immediates.tableAddressOf(table), ValType.I32, ValType.I32);
    }
    case Op.ElemDrop:
      immediates.elementType(reader.u32());
      return height;
    case Op.TableCopy: {
      const to = immediates.table();
      const from = immediates.table();
      sameType(operands, immediates.tableTypeOf(to), immediates.tableTypeOf(from));
      const [toAddress, fromAddress] = [immediates.tableAddressOf(to), immediates.tableAddressOf(from)];
      return popThree(operands, height, toAddress, fromAddress, narrower(toAddress, fromAddress));
    }
    case Op.TableGrow: {
      const table = immediates.table();
      const address = immediates.tableAddressOf(table);
      height = operands.pop(operands.pop(height, address), immediates.tableTypeOf(table));
      operands.types[height] = address;
      return height + 1;
    }
    case Op.TableSize:
      operands.types[height] = immediates.tableAddressOf(immediates.table());
      return height + 1;
    default: {
      // table.fill
      const table = immediates.table();
      const address = immediates.tableAddressOf(table);
      return popThree(operands, height, address, immediates.tableTypeOf(table), address);
    }
  }
}

/** Pops operands of three types, given bottom first. */
function popThree(operands: OperandStack, height: number, first: number, second: number, third: number): number {
  return operands.pop(operands.pop(operands.pop(height, third), second), first);
}

function narrower(a: ValType, b: ValType): ValType {
  return a === ValType.I64 ? b : a;
}

function sameType(operands: OperandStack, destination: number, source: number): void {
  if (operands.refTypes.matches(source, destination)) return;
  throw operands.mismatch(`${valTypeName(source)} items for a table of ${valTypeName(destination)}`);
}
