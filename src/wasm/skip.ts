/** Skips instructions of a validated body that are not compiled: dead code. */

import { EXPLICIT_MEMORY } from './immediates.js';
import {
  ATOMIC,
  FLAT_LENGTH,
  flatIndex,
  type Immediates,
  MISC,
  OBJECT,
  Op,
  opcodes,
  Prefix,
  VECTOR,
} from './opcodes.js';
import { REF, REF_NULL } from './ref-types.js';

const enum Skip {
  None,
  One, // one LEB128
  Block, // a block type: a LEB128, after the byte of a reference type if there is one
  Two,
  Word,
  DoubleWord,
  Vector, // 16 bytes
  Byte,
  Memarg,
  Access, // a memarg and a byte
  Labels, // a count, as many LEB128 and one more
  Types, // a count and as many value types
  Cast, // a byte, a label and two heap types
  Catches, // a block type, a count and as many clauses: a kind, a tag below 2, a label
}

const SKIPS: Record<Immediates, Skip> = {
  none: Skip.None,
  block: Skip.Block,
  'block catches': Skip.Catches,
  tag: Skip.One,
  label: Skip.One,
  labels: Skip.Labels,
  func: Skip.One,
  type: Skip.One,
  'type table': Skip.Two,
  types: Skip.Types,
  reftype: Skip.One,
  cast: Skip.Cast,
  local: Skip.One,
  global: Skip.One,
  table: Skip.One,
  'table table': Skip.Two,
  elem: Skip.One,
  'elem table': Skip.Two,
  data: Skip.One,
  'data memory': Skip.Two,
  memory: Skip.One,
  'memory memory': Skip.Two,
  memarg: Skip.Memarg,
  zero: Skip.One,
  i32: Skip.One,
  i64: Skip.One,
  f32: Skip.Word,
  f64: Skip.DoubleWord,
  v128: Skip.Vector,
  lanes: Skip.Vector,
  lane: Skip.Byte,
  'memarg lane': Skip.Access,
};

const skipOf = new Uint8Array(FLAT_LENGTH);
for (const opcode of opcodes) skipOf[flatIndex(opcode.code)] = SKIPS[opcode.immediates];

/**
 * Skips dead code from `position` on. Gives the position of the instruction that ends the innermost block or its arm.
 */
export function skipDeadCode(bytes: Uint8Array, position: number): number {
  for (let depth = 0; ; position = skipInstruction(bytes, position)) {
    switch (bytes[position]) {
      case Op.Block:
      case Op.Loop:
      case Op.If:
      case Op.Try:
      case Op.TryTable:
        depth++;
        break;
      case Op.Else:
      case Op.Catch:
      case Op.CatchAll:
        if (depth === 0) return position;
        break;
      case Op.End:
      case Op.Delegate:
        if (depth-- === 0) return position;
        break;
    }
  }
}

/** The position after the instruction at `position`. */
export function skipInstruction(bytes: Uint8Array, position: number): number {
  const op = bytes[position++];
  let skip = skipOf[op];
  if (op === Prefix.Misc) {
    skip = skipOf[MISC + (bytes[position] & 0x7f)]; // a small number, but it may be written in several bytes
    position = skipLeb(bytes, position);
  } else if (op === Prefix.Simd) {
    skip = skipOf[VECTOR + smallLeb(bytes, position)];
    position = skipLeb(bytes, position);
  } else if (op === Prefix.Atomic || op === Prefix.Object) {
    skip = skipOf[(op === Prefix.Atomic ? ATOMIC : OBJECT) + (bytes[position] & 0x7f)];
    position = skipLeb(bytes, position);
  }
  switch (skip) {
    case Skip.One:
      return skipLeb(bytes, position);
    case Skip.Block:
      return skipType(bytes, position);
    case Skip.Two:
      return skipLeb(bytes, skipLeb(bytes, position));
    case Skip.Memarg:
      return skipAccess(bytes, position);
    case Skip.Word:
      return position + 4;
    case Skip.DoubleWord:
      return position + 8;
    case Skip.Vector:
      return position + 16;
    case Skip.Byte:
      return position + 1;
    case Skip.Access:
      return skipAccess(bytes, position) + 1;
    case Skip.Cast:
      return skipLeb(bytes, skipLeb(bytes, skipLeb(bytes, position + 1)));
    case Skip.Catches:
    case Skip.Labels:
    case Skip.Types: {
      if (skip === Skip.Catches) position = skipType(bytes, position);
      let count = 0;
      let shift = 0;
      let byte: number;
      do {
        byte = bytes[position++];
        count |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte >= 0x80);
      if (skip === Skip.Labels) count++;
      while (count-- > 0) {
        if (skip === Skip.Catches && bytes[position++] < 2) position = skipLeb(bytes, position);
        position = skip === Skip.Types ? skipType(bytes, position) : skipLeb(bytes, position);
      }
      return position;
    }
    default:
      return position;
  }
}

/** A number below 2^14; it may be written in more bytes than it needs. */
function smallLeb(bytes: Uint8Array, position: number): number {
  const low = bytes[position];
  return low < 0x80 ? low : (low & 0x7f) | ((bytes[position + 1] & 0x7f) << 7);
}

/** A memory argument: two LEB128, three when the first has the bit for a memory's index. */
function skipAccess(bytes: Uint8Array, position: number): number {
  if ((bytes[position] & EXPLICIT_MEMORY) !== 0) position = skipLeb(bytes, position);
  return skipLeb(bytes, skipLeb(bytes, position));
}

/** A value type, or a block type. */
function skipType(bytes: Uint8Array, position: number): number {
  const byte = bytes[position];
  return skipLeb(bytes, byte === REF || byte === REF_NULL ? position + 1 : position);
}

function skipLeb(bytes: Uint8Array, position: number): number {
  while (bytes[position++] >= 0x80);
  return position;
}
