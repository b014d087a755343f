/** Checks that a snapshot's files are what was captured, to the last byte. */

import { Cancellation } from '../base/cancellation.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { VerifiedFile } from '../snapshot/verify.js';
import type { ProgressOption, SignalOption } from './common-options.js';
import type { ChainOptions } from './stored-snapshot.js';

export type { VerifiedFile };

export interface VerifyOptions extends ChainOptions, ProgressOption, SignalOption {}

/**
 * Reads all of a snapshot and of its ancestors, and compares it with the digests.
 *
 * @returns all files, the snapshot's own first
 * @throws InputError for the first file that is damaged, missing or wrong; ToolError
 */
export async function verify(
  snapshot: string,
  { signal, onProgress, ...places }: VerifyOptions = {},
): Promise<VerifiedFile[]> {
  const { openSnapshot, placesFor } = await import('./stored-snapshot.js');
  return verifyOpened(await openSnapshot(snapshot, await placesFor(places)), { signal, onProgress });
}

/** Verifies a snapshot that was opened with all of its files (stored-snapshot.ts). */
export async function verifyOpened(
  stored: StoredSnapshot,
  { signal, onProgress }: ProgressOption & SignalOption,
): Promise<VerifiedFile[]> {
  const { verifySnapshot } = await import('../snapshot/verify.js');
  const cancel = new Cancellation('not all was checked', signal);
  return verifySnapshot(stored, (done, total) => {
    cancel.check();
    onProgress?.(done, total);
  });
}
