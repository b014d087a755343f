/**
 * Whether pages of a snapshot may be used that is trusted because of its signature: this covers pages only by their
 * digests. So all of them are compared before any is used.
 */

import { InputError } from '../base/errors.js';
import type { StoredSnapshot } from './snapshot.js';

/**
 * To be called before pages of a snapshot are used. Does nothing where no signature is demanded.
 *
 * @param stored a snapshot whose ancestors have been found
 * @param onProgress as for verifySnapshot; may throw to cancel
 * @throws InputError when a page is not what was captured, or nothing tells, as a file has no digests
 */
export async function believe(
  stored: StoredSnapshot,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  if (!stored.mustBeSigned) return;
  const { verifySnapshot } = await import('./verify.js');
  const unknown = (await verifySnapshot(stored, onProgress)).find(({ hasDigests }) => !hasDigests);
  if (unknown === undefined) return;
  const what = 'an earlier wag-snap wrote no digests of its pages, so its signature does not cover them';
  throw new InputError('untrusted', `${unknown.path}: ${what}`);
}
