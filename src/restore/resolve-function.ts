/** Finds the function that an index of an instance means. */

import type { Identity } from '../image/tables/identity.js';
import { FIRST_GUEST } from '../snapshot/snapshot.js';

/** A function as a snapshot names it: guest instance and function index. */
export interface FunctionName {
  readonly instance: number;
  readonly func: number;
}

/** @returns the function itself, or that of another instance, which an import means. A host function is its import */
export function resolveFunction(identity: Identity, instance: number, func: number): FunctionName {
  const { functions } = identity.instances[instance + FIRST_GUEST];
  if (func >= functions.imported) return { instance, func };
  return { instance: functions.links[func * 2] - FIRST_GUEST, func: functions.links[func * 2 + 1] };
}
