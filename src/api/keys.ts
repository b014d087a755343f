/** The key by which other hosts know this one, and keys for snapshots. */

import { ensureIdentity } from '../snapshot/packing/recipients.js';
import { ensureSigningKey } from '../snapshot/trust/signing-key.js';
import { ensureKeys } from '../transport/keys.js';

export interface OwnKeys {
  /** `SHA256:…`, the fingerprint by which other hosts know this one. */
  readonly fingerprint: string;
  /** The folder of the keys. */
  readonly folder: string;
  /** Whether they were made just now. */
  readonly isNew: boolean;
}

/**
 * Returns the keys of this host, and makes them if there are none.
 *
 * @param folder default: `$XDG_CONFIG_HOME/wag-snap`
 * @throws ToolError, InputError for files that cannot be read or written
 */
export async function ownKeys(folder?: string): Promise<OwnKeys> {
  const { fingerprint, folder: where, isNew } = await ensureKeys(folder);
  return { fingerprint, folder: where, isNew };
}

/** A key for snapshots, in a file for its owner only. */
export interface SnapshotKey {
  /** What others need: `ed25519:…` to check signatures, `age1…` to encrypt. */
  readonly publicKey: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/**
 * Returns the public key of a file for `signKey`, and makes the file if it is not there.
 *
 * @throws ToolError, InputError for a file that cannot be read or written, or is something else
 */
export async function ownSigningKey(file: string): Promise<SnapshotKey> {
  const { publicKey, isNew } = ensureSigningKey(file);
  return { publicKey, isNew };
}

/**
 * Returns the recipient of an age identity, and makes its file if it is not there. age-keygen makes such files, too.
 *
 * @throws ToolError, InputError for a file that cannot be read or written, or is something else
 */
export function ownIdentity(file: string): Promise<SnapshotKey> {
  return ensureIdentity(file);
}
