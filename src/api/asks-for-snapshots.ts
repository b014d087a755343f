/** Whether a program may ask for snapshots of itself: whether a module of it imports the function. */

import { readSnapshotModule } from '../snapshot/format.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { decodeModule } from '../wasm/decode.js';
import { asksForSnapshots } from '../wasm/entry.js';

/** @param modules all that it consists of; undefined: one that is not known, which may ask */
export function mayAsk(modules: readonly (Uint8Array | undefined)[]): boolean {
  return modules.some((bytes) => bytes === undefined || asksForSnapshots(decodeModule(bytes)));
}

/** The same for a snapshot, which may not carry all of its modules. */
export function snapshotMayAsk(stored: StoredSnapshot): boolean {
  return mayAsk(stored.snapshot.modules.map((module) => readSnapshotModule(stored, module)));
}
