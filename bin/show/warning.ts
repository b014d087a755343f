/** What a command has to say besides its result, a line each on stderr. */

import type { Directory } from '../../src/api/process-options.js';
import { terminalLines } from '../../src/base/terminal-text.js';

/** @param text may hold foreign names */
export function printWarning(text: string): void {
  process.stderr.write(terminalLines([`wag-snap: warning: ${text}`]));
}

/** Of directories that hold the cache of compiled images. */
export async function warnOfCacheGrant(directories: readonly Directory[]): Promise<void> {
  if (directories.length === 0) return;
  const { cacheGrantWarnings } = await import('../../src/api/cache-grant.js');
  for (const warning of cacheGrantWarnings(directories)) printWarning(warning);
}
