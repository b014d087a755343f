/**
 * How the values of one kind of frame get into a native frame: the image's site for a portable one, checked and turned
 * into a place per value.
 *
 * Made once per distinct site of a snapshot, however many frames stand at it. Inputs are hostile: a site that the fresh
 * image does not have, or with other types, is the snapshot's fault.
 */

import { InputError } from '../base/errors.js';
import {
  NO_LOCAL_REG,
  OPERAND_CONST,
  OPERAND_LOCAL,
  OPERAND_REG,
  OPERAND_SLOT,
  SITE_CALL,
  SITE_ENTRY,
  SITE_LOOP,
  TYPE_EXNREF,
  TYPE_F32,
  TYPE_FUNCREF,
  TYPE_I32,
  TYPE_V128,
} from '../image/contract/site-tables.js';
import type { ImageDescription } from '../image/reader.js';
import type { Location } from '../image/tables/site-lookup.js';
import { typeCode } from '../image/tables/type-codes.js';
import { cellOffsets, FIRST_GUEST, type FrameSite } from '../snapshot/snapshot.js';
import type { Module } from '../wasm/module.js';
import { formatTypes } from '../wasm/text.js';

/**
 * What to do with a value: its place is a byte offset from sp, a register, a local's number, or an index in
 * `constants`.
 */
export const enum Put {
  Slot,
  Register,
  EqualsLocal,
  EqualsConstant,
}

/** What a value's words mean. */
export const enum Shape {
  Narrow, // i32, f32: the high word is zero
  Wide, // also an externref: 0 or n + 1, in a snapshot and in a process alike
  Reference, // a function reference: becomes a relocated pointer
  Vector, // v128: two more words follow
  Exception, // an exception reference: becomes a relocated pointer
}

export interface FrameRecipe {
  /** Image offset to continue or return at. */
  readonly codeOffset: number;
  /** Bytes from sp to the return address. */
  readonly frameSize: number;
  /** Of each value, locals before operands. */
  readonly put: Uint8Array; // of Put
  readonly place: Int32Array;
  readonly shape: Uint8Array; // of Shape
  /** Index of its low word in the snapshot's, counted from the frame's first. */
  readonly word: Uint32Array;
  /** Pairs of words (lo, hi). */
  readonly constants: Uint32Array;
}

const SITE_KIND = { entry: SITE_ENTRY, loop: SITE_LOOP, return: SITE_CALL, call: SITE_CALL } as const;

/**
 * @param frame number of a frame at the site, for errors
 * @throws InputError
 */
export function frameRecipe(
  image: ImageDescription,
  modules: readonly Module[],
  site: FrameSite,
  frame: number,
): FrameRecipe {
  const fault = (detail: string) =>
    new InputError('snapshot', `snapshot: frame #${frame} (function ${site.func} at ${site.offset}): ${detail}`);
  const module = modules[site.instance];
  if (module === undefined) throw fault(`there is no instance ${site.instance}`);
  if (site.func >= module.funcTypes.length) throw fault(`there is no function ${site.func}`);
  const instance = site.instance + FIRST_GUEST;
  const imported = site.func < module.importedFuncCount;
  if (imported && site.kind !== 'entry') throw fault('an imported function has no code of its own');
  if (site.kind === 'trap') throw fault('the program cannot go on at a trap');
  const { sites } = image;
  const row = sites.siteFor(instance, site.func, site.offset, SITE_KIND[site.kind]);
  if (row < 0) throw fault(`the module has no ${site.kind === 'return' ? 'call' : site.kind} there`);
  const functionRow = sites.functionRow(instance, site.func);
  const nativeSite = sites.site(row);
  const shape = sites.shape(nativeSite);
  const entry = site.kind === 'entry';
  const homes = entry ? [] : sites.locals(functionRow);
  const locals = entry ? shape.operands : homes;
  const operands = entry ? [] : site.kind === 'return' ? [...shape.operands, ...shape.results] : shape.operands;
  checkTypes('locals', site.locals, locals, fault);
  checkTypes('operands', site.operands, operands, fault);

  const count = locals.length + operands.length;
  const put = new Uint8Array(count);
  const place = new Int32Array(count);
  const shapes = new Uint8Array(count);
  const constants: number[] = [];
  const inRegisters = site.kind === 'loop';
  homes.forEach((home, n) => {
    const register = inRegisters && home.reg !== NO_LOCAL_REG;
    put[n] = register ? Put.Register : Put.Slot;
    place[n] = register ? home.reg : home.slot * 8;
    shapes[n] = shapeOf(home.type);
  });
  (entry ? shape.operands : operands).forEach((at: Location, i) => {
    const n = homes.length + i;
    shapes[n] = shapeOf(at.type);
    if (at.kind === OPERAND_SLOT) {
      put[n] = Put.Slot;
      place[n] = at.slot * 8;
    } else if (at.kind === OPERAND_REG) {
      put[n] = Put.Register;
      place[n] = at.reg;
    } else if (at.kind === OPERAND_LOCAL) {
      put[n] = Put.EqualsLocal;
      place[n] = at.local;
    } else if (at.kind === OPERAND_CONST) {
      put[n] = Put.EqualsConstant;
      place[n] = constants.push(at.lo, at.hi) / 2 - 1;
    }
  });
  return {
    codeOffset: image.identity.text.imageOffset + nativeSite.textOffset,
    frameSize: entry ? 0 : sites.function(functionRow).frameSize,
    put,
    place,
    shape: shapes,
    word: cellOffsets(site).map((cell) => cell * 2),
    constants: Uint32Array.from(constants),
  };
}

function checkTypes(
  what: string,
  types: Uint8Array,
  expected: readonly { readonly type: number }[],
  fault: (detail: string) => InputError,
): void {
  const equal = types.length === expected.length && expected.every(({ type }, i) => typeCode(types[i]) === type);
  if (!equal) throw fault(`its ${what} (${formatTypes(types)}) are not those of the module (${expected.length})`);
}

function shapeOf(type: number): Shape {
  if (type === TYPE_FUNCREF) return Shape.Reference;
  if (type === TYPE_V128) return Shape.Vector;
  if (type === TYPE_EXNREF) return Shape.Exception;
  return type === TYPE_I32 || type === TYPE_F32 ? Shape.Narrow : Shape.Wide;
}
