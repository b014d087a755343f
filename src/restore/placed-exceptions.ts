/**
 * Places the exceptions of a snapshot as objects (image/contract/exception-tables.ts EXN_*) into the resumable image's
 * .resume segment. Frames, globals and tables can then refer to them by address, which is relocated like all others.
 *
 * Checks them against the module: each has a tag that its instance defines, with values of the tag's types. The decoder
 * has checked that exceptions refer only to earlier ones.
 */

import { InputError } from '../base/errors.js';
import { EXN_COUNT, EXN_VALUE_SIZE, EXN_VALUES, TAG_RECORD_SIZE } from '../image/contract/exception-tables.js';
import type { Identity } from '../image/tables/identity.js';
import { cellsOf, FIRST_GUEST, isReference, type SnapshotException } from '../snapshot/snapshot.js';
import { type Module, ValType } from '../wasm/module.js';
import { exactOf } from '../wasm/ref-types.js';
import { formatTypes } from '../wasm/text.js';
import type { References } from './placed-references.js';
import { checkReference } from './reference-type.js';

/** The exceptions' part of the resume segment. */
export interface PlacedExceptions {
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` of u64 words that hold image offsets. */
  readonly pointers: readonly number[];
}

/**
 * Places the exceptions, and tells `references` their offsets.
 *
 * @param modules the module of each guest instance
 * @param start image offset of the part, a multiple of 16
 * @throws InputError
 */
export function placeExceptions(
  exceptions: readonly SnapshotException[],
  modules: readonly Module[],
  references: References,
  start: number,
): PlacedExceptions {
  let size = 0;
  const places = Uint32Array.from(exceptions, ({ types }) => {
    const at = start + size;
    size += EXN_VALUES + types.length * EXN_VALUE_SIZE;
    return at;
  });
  references.exceptions = places;
  const bytes = Buffer.alloc(size);
  const pointers: number[] = [];
  exceptions.forEach((exception, i) => {
    const at = places[i] - start;
    bytes.writeUInt32LE(tagRecord(exception, i, modules, references.identity), at);
    pointers.push(at);
    bytes.writeUInt32LE(exception.types.length, at + EXN_COUNT);
    checkValues(exception, i, modules);
    putValues(exception, i, references, bytes, at + EXN_VALUES, pointers);
  });
  return { bytes, pointers };
}

/** Image offset of the tag's record. */
function tagRecord(
  { instance, tag, types }: SnapshotException,
  index: number,
  modules: readonly Module[],
  identity: Identity,
): number {
  const module = modules[instance];
  const { start, tags } = identity.instances[instance + FIRST_GUEST];
  const fault = (what: string) => new InputError('snapshot', `snapshot: exceptions[${index}]: ${what}`);
  if (tags === undefined || tag >= module.tags.length) throw fault(`instance ${instance} has no tag ${tag}`);
  if (tag < module.importedTagCount) throw fault(`tag ${tag} of instance ${instance} belongs to another instance`);
  const params = module.types[module.tags[tag]].params;
  if (Buffer.compare(params, types) !== 0) {
    throw fault(`its values (${formatTypes(types)}) are not those of its tag (${formatTypes(params)})`);
  }
  return start + tags.records + (tag - module.importedTagCount) * TAG_RECORD_SIZE;
}

/** Values are of their types already; references are to be of what the tag says. */
function checkValues(
  { instance, tag, types, words }: SnapshotException,
  index: number,
  modules: readonly Module[],
): void {
  const module = modules[instance];
  const { params } = exactOf(module.types[module.tags[tag]]);
  let word = 0;
  for (let i = 0; i < types.length; i++) {
    const [lo, hi] = [words[word], words[word + 1]];
    word += cellsOf(types[i]) * 2;
    if (!isReference(types[i]) || params[i] === types[i]) continue;
    // What does not exist is said by References.place.
    if (types[i] !== ValType.FuncRef || lo < (modules[hi - 1]?.funcTypes.length ?? 0) || (lo | hi) === 0) {
      checkReference(modules, module, params[i], lo, hi, () => `exceptions[${index}]`);
    }
  }
}

function putValues(
  { types, words }: SnapshotException,
  index: number,
  references: References,
  bytes: Buffer,
  at: number,
  pointers: number[],
): void {
  let word = 0;
  for (const type of types) {
    const [lo, hi] = [words[word], words[word + 1]];
    if (type === ValType.FuncRef || type === ValType.ExnRef) {
      const place = references.place(type, lo, hi, () => `exceptions[${index}]`);
      bytes.writeUInt32LE(place, at);
      if (place !== 0) pointers.push(at);
    } else {
      for (let i = 0; i < cellsOf(type) * 2; i++) bytes.writeUInt32LE(words[word + i], at + 4 * i);
    }
    word += cellsOf(type) * 2;
    at += EXN_VALUE_SIZE;
  }
}
