/** What a command has to say besides its result, a line each on stderr. */

import { terminalLines } from '../../src/base/terminal-text.js';

/** @param text may hold foreign names */
export function printWarning(text: string): void {
  process.stderr.write(terminalLines([`wag-snap: warning: ${text}`]));
}
