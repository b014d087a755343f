/**
 * Validation of all instructions whose operands and results have the same types wherever they stand: numeric and vector
 * ones, constants, loads, stores and atomics (core spec 3.3.1, 3.3.3 and 3.3.7).
 *
 * The opcode table says which types these are: only the immediates need code. An access's address has the type that its
 * memory is indexed with.
 */

import type { BodyState } from './body-state.js';
import {
  alignmentOf,
  FLAT_LENGTH,
  flatIndex,
  type Immediates as ImmediateKind,
  opcodes,
  operand0Of,
} from './opcodes.js';

const enum Kind {
  None,
  Int32,
  Int64,
  Word,
  DoubleWord,
  Vector, // 16 bytes
  Access, // a memory argument
  AtomicAccess, // one with exactly the natural alignment
  AccessLane,
  Lane, // a lane's index
  Shuffle, // 16 lane indexes
  Zero, // a reserved byte
}

const KINDS: Partial<Record<ImmediateKind, Kind>> = {
  none: Kind.None,
  i32: Kind.Int32,
  i64: Kind.Int64,
  f32: Kind.Word,
  f64: Kind.DoubleWord,
  v128: Kind.Vector,
  memarg: Kind.Access,
  'memarg lane': Kind.AccessLane,
  lane: Kind.Lane,
  lanes: Kind.Shuffle,
  zero: Kind.Zero,
};

const kindOf = new Uint8Array(FLAT_LENGTH);
/** How many lanes there are, of instructions that name one. */
const laneCountOf = new Uint8Array(FLAT_LENGTH);

for (const { code, name, immediates, alignment, feature } of opcodes) {
  const index = flatIndex(code);
  kindOf[index] = KINDS[immediates] ?? Kind.None;
  if (feature === 'threads' && immediates === 'memarg') kindOf[index] = Kind.AtomicAccess;
  if (immediates === 'lane') laneCountOf[index] = Number(/x(\d+)\./.exec(name)![1]);
  if (immediates === 'memarg lane') laneCountOf[index] = 16 >> alignment!;
}

/** Validates the instruction at `index` of the flat tables, which has fixed types. */
export function typed(body: BodyState, index: number): void {
  const { reader, operands, immediates } = body;
  let deepest = operand0Of[index];
  switch (kindOf[index] as Kind) {
    case Kind.None:
      break;
    case Kind.Int32:
      reader.s32();
      break;
    case Kind.Int64:
      reader.s64();
      break;
    case Kind.Word:
      reader.skip(4);
      break;
    case Kind.DoubleWord:
      reader.skip(8);
      break;
    case Kind.Vector:
      reader.skip(16);
      break;
    case Kind.Access:
      deepest = immediates.memoryArgument(index);
      break;
    case Kind.AtomicAccess:
      deepest = immediates.memoryArgument(index);
      if (immediates.alignment !== alignmentOf[index]) {
        throw immediates.invalid(`alignment of an atomic access must be natural: 2**${immediates.alignment}`);
      }
      break;
    case Kind.AccessLane:
      deepest = immediates.memoryArgument(index);
      immediates.lane(laneCountOf[index]);
      break;
    case Kind.Lane:
      immediates.lane(laneCountOf[index]);
      break;
    case Kind.Shuffle:
      for (let i = 0; i < 16; i++) immediates.lane(32);
      break;
    case Kind.Zero:
      reader.zero();
      break;
  }
  operands.apply(index, deepest);
}
