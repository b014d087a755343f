/** Writes a snapshot that is a difference to others as a single file. */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { type Destination, openDestination } from '../base/output.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import type { ChainOptions } from './stored-snapshot.js';

export interface CompactOptions extends ChainOptions, OutputOption, ProgressOption, SignalOption {}

/**
 * Writes a snapshot that needs no other file. First compares all files that it is made of with their digests.
 *
 * @throws InputError when a file is damaged, missing or wrong; ToolError
 */
export async function compact(snapshot: string, { to, signal, onProgress, ...places }: CompactOptions): Promise<void> {
  const { filesOf, openSnapshot } = await import('./stored-snapshot.js');
  const stored = openSnapshot(snapshot, places);
  await compactOpened(stored, openDestination(resolve(to), filesOf(stored)), { signal, onProgress });
}

/** Compacts a snapshot that was opened with all of its files (stored-snapshot.ts). @returns bytes of the new file */
export async function compactOpened(
  stored: StoredSnapshot,
  output: Destination,
  { signal, onProgress }: ProgressOption & SignalOption,
): Promise<number> {
  const [{ compactSnapshot }, { verifySnapshot }] = await Promise.all([
    import('../snapshot/compact.js'),
    import('../snapshot/verify.js'),
  ]);
  const cancel = new Cancellation('nothing was written', signal);
  await verifySnapshot(stored, () => cancel.check());
  return compactSnapshot(stored, output, (done, total) => {
    cancel.check();
    onProgress?.(done, total);
  });
}
