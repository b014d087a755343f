/**
 * What is known not to work, and how much worked last time: data beside this file.
 *
 *     expected-failures.json   [{ script, sha256?, line, reason, arch? }]; without arch on every CPU. With sha256 (its
 *                              first digits) of what has these contents, wherever it is; without of the suite's own
 *     counts.json              passed assertions by script; BLESS=1 rewrites it
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownPackage } from '../../src/base/package.js';
import type { Outcome, ScriptResult } from './run-script.js';

export interface ExpectedFailure {
  readonly script: string;
  /** The first digits of the script's sha256: of which version the row is, and where it is found does not matter. */
  readonly sha256?: string;
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

/**
 * @param sha256 of a script that is not the suite's own
 * @param rows what is expected
 */
export function judge(
  result: ScriptResult,
  arch: string,
  sha256?: string,
  rows: readonly ExpectedFailure[] = expectedFailures,
): Judgement {
  const isAbout = (row: ExpectedFailure) =>
    row.sha256 === undefined
      ? sha256 === undefined && row.script === result.script
      : sha256?.startsWith(row.sha256) === true;
  const expected = rows.filter((row) => isAbout(row) && (row.arch === undefined || row.arch.includes(arch)));
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
