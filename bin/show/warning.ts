/** Prints warnings to stderr, one line each. */

import type { Directory } from '../../src/api/process-options.js';
import { withoutTemporaries } from '../../src/base/temporary-names.js';
import { terminalLines } from '../../src/base/terminal-text.js';

/** @param text may contain foreign names */
export function printWarning(text: string): void {
  process.stderr.write(terminalLines([`wag-snap: warning: ${withoutTemporaries(text)}`]));
}

/** Warns of directories that hold the cache of compiled images. */
export async function warnOfCacheGrant(directories: readonly Directory[]): Promise<void> {
  if (directories.length === 0) return;
  const { cacheGrantWarnings } = await import('../../src/api/cache-grant.js');
  for (const warning of cacheGrantWarnings(directories)) printWarning(warning);
}
