/** The files of keys, identities and policies that options name. */

import { policyPath } from '../snapshot/trust/policy-path.js';
import type { FormOptions, TrustOptions } from './seal-options.js';

/** What no output may replace; a key that is given itself is no file, and harmless here. */
export function keyFiles({
  encryptTo = [],
  signKey,
  identities = [],
  verifyKeys = [],
  policy = policyPath(),
}: FormOptions & TrustOptions): string[] {
  return [...encryptTo, signKey, ...identities, ...verifyKeys, policy].filter((path) => path !== undefined);
}
