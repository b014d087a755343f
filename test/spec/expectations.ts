/**
 * What is known not to work, and how much worked last time: data beside this file.
 *
 *     expected-failures.json   [{ script, line, reason, arch? }]; without arch on every CPU
 *     counts.json              passed assertions by script; BLESS=1 rewrites it
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownPackage } from '../../src/base/package.js';
import type { Outcome, ScriptResult } from './run-script.js';

export interface ExpectedFailure {
  readonly script: string;
  /** Of the command, in the script. */
  readonly line: number;
  readonly reason: string;
  readonly arch?: readonly string[];
}

export interface Judgement {
  /** Failures that are not expected. */
  readonly unexpected: readonly Outcome[];
  /** Expected failures that did not happen. */
  readonly stale: readonly ExpectedFailure[];
  readonly known: number;
}

const folder = join(ownPackage().folder, 'test/spec');
const countsPath = join(folder, 'counts.json');

export const expectedFailures = read<ExpectedFailure[]>(join(folder, 'expected-failures.json'));
export const storedCounts = read<Record<string, number>>(countsPath);

export function judge(result: ScriptResult, arch: string): Judgement {
  const expected = expectedFailures.filter(
    (entry) => entry.script === result.script && (entry.arch === undefined || entry.arch.includes(arch)),
  );
  const lines = new Set(expected.map(({ line }) => line));
  const failed = new Set(result.failures.map(({ line }) => line));
  const unexpected = result.failures.filter(({ line }) => !lines.has(line));
  const stale = expected.filter(({ line }) => !failed.has(line));
  return { unexpected, stale, known: result.failures.length - unexpected.length };
}

/** Stores the counts of these scripts; those of other scripts stay. */
export function storeCounts(results: readonly ScriptResult[]): void {
  const counts = { ...storedCounts };
  for (const { script, passed } of results) counts[script] = passed;
  const sorted = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(countsPath, `${JSON.stringify(sorted, null, 2)}\n`);
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
