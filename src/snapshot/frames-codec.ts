/**
 * Encodes the stack in the header of a .wsnap file, as columns of u32: 100,000 frames cost a few bytes each and no
 * objects.
 *
 * The decoder checks, column by column, what can be checked without the module. Restore checks sites, types and the
 * call chain against the module.
 *
 *     sites: places     u32 x 4 per site: instance, function index, body offset, kind (index in FRAME_KINDS)
 *            counts     u32 x 2 per site: locals, operands
 *            types      a byte per local and operand, site after site
 *     of                u32 per frame, innermost first: its site
 *     words             u32 x 2 (lo, hi) per value, of a v128 u32 x 4, frame after frame
 */

import { LimitError } from '../base/errors.js';
import { ValType } from '../wasm/module.js';
import { cellOffsets, FRAME_KINDS, type FrameSite, Frames, isReference, MISSING } from './snapshot.js';

/** The most distinct sites of frames, as each becomes an object. */
const SITES_MAX = 1_000_000;

export interface FrameColumns {
  readonly places: Uint8Array;
  readonly counts: Uint8Array;
  readonly types: Uint8Array;
  readonly of: Uint8Array;
  readonly words: Uint8Array;
}

/** Reports an error; the caller adds its place. */
export type Fail = (where: string, what: string) => never;

