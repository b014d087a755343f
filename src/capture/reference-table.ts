/**
 * Translates native references to portable ones: addresses of function records to (instance, function index).
 *
 * Uses the image's own description of where its records are, not the process's memory: an address that is not exactly a
 * record is refused. Externrefs are portable already (n + 1, or 0 for null).
 */

import { InputError } from '../base/errors.js';
import type { Identity } from '../image/tables/identity.js';
import { FIRST_GUEST } from '../snapshot/snapshot.js';

interface Records {
  readonly instance: number; // index in the image
  readonly start: number; // absolute address of the instance block
  readonly end: number;
  readonly offsets: Int32Array; // offsets of records in the block, ascending
  readonly functions: Int32Array; // their function indexes
}

/** Built before the process is stopped, as a module may have 100,000 records. */
export class ReferenceTable {
  /** The guest instances, by ascending address of their blocks. */
  private readonly instances: readonly Records[];

  /** @param base load address of the image */
  constructor(identity: Identity, base: number) {
    const guests = identity.instances.map(({ start, size, functions }, instance) => {
      const own = Int32Array.from(functions.records.keys()).filter((index) => functions.records[index] >= 0);
      own.sort((a, b) => functions.records[a] - functions.records[b]);
      const offsets = own.map((index) => functions.records[index]);
      return { instance, start: base + start, end: base + start + size, offsets, functions: own };
    });
    this.instances = guests.slice(FIRST_GUEST).sort((a, b) => a.start - b.start);
  }

  /**
   * Replaces the two words at `at`, a native function reference, by a portable one.
   *
   * @param where the reference's place, for the error
   * @throws InputError for an address that is not a function record of a guest
   */
  translate(words: Uint32Array, at: number, where: string): void {
    const address = words[at + 1] * 0x100000000 + words[at];
    if (address === 0) return;
    const records = this.recordsAt(address);
    const found = records ? indexOf(records.offsets, address - records.start) : -1;
    if (records && found >= 0) {
      words[at] = records.functions[found];
      words[at + 1] = records.instance - FIRST_GUEST + 1;
      return;
    }
    throw new InputError('damaged-process', `${where}: 0x${address.toString(16)} is not a function of this image`);
  }

  private recordsAt(address: number): Records | undefined {
    const { instances } = this;
    let low = 0;
    let high = instances.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (instances[middle].start <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < instances[low - 1].end ? instances[low - 1] : undefined;
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
