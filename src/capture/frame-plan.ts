/**
 * How to lift a frame that stands at one site: where each of its values is, from its frame map, in columns, so that a
 * frame costs a few copies. Made once for each distinct site.
 */

import { type Location, Place, slotsOf } from '../image/tables/frame-map.js';
import { cellsOf, MISSING } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';

/** Bytes that a value takes in a plan, about. */
export const PLANNED_VALUE = 64;

export const enum From {
  Slot, // payload: slot
  Const, // payload: index of its first word in `constants`
  Register, // payload: register
}

/** Values are locals before operands. */
export interface FramePlan {
  readonly site: number; // index of its FrameSite
  readonly frameBytes: number; // from sp to the return address
  readonly reach: number; // bytes from sp to the end of the last value in a slot
  readonly from: Uint8Array; // From
  readonly payload: Int32Array;
  readonly constants: Uint32Array;
  readonly types: Uint8Array; // ValType
  readonly words: number; // of all values
  /** Where function references are: index of the low word, counted from the frame's first. */
  readonly references: readonly number[];
  readonly exceptions: readonly number[]; // of those that are exception references
}

/** ValType of each value, MISSING of one that is not known. */
export function valueTypes(values: readonly Location[]): Uint8Array {
  return Uint8Array.from(values, ({ type, place }) => (place === Place.Unknown ? MISSING : type));
}

/**
 * A value that no code reads any more is lifted as zero: any value would do, and a snapshot must not depend on chance.
 */
export function planFrame(site: number, frameBytes: number, values: readonly Location[]): FramePlan {
  const count = values.length;
  const from = new Uint8Array(count);
  const payload = new Int32Array(count);
  const constants = [0, 0, 0, 0]; // of what has no place
  const references: number[] = [];
  const exceptions: number[] = [];
  const types = valueTypes(values);
  let words = 0;
  let reach = 0;
  for (const [i, { type, place, at, words: bits }] of values.entries()) {
    if (place === Place.Slot) {
      from[i] = From.Slot;
      payload[i] = at;
      reach = Math.max(reach, (at + slotsOf(type)) * 8);
    } else if (place === Place.Register) {
      from[i] = From.Register;
      payload[i] = at;
    } else {
      from[i] = From.Const;
      if (place === Place.Constant) payload[i] = constants.push(...bits) - bits.length;
    }
    if (types[i] === ValType.FuncRef) references.push(words);
    else if (types[i] === ValType.ExnRef) exceptions.push(words);
    words += cellsOf(types[i]) * 2;
  }
  return {
    site,
    frameBytes,
    reach,
    from,
    payload,
    constants: Uint32Array.from(constants),
    types,
    words,
    references,
    exceptions,
  };
}
