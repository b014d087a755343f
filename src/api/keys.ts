/** The key by which other hosts know this one. */

import { ensureKeys } from '../transport/keys.js';

export interface OwnKeys {
  /** `SHA256:…`: what other hosts know this one by. */
  readonly fingerprint: string;
  /** Where they are. */
  readonly folder: string;
  /** Whether they were made now. */
  readonly isNew: boolean;
}

/**
 * Makes the keys of this host, if there are none.
 *
 * @param folder `$XDG_CONFIG_HOME/wag-snap`, if not given
 * @throws ToolError, InputError for files that cannot be read or written
 */
export async function ownKeys(folder?: string): Promise<OwnKeys> {
  const { fingerprint, folder: where, isNew } = await ensureKeys(folder);
  return { fingerprint, folder: where, isNew };
}