/** The bytes of a typed array, in memory order. */
export function bytesOf(column: Uint32Array | Uint16Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

/** An aligned copy of a column. */
export function words32(bytes: Uint8Array, where: string, fail: Fail): Uint32Array {
  if (bytes.length % 4 !== 0) fail(where, `has ${bytes.length} bytes, not a multiple of 4`);
  const copy = new Uint32Array(bytes.length / 4);
  bytesOf(copy).set(bytes);
  return copy;
}

export function encodeFrames(frames: Frames): FrameColumns {
  const { sites } = frames;
  const places = new Uint32Array(sites.length * 4);
  const counts = new Uint32Array(sites.length * 2);
  const types = new Uint8Array(sites.reduce((sum, site) => sum + site.locals.length + site.operands.length, 0));
  let at = 0;
  for (let i = 0; i < sites.length; i++) {
    const { instance, func, offset, kind, locals, operands } = sites[i];
    places.set([instance, func, offset, FRAME_KINDS.indexOf(kind)], i * 4);
    counts.set([locals.length, operands.length], i * 2);
    types.set(locals, at);
    types.set(operands, at + locals.length);
    at += locals.length + operands.length;
  }
  return {
    places: bytesOf(places),
    counts: bytesOf(counts),
    types,
    of: bytesOf(frames.siteOf),
    words: bytesOf(frames.words),
  };
}

/**
 * @param instanceCount the number of instances, which sites and function references may name
 * @param exceptionCount the number of exceptions, which references may name
 */
export function decodeFrames(columns: FrameColumns, instanceCount: number, fail: Fail, exceptionCount = 0): Frames {
  const sites = decodeSites(columns, instanceCount, fail);
  const siteOf = words32(columns.of, 'frames.of', fail);
  const words = words32(columns.words, 'frames.words', fail);
  let suspended = 0;
  for (let i = 0; i < siteOf.length; i++) {
    if (siteOf[i] >= sites.length) fail(`frames.of[${i}]`, `names site ${siteOf[i]} of ${sites.length}`);
    const { kind } = sites[siteOf[i]];
    if (i === 0 && kind === 'call') fail('frames.of[0]', 'the innermost frame is in a call');
    if (i === 0 || kind === 'call') continue;
    if (suspended !== 0 || kind === 'trap') {
      fail(`frames.of[${i}]`, 'only the innermost frame of each of two stacks can be outside of a call');
    }
    suspended = i;
  }
  const needed = wordCount(sites, siteOf);
  if (words.length !== needed) fail('frames.words', `has ${words.length} words, the sites need ${needed}`);
  const frames = new Frames(sites, siteOf, words);
  checkValues(frames, instanceCount, exceptionCount, fail);
  return frames;
}

function decodeSites(columns: FrameColumns, instanceCount: number, fail: Fail): FrameSite[] {
  const places = words32(columns.places, 'frames.places', fail);
  const counts = words32(columns.counts, 'frames.counts', fail);
  const count = places.length / 4;
  if (!Number.isInteger(count) || counts.length !== count * 2) fail('frames.counts', 'does not match frames.places');
  if (count > SITES_MAX) throw new LimitError('sites', `snapshot: its frames are at more than ${SITES_MAX} sites`);
  const sites: FrameSite[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const [instance, func, offset, kind] = places.subarray(i * 4, i * 4 + 4);
    if (instance >= instanceCount) fail(`frames.places[${i}]`, `names instance ${instance} of ${instanceCount}`);
    if (kind >= FRAME_KINDS.length) fail(`frames.places[${i}]`, `${kind} is not a kind of site`);
    const middle = at + counts[i * 2];
    const end = middle + counts[i * 2 + 1];
    if (end > columns.types.length) fail(`frames.counts[${i}]`, 'goes beyond frames.types');
    const locals = Uint8Array.from(columns.types.subarray(at, middle));
    const operands = Uint8Array.from(columns.types.subarray(middle, end));
    const trap = FRAME_KINDS[kind] === 'trap';
    for (const type of locals) if (!(trap && type === MISSING)) checkType(type, `frames.types of site ${i}`, fail);
    for (const type of operands) checkType(type, `frames.types of site ${i}`, fail);
    sites.push({ instance, func, offset, kind: FRAME_KINDS[kind], locals, operands });
    at = end;
  }
  if (at !== columns.types.length) fail('frames.types', 'has more types than the sites have values');
  return sites;
}

function wordCount(sites: readonly FrameSite[], siteOf: Uint32Array): number {
  const sizes = sites.map((site) => cellOffsets(site).at(-1)! * 2);
  let sum = 0;
  for (let i = 0; i < siteOf.length; i++) sum += sizes[siteOf[i]];
  return sum;
}

/** Checks that narrow values have an upper half of zero, and that references name existing instances. */
function checkValues(frames: Frames, instanceCount: number, exceptionCount: number, fail: Fail): void {
  const { words, sites, siteOf } = frames;
  const types = sites.map((site) => Buffer.concat([site.locals, site.operands]));
  let at = 0;
  for (let i = 0; i < siteOf.length; i++) {
    const own = types[siteOf[i]];
    for (let k = 0; k < own.length; k++) {
      const problem = valueProblem(own[k], words[at], words[at + 1], instanceCount, exceptionCount);
      if (problem) fail(`frames.words of frame ${i}, value ${k}`, problem);
      at += own[k] === ValType.V128 ? 4 : 2;
    }
  }
}

export function checkType(type: number, where: string, fail: Fail): void {
  const number = type >= ValType.V128 && type <= ValType.I32;
  if (!number && !isReference(type)) fail(where, `0x${type.toString(16)} is not a value type`);
}

/** What is wrong with a value's bits for any module; undefined when nothing is. Every lower half of a v128 is valid. */
export function valueProblem(
  type: number,
  lo: number,
  hi: number,
  instanceCount: number,
  exceptionCount: number,
): string | undefined {
  if (type === ValType.ExnRef && (hi !== 0 || lo > exceptionCount)) {
    return `an exception reference to number ${hi === 0 ? lo : 'with more bits'} of ${exceptionCount}`;
  }
  if (type === MISSING && (lo | hi) !== 0) return 'a value that is not known, with bits';
  if (hi === 0) {
    if (type === ValType.FuncRef && lo !== 0) return 'a null reference that names a function';
    return undefined;
  }
  if (type === ValType.I32 || type === ValType.F32) return 'a 32-bit value with more bits';
  if (type === ValType.FuncRef && hi > instanceCount)
    return `a function reference to instance ${hi - 1} of ${instanceCount}`;
  return undefined;
}
