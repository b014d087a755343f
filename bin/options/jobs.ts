/** `--jobs`: how many threads compile. */

import { UsageError } from './usage.js';

/** @returns undefined for one thread per processor */
export function parseJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`--jobs ${text}: expected a number of threads, 1 to 9999`);
}
