/** What may be said of a descriptor that is restored. */

import { UsageError } from '../base/errors.js';
import type { FdPolicy } from '../restore/grants.js';

const WORDS: ReadonlySet<unknown> = new Set(['reopen', 'ignore', 'close', 'fail']);

/** @throws UsageError for what is no policy, or for no descriptor */
export function checkPolicyForm(fd: number, policy: FdPolicy): void {
  const isOne = typeof policy === 'object' ? typeof policy?.path === 'string' : WORDS.has(policy);
  if (isOne && Number.isSafeInteger(fd) && fd >= 0) return;
  throw new UsageError(`--fd ${fd}=${String(policy)}: a descriptor is reopen, ignore, close, fail or { path }`);
}
