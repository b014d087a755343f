/**
 * The exceptions in the header of a .wsnap file, in columns; absent when there are none.
 *
 *     places     u32 x 2 per exception: instance, tag index
 *     counts     u32 per exception: values
 *     types      a byte per value, exception after exception
 *     words      u32 x 2 (lo, hi) per value, of a v128 u32 x 4
 *
 * Restore checks that the module has such tags. There are at most EXCEPTIONS_MAX, as each becomes an object although it
 * takes only a few bytes of the file.
 */

import { LimitError } from '../base/errors.js';
import { bytesOf, checkType, type Fail, valueProblem, words32 } from './frames-codec.js';
import { cellsOf, type SnapshotException } from './snapshot.js';

export const EXCEPTIONS_MAX = 1_000_000;

export interface ExceptionColumns {
  readonly places: Uint8Array;
  readonly counts: Uint8Array;
  readonly types: Uint8Array;
  readonly words: Uint8Array;
}

export function encodeExceptions(exceptions: readonly SnapshotException[]): ExceptionColumns {
  return {
    places: bytesOf(Uint32Array.from(exceptions.flatMap(({ instance, tag }) => [instance, tag]))),
    counts: bytesOf(Uint32Array.from(exceptions, ({ types }) => types.length)),
    types: Buffer.concat(exceptions.map(({ types }) => types)),
    words: Buffer.concat(exceptions.map(({ words }) => bytesOf(words))),
  };
}

/** @throws LimitError when there are too many; `where` names their container */
export function limitExceptions(count: number, where: string): void {
  if (count <= EXCEPTIONS_MAX) return;
  throw new LimitError('exceptions', `${where}: has more than ${EXCEPTIONS_MAX} exceptions`);
}

/** @param instanceCount the number of instances, which tags and function references may name */
export function decodeExceptions(columns: ExceptionColumns, instanceCount: number, fail: Fail): SnapshotException[] {
  const places = words32(columns.places, 'exceptions.places', fail);
  const counts = words32(columns.counts, 'exceptions.counts', fail);
  const words = words32(columns.words, 'exceptions.words', fail);
  if (places.length !== counts.length * 2) fail('exceptions.counts', 'does not match exceptions.places');
  if (counts.length === 0) fail('exceptions', 'are there, but none');
  limitExceptions(counts.length, 'snapshot');
  const exceptions: SnapshotException[] = [];
  let at = 0;
  let word = 0;
  for (let i = 0; i < counts.length; i++) {
    const where = `exceptions[${i}]`;
    const [instance, tag] = places.subarray(i * 2, i * 2 + 2);
    if (instance >= instanceCount) fail(where, `names instance ${instance} of ${instanceCount}`);
    if (at + counts[i] > columns.types.length) fail(where, 'has more values than there are types');
    const types = Uint8Array.from(columns.types.subarray(at, at + counts[i]));
    const first = word;
    for (const type of types) {
      checkType(type, where, fail);
      const end = word + cellsOf(type) * 2;
      if (end > words.length) fail(where, 'has more values than there are words');
      const problem = valueProblem(type, words[word], words[word + 1], instanceCount, i);
      if (problem) fail(where, problem);
      word = end;
    }
    exceptions.push({ instance, tag, types, words: words.slice(first, word) });
    at += counts[i];
  }
  if (at !== columns.types.length || word !== words.length) fail('exceptions', 'have fewer values than are there');
  return exceptions;
}
