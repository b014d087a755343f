/** Where a user's own policy is. */

import { join } from 'node:path';
import { findUserFolder } from '../../base/user-folders.js';

/** `$XDG_CONFIG_HOME/wag-snap/policy.json`; undefined for a user without a home. */
export function policyPath(): string | undefined {
  const folder = findUserFolder('XDG_CONFIG_HOME');
  return folder === undefined ? undefined : join(folder, 'policy.json');
}
