/**
 * Limits of a running program on the command line, which `run` and `restore` have: `--max-memory SIZE`, `--max-stack
 * SIZE`, `--timeout SECONDS`.
 */

import type { Options as YargsOption } from 'yargs';
import { checkStack } from '../../src/api/process-options.js';
import { once, UsageError } from './usage.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** For help texts. */
export const DURATION = 'SECONDS (or 500ms, 2s, 5m, 1h)';
/** For help texts: of what is not waited for. */
export const AGE = 'SECONDS (or 30m, 12h, 7d)';
/** The longest that a timer of Node's can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** As yargs has given them. */
export interface LimitOptions {
  readonly maxMemory: string | undefined;
  readonly maxStack: string | undefined;
  readonly timeout: string | undefined;
}

export interface Limits {
  /** Bytes, or undefined for no limit. */
  readonly maxMemory: number | undefined;
  readonly maxStack: number | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
}

const option = (name: string, describe: string): YargsOption => ({
  type: 'string',
  requiresArg: true,
  coerce: once(name),
  describe,
});

export const limitOptions = {
  'max-memory': option(
    'max-memory',
    'SIZE[K|M|G]: what its memories and exceptions may have together; memory.grow fails beyond',
  ),
  'max-stack': option('max-stack', 'SIZE[K|M|G]: of its stack, 64M if not given; recursion beyond it traps'),
  timeout: option('timeout', `${DURATION} after which it is killed (exit code 4)`),
};

/** @throws UsageError */
export function parseLimits({ maxMemory, maxStack, timeout }: LimitOptions): Limits {
  return {
    maxMemory: maxMemory === undefined ? undefined : parseSize('max-memory', maxMemory),
    maxStack: maxStack === undefined ? undefined : checkStack(parseSize('max-stack', maxStack), maxStack),
    timeout: timeout === undefined ? undefined : parseDuration('timeout', timeout),
  };
}

/** `512M`, `1g`, `65536`: bytes. @throws UsageError */
export function parseSize(option: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([kmg]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]) : 0;
  if (bytes < 1 || bytes > Number.MAX_SAFE_INTEGER)
    throw new UsageError(`--${option} ${text}: expected a number of bytes, or one with K, M or G`);
  return bytes;
}

/** `30`, `0.25`: seconds; `500ms`, `2s`, `5m`, `1h`: what they say. Milliseconds, rounded up. @throws UsageError */
export function parseDuration(option: string, text: string): number {
  const milliseconds = parseAge(option, text);
  if (milliseconds > LONGEST) throw new UsageError(`--${option} ${text}: at most ${LONGEST} ms can be waited for`);
  return milliseconds;
}

/** The same of what is not waited for: it may be of any length. @throws UsageError */
export function parseAge(option: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/.exec(text);
  const milliseconds = match ? Math.ceil(Number(match[1]) * DURATIONS[match[2] ?? 's']) : 0;
  if (milliseconds >= 1) return milliseconds;
  throw new UsageError(`--${option} ${text}: expected seconds, or a number with ms, s, m, h or d`);
}
