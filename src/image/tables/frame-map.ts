/**
 * The locations of a frame's values at a site. Only this code knows what a location means: lifting, lowering, listings
 * and checks all use frame maps. frame-map-encoder.ts and frame-map-decoder.ts have the stored form, frame-map-v1.ts
 * that of older images.
 *
 * Stored are the homes of a function's locals, and for each site its operands and results. A site may also place the
 * locals itself. Where it does not:
 *
 *     entry    the operands are the locals: parameters where the caller has put them; there is no frame yet
 *     loop     a local with a register is in it, others are in their slots
 *     call     all are in their slots: only results are in registers after a call
 *
 * Tables may be hostile: a contradiction is InputError 'damaged-image'.
 */

import { ValType } from '../../wasm/module.js';
import { NO_LOCAL_REG, SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../contract/site-tables.js';
import { damaged } from './damaged.js';

export const enum Place {
  Slot, // in the frame; `at` counts 8 bytes from sp, a v128 has two
  Register, // `at`: its number in masm.ts
  Constant, // `words`; it is stored nowhere in the process
  Dead, // no code reads it any more: it is stored nowhere, and any value will do
  Unknown, // its location is unknown: some locals at a trap
  Local, // the same value as local `at`; only in the stored form
}

export interface Location {
  readonly type: ValType;
  readonly place: Place;
  readonly at: number; // 0 where it has no meaning
  /** Raw bits of a constant as u32, lowest first: two, of a v128 four. */
  readonly words: readonly number[];
  /** The local that an operand is a copy of and shares its location with, or -1. */
  readonly local: number;
}

/** Where a local is unless a site says otherwise: always a slot, possibly a register. */
export interface LocalHome {
  readonly type: ValType;
  readonly reg: number; // NO_LOCAL_REG for none
  readonly slot: number; // in units of 8 bytes from sp
}

/** What the tables have for one site. */
export interface StoredMap {
  /** Locations of all locals; undefined when they are at home. */
  readonly locals: readonly Location[] | undefined;
  readonly operands: readonly Location[];
  readonly results: readonly Location[];
}

/** Locations of all values of a frame; none is Place.Local. */
export interface FrameMap {
  /** Whether the site places the locals itself. */
  readonly placesLocals: boolean;
  readonly locals: readonly Location[];
  /** The frame's own operands, bottom first; at a call without its arguments. */
  readonly operands: readonly Location[];
  /** After a call that has returned: the topmost operands. */
  readonly results: readonly Location[];
}

/** Where the locals with a register are: bit i stands for the i-th of them. One in neither mask is in its slot. */
export interface PinState {
  readonly registers: number;
  readonly lost: number;
}

const NO_WORDS: readonly number[] = [];
const NONE: readonly Location[] = [];

/** A location given by a number; Dead and Unknown have none. */
export function located(type: ValType, place: Place, at = 0): Location {
  return { type, place, at, words: NO_WORDS, local: -1 };
}

/** @param words two, or four for a v128 */
export function constant(type: ValType, words: readonly number[]): Location {
  return { type, place: Place.Constant, at: 0, words, local: -1 };
}

/** The number of words of a type's constant. */
export function wordsOf(type: ValType): number {
  return type === ValType.V128 ? 4 : 2;
}

/** The number of slots of a value. */
export function slotsOf(type: ValType): number {
  return type === ValType.V128 ? 2 : 1;
}

/**
 * The map of a site.
 * @param kind SITE_*
 * @throws InputError
 */
export function frameMap(kind: number, homes: readonly LocalHome[], stored: StoredMap): FrameMap {
  const { operands, results } = stored;
  if (kind !== SITE_CALL && results.length > 0) throw damaged('there are results where there is no call');
  if (kind === SITE_ENTRY) {
    if (!operands.every(({ place }) => place === Place.Slot || place === Place.Register)) {
      throw damaged('a parameter is where no caller puts it');
    }
    return { placesLocals: false, locals: operands, operands: NONE, results: NONE };
  }
  const placesLocals = stored.locals !== undefined;
  const locals = stored.locals === undefined ? atHome(homes, kind) : ownLocals(stored.locals, homes);
  const map = { placesLocals, locals, operands: operands.map((location) => resolved(location, locals)), results };
  if (kind === SITE_CALL && (inRegister(map.locals) || inRegister(map.operands))) {
    throw damaged('a value is in a register across a call');
  }
  if (results.some(({ place }) => place !== Place.Slot && place !== Place.Register)) {
    throw damaged('a result is where no call puts it');
  }
  return map;
}

/**
 * The locations of locals at an instruction that has trapped.
 * @param pins pins of the trap site; undefined: the locations of locals with a register are unknown
 */
export function localsAtTrap(homes: readonly LocalHome[], pins: PinState | undefined): Location[] {
  let bit = 1;
  return homes.map(({ type, reg, slot }) => {
    if (reg === NO_LOCAL_REG) return located(type, Place.Slot, slot);
    const own = bit;
    bit <<= 1;
    if (pins === undefined || (pins.lost & own) !== 0) return located(type, Place.Unknown);
    return (pins.registers & own) !== 0 ? located(type, Place.Register, reg) : located(type, Place.Slot, slot);
  });
}

/** The locations in a function's prologue, where nothing is known. */
export function unknownLocals(homes: readonly LocalHome[]): Location[] {
  return homes.map(({ type }) => located(type, Place.Unknown));
}

/** The locations of locals at a site that does not place them. @param kind SITE_LOOP or SITE_CALL */
export function atHome(homes: readonly LocalHome[], kind: number): Location[] {
  return homes.map(({ type, reg, slot }) =>
    kind === SITE_LOOP && reg !== NO_LOCAL_REG ? located(type, Place.Register, reg) : located(type, Place.Slot, slot),
  );
}

/**
 * Finds values that share a place and so are always equal: for each value, the index of the first one in its place, or
 * its own index when it is the first or has no place. Partial overlaps are damage.
 */
export function firstInPlace(values: readonly Location[]): Int32Array {
  const owners = new Map<number, number>(); // by slot, or by -1 - register
  return Int32Array.from(values, ({ type, place, at }, n) => {
    if (place !== Place.Slot && place !== Place.Register) return n;
    const inSlot = place === Place.Slot;
    const key = inSlot ? at : -1 - at;
    const count = inSlot ? slotsOf(type) : 1;
    const first = owners.get(key) ?? n;
    for (let i = 0; i < count; i++) {
      if ((owners.get(key + i) ?? n) !== first) throw damaged('two values overlap');
      owners.set(key + i, first);
    }
    const other = values[first];
    if (other.type !== type || other.at !== at) throw damaged('two values overlap');
    return first;
  });
}

function ownLocals(locals: readonly Location[], homes: readonly LocalHome[]): readonly Location[] {
  if (locals.length !== homes.length || locals.some(({ type }, i) => type !== homes[i].type)) {
    throw damaged('the locals of a site are not those of its function');
  }
  if (locals.some(({ place }) => place === Place.Local)) throw damaged('a local is said to be another one');
  return locals;
}

function resolved(location: Location, locals: readonly Location[]): Location {
  if (location.place !== Place.Local) return location;
  if (location.at >= locals.length) throw damaged(`an operand is local ${location.at} of ${locals.length}`);
  const local = locals[location.at];
  if (local.type !== location.type) throw damaged(`an operand is local ${location.at}, which has another type`);
  return { ...local, local: location.at };
}

function inRegister(values: readonly Location[]): boolean {
  return values.some(({ place }) => place === Place.Register);
}
