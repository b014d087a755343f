/**
 * Validation of the instructions behind the prefix 0xfd: SIMD and relaxed SIMD (core spec 3.3.2, 3.3.7).
 *
 * Table-driven, as all of them have fixed types: only the immediates need care. Part of validate.ts, which calls it with
 * the reader behind the prefix byte.
 */

import type { Immediates } from './immediates.js';
import {
  ILLEGAL,
  type Immediates as ImmediateKind,
  illegalOpcode,
  opcodes,
  operand0Of,
  operand1Of,
  operand2Of,
  operandCountOf,
  Prefix,
  resultOf,
  VECTOR,
  VECTOR_COUNT,
} from './opcodes.js';
import type { OperandStack } from './operand-stack.js';
import type { Reader } from './reader.js';

const enum Kind {
  None,
  Access, // a memory argument
  Lane, // a lane's index
  AccessLane,
  Constant, // 16 bytes
  Shuffle, // 16 lane indexes
}

const KINDS: Partial<Record<ImmediateKind, Kind>> = {
  none: Kind.None,
  memarg: Kind.Access,
  lane: Kind.Lane,
  'memarg lane': Kind.AccessLane,
  v128: Kind.Constant,
  lanes: Kind.Shuffle,
};

const kindOf = new Uint8Array(VECTOR_COUNT);
/** How many lanes there are, of instructions that name one. */
const laneCountOf = new Uint8Array(VECTOR_COUNT);

for (const { code, name, immediates, alignment } of opcodes) {
  if (code < 0xfd000) continue;
  const sub = code - 0xfd000;
  kindOf[sub] = KINDS[immediates]!;
  if (immediates === 'lane') laneCountOf[sub] = Number(/x(\d+)\./.exec(name)![1]);
  if (immediates === 'memarg lane') laneCountOf[sub] = 16 >> alignment!;
}

/** Validates one instruction and returns the new height of the stack. */
export function validateVector(reader: Reader, operands: OperandStack, immediates: Immediates, height: number): number {
  const sub = reader.u32();
  const index = VECTOR + sub;
  if (sub >= VECTOR_COUNT || operandCountOf[index] === ILLEGAL) {
    throw immediates.malformed(illegalOpcode(Prefix.Simd, sub));
  }
  const kind = kindOf[sub] as Kind;
  const isAccess = kind === Kind.Access || kind === Kind.AccessLane;
  const address = isAccess ? immediates.memoryArgument(index) : 0;
  if (kind === Kind.Lane || kind === Kind.AccessLane) laneIndex(reader, immediates, laneCountOf[sub]!);
  else if (kind === Kind.Constant) for (let i = 0; i < 4; i++) reader.f32Bits();
  else if (kind === Kind.Shuffle) for (let i = 0; i < 16; i++) laneIndex(reader, immediates, 32);
  const count = operandCountOf[index]!;
  if (count > 2) height = operands.pop(height, operand2Of[index]!);
  if (count > 1) height = operands.pop(height, operand1Of[index]!);
  if (count > 0) height = operands.pop(height, isAccess ? address : operand0Of[index]!);
  const result = resultOf[index]!;
  if (result !== 0) operands.types[height++] = result;
  return height;
}

function laneIndex(reader: Reader, immediates: Immediates, count: number): void {
  const lane = reader.u8();
  if (lane >= count) throw immediates.invalid(`invalid lane index ${lane}: there are ${count}`);
}
