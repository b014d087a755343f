/** The parent of a snapshot that is to be written. */

import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { TrustOptions } from './seal-options.js';

/** The parent of a new snapshot, which has been read. All of its files are inputs, which no output may replace. */
export interface ReadParent {
  readonly stored: StoredSnapshot;
  readonly files: readonly string[];
}

/** @throws InputError when it, or a file that it needs, cannot be read or must not be believed; ToolError */
export async function readParent(
  path: string,
  search: readonly string[] = [],
  { identities, verifyKeys, policy }: TrustOptions = {},
): Promise<ReadParent> {
  const { filesOf, openSnapshot, placesFor } = await import('./stored-snapshot.js');
  const stored = await openSnapshot(path, await placesFor({ search, identities, verifyKeys, policy }));
  return { stored, files: filesOf(stored) };
}
