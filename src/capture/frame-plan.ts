/**
 * The plan for lifting frames that stand at one site: the location of each value, from the site's frame map, in
 * columns. It is made once for each distinct site, so that lifting a frame costs a few copies.
 */

import { type Location, Place, slotsOf } from '../image/tables/frame-map.js';
import { cellsOf, MISSING } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';

/** The approximate size of a value in a plan, in bytes. */
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
  readonly exceptions: readonly number[]; // the same for exception references
}

/** The ValType of each value; MISSING for an unknown value. */
export function valueTypes(values: readonly Location[]): Uint8Array {
  return Uint8Array.from(values, ({ type, place }) => (place === Place.Unknown ? MISSING : type));
}

/**
 * A value that no code reads any more is lifted as zero: any value would do, but a snapshot must be reproducible.
 */
export function planFrame(site: number, frameBytes: number, values: readonly Location[]): FramePlan {
  const count = values.length;
  const from = new Uint8Array(count);
  const payload = new Int32Array(count);
  const constants = [0, 0, 0, 0]; // the value of dead and unknown locations
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
