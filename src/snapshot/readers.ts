/**
 * Who can read the files of an encrypted snapshot: a difference is of use only to those who can read its ancestors, too.
 * age does not tell for whom a file is encrypted, so an encrypted file says it itself (annex.ts), where only its
 * recipients see it.
 */

import type { StoredSnapshot } from './snapshot.js';

/**
 * Who will be able to read all files of a new snapshot.
 *
 * @param recipients of its own file; none: it is not encrypted
 * @param parents those who can read the files of its ancestors; undefined: not known
 * @returns undefined: everybody, or not known
 */
export function readersOf(
  recipients: readonly string[],
  hasParent: boolean,
  parents: readonly string[] | undefined,
): readonly string[] | undefined {
  if (recipients.length === 0) return undefined;
  if (!hasParent) return recipients;
  return parents && recipients.filter((one) => parents.includes(one));
}

/**
 * Why an encrypted snapshot should not be a difference to another one.
 *
 * @param parent a snapshot whose ancestors have been found
 * @param recipients of the new one, at least one
 * @returns a sentence without its end; undefined when nothing is against it
 */
export function obstacleFor(
  { path, packing, snapshot, ancestors = [] }: StoredSnapshot,
  recipients: readonly string[],
): string | undefined {
  const plain = [{ path, packing }, ...ancestors].find((file) => file.packing?.key === undefined);
  if (plain !== undefined) return `${plain.path}: is not encrypted, so what it has stays readable`;
  const { readers } = snapshot;
  if (readers === undefined) return `${path}: does not say who can read all of its files`;
  const stranger = recipients.find((one) => !readers.includes(one));
  return stranger && `${path}: cannot be read by ${stranger}`;
}
