/** What killed tools have left unfinished in a store. */

import { join } from 'node:path';
import { removeStale } from '../../base/temporary.js';
import type { Blobs } from './blobs.js';
import { FILES } from './folders.js';
import { INGEST } from './ingest.js';
import { Parts } from './parts.js';

/** Removes it. Only while the store is locked. Never fails. @returns how many files and folders there were */
export function removeLeftOvers(store: string, blobs: Blobs): number {
  return [
    removeStale(join(store, INGEST), 'wag-snap-', 'folders'),
    new Parts(store).removeOld(),
    removeStale(store, '.wag-snap-', 'folders'), // of the lock
    ...FILES.map((name) => removeStale(store, `.${name}.`, 'files')),
    blobs.removeLeftOvers(),
  ].reduce((sum, count) => sum + count);
}
