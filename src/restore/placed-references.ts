/**
 * Converts references of a snapshot to pointers into an image: to function records and exceptions.
 *
 * A snapshot may name only functions that a program can have references to: functions that have a record in the
 * instance that defines them. Uses the image's identity.
 */

import { InputError } from '../base/errors.js';
import type { Identity } from '../image/tables/identity.js';
import { FIRST_GUEST } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';

export class References {
  /** For each guest instance and function: image offset of the record, or 0 for none. */
  private readonly records: readonly Uint32Array[];
  /** Image offset of each exception in the snapshot. Set by placeExceptions. */
  exceptions: Uint32Array = new Uint32Array(0);

  constructor(readonly identity: Identity) {
    this.records = identity.instances.slice(FIRST_GUEST).map(({ start, functions }, guest) =>
      Uint32Array.from(functions.records, (record, index) => {
        const elsewhere =
          index < functions.imported &&
          (functions.links[index * 2] !== guest + FIRST_GUEST || functions.links[index * 2 + 1] !== index);
        return record < 0 || elsewhere ? 0 : start + record;
      }),
    );
  }

  /**
   * Image offset of the function record of a reference (snapshot.ts FuncRef), 0 for null.
   *
   * @param where names the place of the reference, for errors
   */
  record(lo: number, hi: number, where: () => string): number {
    if (hi === 0) {
      if (lo === 0) return 0;
      throw new InputError('snapshot', `snapshot: ${where()}: a null reference with a function index`);
    }
    const record = this.records[hi - 1]?.[lo];
    if (record) return record;
    const what = record === undefined ? 'which does not exist' : 'to which the program can have no reference';
    throw new InputError('snapshot', `snapshot: ${where()}: refers to function ${lo} of instance ${hi - 1}, ${what}`);
  }

  /**
   * Image offset of the target of a function or exception reference, 0 for null.
   *
   * @param where names the place of the reference, for errors
   */
  place(type: number, lo: number, hi: number, where: () => string): number {
    if (type !== ValType.ExnRef) return this.record(lo, hi, where);
    if (hi !== 0 || lo > this.exceptions.length) {
      throw new InputError('snapshot', `snapshot: ${where()}: refers to an exception that does not exist`);
    }
    return lo === 0 ? 0 : this.exceptions[lo - 1];
  }

  /** Whether the program can have a reference to a function. Throws nothing. */
  has(instance: number, func: number): boolean {
    return (this.records[instance]?.[func] ?? 0) !== 0;
  }
}
