/** Limits of a running program on the command line: `--max-memory SIZE`, `--timeout SECONDS`. */

import { UsageError } from './usage.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
/** The longest that a timer of Node's can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** `512M`, `1g`, `65536`: bytes. @throws UsageError */
export function parseSize(option: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([kmg]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]) : 0;
  if (bytes < 1) throw new UsageError(`--${option} ${text}: expected a number of bytes, or one with K, M or G`);
  return bytes;
}

/** Seconds, with a fraction: milliseconds. @throws UsageError */
export function parseSeconds(option: string, text: string): number {
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : 0;
  if (milliseconds < 1 || milliseconds > LONGEST) throw new UsageError(`--${option} ${text}: expected seconds`);
  return milliseconds;
}
