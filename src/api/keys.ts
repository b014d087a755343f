/** The key by which other hosts know this one. */

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
