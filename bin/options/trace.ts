/**
 * WAGSNAP_TRACE: areas, separated by commas, or `all`. Their lines go to standard error, with the time since the start.
 */

import { terminalLines } from '../../src/base/terminal-text.js';
import { TRACE_AREAS, type TraceArea, traceTo } from '../../src/base/trace.js';
import { UsageError } from './usage.js';

/** @throws UsageError for an unknown area */
export function traceFromEnvironment({ WAGSNAP_TRACE: value }: NodeJS.ProcessEnv = process.env): void {
  if (!value) return;
  const names = value.split(',').map((name) => name.trim());
  for (const name of names) {
    if (name === 'all' || (TRACE_AREAS as readonly string[]).includes(name)) continue;
    throw new UsageError(`WAGSNAP_TRACE=${value}: expected all, or some of ${TRACE_AREAS.join(',')}`);
  }
  traceTo(
    (area, text) => process.stderr.write(terminalLines([`${area} ${performance.now().toFixed(1)} ms: ${text}`])),
    names.includes('all') ? TRACE_AREAS : (names as TraceArea[]),
  );
}
