/**
 * Options of `run` and `restore` that limit a running program: `--max-memory SIZE`, `--max-stack SIZE`, `--timeout
 * SECONDS`.
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
/** The longest timer of Node, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** The values from yargs. */
export interface LimitOptions {
  readonly maxMemory: string | undefined;
  readonly maxStack: string | undefined;
  readonly timeout: string | undefined;
}

export interface Limits {
  /** In bytes; undefined for no limit. */
  readonly maxMemory: number | undefined;
  readonly maxStack: number | undefined;
  /** In milliseconds. */
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
    'SIZE[K|M|G]: limit of its memories and exceptions together; memory.grow fails beyond it',
  ),
  'max-stack': option('max-stack', 'SIZE[K|M|G]: size of its stack, default: 64M; deeper recursion traps'),
  timeout: option('timeout', `${DURATION}: kill it after this time (exit code 4)`),
};

/** @throws UsageError */
export function parseLimits({ maxMemory, maxStack, timeout }: LimitOptions): Limits {
  return {
    maxMemory: maxMemory === undefined ? undefined : parseSize('max-memory', maxMemory),
    maxStack: maxStack === undefined ? undefined : checkStack(parseSize('max-stack', maxStack), maxStack),
    timeout: timeout === undefined ? undefined : parseDuration('timeout', timeout),
  };
}

/** Parses a size to bytes: `512M`, `1g`, `65536`. @throws UsageError */
export function parseSize(option: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([kmg]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]) : 0;
  if (bytes < 1 || bytes > Number.MAX_SAFE_INTEGER)
    throw new UsageError(`--${option} ${text}: expected a number of bytes, or one with K, M or G`);
  return bytes;
}

/**
 * Parses a duration to milliseconds, rounded up: `30` and `0.25` are seconds, or `500ms`, `2s`, `5m`, `1h`. @throws
 * UsageError
 */
export function parseDuration(option: string, text: string): number {
  const milliseconds = parseAge(option, text);
  if (milliseconds > LONGEST) throw new UsageError(`--${option} ${text}: the longest time is ${LONGEST} ms`);
  return milliseconds;
}

/** The same of what is not waited for: it may be of any length. @throws UsageError */
export function parseAge(option: string, text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/.exec(text);
  const milliseconds = match ? Math.ceil(Number(match[1]) * DURATIONS[match[2] ?? 's']) : 0;
  if (milliseconds >= 1) return milliseconds;
  throw new UsageError(`--${option} ${text}: expected seconds above 0, or a number with ms, s, m, h or d`);
}
