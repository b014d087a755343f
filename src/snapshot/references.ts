/**
 * Native references to portable ones: the address of a function record to (instance, function index).
 *
 * Resolved by the image's own description of where its records are, not by what the process has in memory: an address
 * that is not exactly a record is refused. Externrefs are numbers already (n + 1, or 0 for null).
 */

import type { Identity } from '../compile/metadata/identity.js';
import { InputError } from '../errors.js';
import { FIRST_GUEST } from './snapshot.js';

interface Records {
  readonly start: number; // absolute address of the instance block
  readonly end: number;
  readonly offsets: Int32Array; // of records in the block, ascending
  readonly functions: Int32Array; // their function indexes
}

/** Built before the process is stopped: a module may have 100,000 records. */
export class ReferenceTable {
  private readonly instances: readonly Records[];

  /** @param base load address of the image */
  constructor(identity: Identity, base: number) {
    this.instances = identity.instances.map(({ start, size, functions }) => {
      const own = Int32Array.from(functions.records.keys()).filter((index) => functions.records[index] >= 0);
      own.sort((a, b) => functions.records[a] - functions.records[b]);
      const offsets = own.map((index) => functions.records[index]);
      return { start: base + start, end: base + start + size, offsets, functions: own };
    });
  }

  /**
   * Replaces the two words at `at`, a native function reference, by a portable one.
   *
   * @param where for the error
   * @throws InputError for an address that is no function record of a guest
   */
  translate(words: Uint32Array, at: number, where: string): void {
    const address = words[at + 1] * 0x100000000 + words[at];
    if (address === 0) return;
    for (let i = FIRST_GUEST; i < this.instances.length; i++) {
      const { start, end, offsets, functions } = this.instances[i];
      if (address < start || address >= end) continue;
      const found = indexOf(offsets, address - start);
      if (found < 0) break;
      words[at] = functions[found];
      words[at + 1] = i - FIRST_GUEST + 1;
      return;
    }
    throw new InputError('damaged-process', `${where}: 0x${address.toString(16)} is not a function of this image`);
  }
}

function indexOf(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length && sorted[low] === value ? low : -1;
}
