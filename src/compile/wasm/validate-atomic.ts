/**
 * Validation of the instructions behind the prefix 0xfe: atomic accesses, wait, notify and the fence (threads proposal).
 *
 * Table-driven, as all of them have fixed types. They may access any memory, shared or not. Part of validate.ts, which
 * calls it with the reader behind the sub-opcode.
 */

import type { Immediates } from './immediates.js';
import {
  ATOMIC,
  ATOMIC_COUNT,
  alignmentOf,
  ILLEGAL,
  illegalOpcode,
  operand1Of,
  operand2Of,
  operandCountOf,
  Prefix,
  resultOf,
} from './opcodes.js';
import { AtomicOpcode } from './opcodes-atomic.js';
import type { OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';

/** Whether the instruction may leave the function's code: memory.atomic.wait32 and wait64. */
export function isWait(sub: number): boolean {
  return sub === (AtomicOpcode.MemoryAtomicWait32 & 0xff) || sub === (AtomicOpcode.MemoryAtomicWait64 & 0xff);
}

/** Validates one instruction and returns the new height of the stack. */
export function validateAtomic(
  sub: number,
  reader: Reader,
  operands: OperandStack,
  immediates: Immediates,
  height: number,
): number {
  const index = ATOMIC + sub;
  if (sub >= ATOMIC_COUNT || operandCountOf[index] === ILLEGAL) {
    throw immediates.malformed(illegalOpcode(Prefix.Atomic, sub));
  }
  const count = operandCountOf[index]!;
  if (count === 0) {
    reader.zero(); // of the fence, reserved
    return height;
  }
  const address = immediates.memoryArgument(index);
  if (immediates.alignment !== alignmentOf[index]) {
    throw immediates.invalid(`alignment of an atomic access must be natural: 2**${immediates.alignment}`);
  }
  if (count > 2) height = operands.pop(height, operand2Of[index]!);
  if (count > 1) height = operands.pop(height, operand1Of[index]!);
  height = operands.pop(height, address);
  const result = resultOf[index]!;
  if (result !== 0) operands.types[height++] = result;
  return height;
}
