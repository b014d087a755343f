/**
 * How the values of frames at one site get into native frames: the image's site for the portable one, checked, with a
 * place for each value.
 *
 * Made once for each distinct site of a snapshot, however many frames stand at it. Input is hostile: a site that the
 * fresh image does not have, or has with other types, is the snapshot's fault.
 */

import { InputError } from '../base/errors.js';
import { SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../image/contract/site-tables.js';
import type { ImageDescription } from '../image/reader.js';
import { firstInPlace, type Location, Place } from '../image/tables/frame-map.js';
import { cellOffsets, FIRST_GUEST, type FrameSite } from '../snapshot/snapshot.js';
import { type Module, ValType } from '../wasm/module.js';
import { formatTypes } from '../wasm/text.js';
import type { FrameTypes } from './frame-types.js';

/**
 * What to do with a value. Its place is a byte offset from sp, a register, the number of an earlier value, or an index
 * in `constants`.
 */
export const enum Put {
  Slot,
  Register,
  EqualsValue, // an earlier value that has the same place
  EqualsConstant,
  Nowhere, // no code reads it any more
}

/** How a value's words are interpreted. */
export const enum Shape {
  Narrow, // i32, f32: the high word is zero
  Wide, // also an externref, which is 0 or n + 1 in snapshots and processes alike
  Reference, // a function reference: becomes a relocated pointer
  Vector, // v128: two more words follow
  Exception, // an exception reference: becomes a relocated pointer
}

export interface FrameRecipe {
  /** Image offset at which to continue, or to return to. */
  readonly codeOffset: number;
  /** Bytes from sp to the return address. */
  readonly frameSize: number;
  /** One entry for each value, locals before operands. */
  readonly put: Uint8Array; // of Put
  readonly place: Int32Array;
  readonly shape: Uint8Array; // of Shape
  /** Index of the value's low word in the snapshot's words, counted from the frame's first. */
  readonly word: Uint32Array;
  /** The type of each value that is a reference (frame-types.ts). */
  readonly types: Int32Array;
  /** Words of constants: two each, four for a v128. */
  readonly constants: Uint32Array;
}

const SITE_KIND = { entry: SITE_ENTRY, loop: SITE_LOOP, return: SITE_CALL, call: SITE_CALL } as const;

/**
 * @param frame the number of a frame at the site, for errors
 * @throws InputError
 */
export function frameRecipe(
  image: ImageDescription,
  modules: readonly Module[],
  site: FrameSite,
  frame: number,
  frameTypes: FrameTypes,
): FrameRecipe {
  const fault = (detail: string) =>
    new InputError('snapshot', `snapshot: frame #${frame} (function ${site.func} at ${site.offset}): ${detail}`);
  const module = modules[site.instance];
  if (module === undefined) throw fault(`there is no instance ${site.instance}`);
  if (site.func >= module.funcTypes.length) throw fault(`there is no function ${site.func}`);
  const instance = site.instance + FIRST_GUEST;
  const imported = site.func < module.importedFuncCount;
  if (imported && site.kind !== 'entry') throw fault('an imported function has no code of its own');
  if (site.kind === 'trap') throw fault('the program cannot continue at a trap');
  const { sites } = image;
  const row = sites.siteFor(instance, site.func, site.offset, SITE_KIND[site.kind]);
  if (row < 0) throw fault(`the module has no ${site.kind === 'return' ? 'call' : site.kind} there`);
  const functionRow = sites.functionRow(instance, site.func);
  const nativeSite = sites.site(row);
  const map = sites.frameMap(functionRow, nativeSite);
  const { locals } = map;
  const operands = site.kind === 'return' ? [...map.operands, ...map.results] : map.operands;
  checkTypes('locals', site.locals, locals, fault);
  checkTypes('operands', site.operands, operands, fault);
  return {
    codeOffset: image.identity.text.imageOffset + nativeSite.textOffset,
    frameSize: site.kind === 'entry' ? 0 : sites.function(functionRow).frameSize,
    word: cellOffsets(site).map((cell) => cell * 2),
    types: frameTypes.at(module, site),
    ...putValues([...locals, ...operands]),
  };
}

function putValues(values: readonly Location[]): Pick<FrameRecipe, 'put' | 'place' | 'shape' | 'constants'> {
  const put = new Uint8Array(values.length);
  const place = new Int32Array(values.length);
  const shape = new Uint8Array(values.length);
  const constants: number[] = [];
  const first = firstInPlace(values);
  for (const [n, { type, place: where, at, words }] of values.entries()) {
    shape[n] = shapeOf(type);
    if (first[n] !== n) {
      put[n] = Put.EqualsValue;
      place[n] = first[n];
    } else if (where === Place.Slot) {
      put[n] = Put.Slot;
      place[n] = at * 8;
    } else if (where === Place.Register) {
      put[n] = Put.Register;
      place[n] = at;
    } else if (where === Place.Constant) {
      put[n] = Put.EqualsConstant;
      place[n] = constants.push(...words) - words.length;
    } else put[n] = Put.Nowhere;
  }
  return { put, place, shape, constants: Uint32Array.from(constants) };
}

function checkTypes(
  what: string,
  types: Uint8Array,
  expected: readonly Location[],
  fault: (detail: string) => InputError,
): void {
  const equal = types.length === expected.length && expected.every(({ type }, i) => types[i] === type);
  if (!equal) throw fault(`its ${what} (${formatTypes(types)}) are not those of the module (${expected.length})`);
}

function shapeOf(type: ValType): Shape {
  if (type === ValType.FuncRef) return Shape.Reference;
  if (type === ValType.V128) return Shape.Vector;
  if (type === ValType.ExnRef) return Shape.Exception;
  return type === ValType.I32 || type === ValType.F32 ? Shape.Narrow : Shape.Wide;
}
