/**
 * `npm run spec -- [--arch ARCH] [--deterministic] [--variation SEED] [-v] [DIR|FILE…]`: runs conformance scripts,
 * those of DIR's folders too, and prints, for each, how many assertions there are, passed, failed and were skipped. Without arguments: the suite's
 * own scripts and those of the proposals that we implement. Several scripts are added up by area as well (areas.ts). Exits with 1 after a failure that expected-failures.json
 * does not list, or when one that it lists passes. --variation: compiled as another version of the compiler might
 * (src/compile/convention/variation.ts).
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assembleAsUsersDo, testsuiteFolder, testsuiteScripts } from '../support/wast.js';
import { areaOf } from './areas.js';
import { judge } from './expectations.js';
import { type Outcome, runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const USAGE = 'usage: npm run spec -- [--arch ARCH] [--deterministic] [--variation SEED] [-v] [DIR|FILE…]';

const OPTIONS = {
  arch: { type: 'string' },
  deterministic: { type: 'boolean' },
  variation: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  help: { type: 'boolean', short: 'h' },
} as const;

process.exitCode = await main();

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    return usage((error as Error).message);
  }
  const { values, paths: given } = parsed;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const arch = values.arch ?? (ARCHES.includes(process.arch) ? process.arch : ARCHES[0]);
  const target = specTarget(arch);
  if (target === undefined) return usage(`--arch ${arch} is unknown: ${ARCHES.join(', ')}`);
  const variation = values.variation === undefined ? undefined : Number(values.variation);
  const absent = given.find((path) => !existsSync(path));
  if (absent !== undefined) return usage(`${absent}: no such file`);
  const scripts = given.length > 0 ? given.flatMap(scriptsOf) : suite();
  if (scripts === undefined) {
    console.log('the conformance suite is not there: set WASM_TESTSUITE to its folder. Nothing was run');
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'wagsnap-spec-'));
  const total = emptyCounts();
  const areas = new Map<string, Counts>();
  const width = Math.max(...scripts.map(({ name }) => name.length));
  const start = performance.now();
  try {
    for (const { path, name, isOwn } of scripts) {
      const options = {
        target,
        assemble: assembleAsUsersDo,
        folder,
        deterministic: values.deterministic ?? false,
        variation,
      };
      const text = readFileSync(path);
      const result = await runScript(name, text, options);
      const sha256 = isOwn ? undefined : createHash('sha256').update(text).digest('hex');
      const { unexpected, stale, known } = judge(result, arch, sha256);
      const { assertions, passed, skipped } = result;
      const failed = unexpected.length;
      console.log(formatRow(result.script.padEnd(width), { assertions, passed, known, failed, skipped }));
      printOutcomes(values.verbose ? unexpected : unexpected.slice(0, 10), unexpected.length);
      if (values.verbose) printOutcomes(result.skips, result.skips.length);
      for (const entry of stale) console.log(`    ${entry.line}: expected to fail, but passes: ${entry.reason}`);
      const row = { assertions, passed, known, failed, skipped, stale: stale.length };
      const area = areas.get(areaOf(path)) ?? emptyCounts();
      areas.set(areaOf(path), area);
      add(total, row);
      add(area, row);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (areas.size > 1) {
    console.log('');
    for (const [area, { stale: _, ...row }] of [...areas].sort()) console.log(formatRow(area.padEnd(width), row));
  }
  const { stale, ...row } = total;
  console.log(formatRow(`${scripts.length} scripts`.padEnd(width), row));
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s on ${arch}`);
  return row.failed + stale > 0 ? 1 : 0;
}

type Counts = ReturnType<typeof emptyCounts>;

function emptyCounts() {
  return { assertions: 0, passed: 0, known: 0, failed: 0, skipped: 0, stale: 0 };
}

function add(to: Counts, row: Counts): void {
  for (const key of Object.keys(row) as (keyof Counts)[]) to[key] += row[key];
}

/** Paths are relative to where npm was started. */
function parse() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  return { values, paths: positionals.map((path) => resolve(process.env['INIT_CWD'] ?? '', path)) };
}

function usage(message: string): number {
  console.error(`${message}\n${USAGE}`);
  return 2;
}

interface Script {
  readonly path: string;
  readonly name: string;
  /** Whether it is one of the suite's folder, which rows without sha256 are about. */
  readonly isOwn: boolean;
}

function suite(): Script[] | undefined {
  const folder = testsuiteFolder();
  return folder === undefined
    ? undefined
    : testsuiteScripts(folder).map((name) => ({ path: join(folder, name), name, isOwn: true }));
}

/** Scripts are named by their paths below the suite's folder, or else below the folder that was given. */
function scriptsOf(given: string): Script[] {
  const folder = statSync(given).isDirectory() ? given : dirname(given);
  const suite = testsuiteFolder();
  return scriptsIn(given).map((path) => {
    const own = suite === undefined ? '..' : relative(suite, path);
    const isOwn = !own.startsWith('..');
    return { path, name: isOwn ? own : relative(folder, path), isOwn };
  });
}

/** Those in a folder's folders come after its own. */
function scriptsIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const scripts = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith('.wast'));
  const folders = entries.filter((entry) => entry.isDirectory());
  return [
    ...scripts.map(({ name }) => join(path, name)),
    ...folders.flatMap(({ name }) => scriptsIn(join(path, name))),
  ];
}

/** `assertions` and `passed` always, the rest when there are any. */
function formatRow(name: string, counts: Readonly<Record<string, number>>): string {
  const { assertions, passed, skipped, ...others } = counts;
  const count = (value: number, what: string) => `${String(value).padStart(6)} ${what}`;
  const rest = Object.entries(others).filter(([, value]) => value > 0);
  const words = rest.map(([what, value]) => count(value, what === 'known' ? 'failed as expected' : what));
  return [name, count(assertions, 'run'), count(passed, 'passed'), count(skipped, 'skipped'), ...words].join(' ');
}

function printOutcomes(outcomes: readonly Outcome[], count: number): void {
  for (const { line, command, reason } of outcomes) console.log(`    ${line}: ${command}: ${reason}`);
  if (count > outcomes.length) console.log(`    … ${count - outcomes.length} more (-v)`);
}
