/**
 * `npm test [-- FILE|NAME…]`: checks everything that must hold before a change lands, on a fresh machine too: packages,
 * build, format and lint, types, tests. Continues after a failure, except of the build. Ends with a line `N passed, N
 * failed[, N skipped]`, in which a failed step counts as a failed test. Lists skipped tests with their reasons.
 * Arguments go to vitest; format, lint and types are then left out. Leaves build/test/results.json and summary.txt.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { bin, ensurePackages, helpAndExit, root, run } from './setup.mjs';

helpAndExit(`npm test [-- FILE|NAME…|OPTION…]

Packages, build, format and lint, types, then all tests.
With arguments: packages and build, then vitest with the arguments.
  FILE|NAME          only test files whose path contains it: npm test -- capture
  -t PATTERN         only tests whose name matches: npm test -- -t 'continues'
  --project NAME     here, or a name of vitest.config.ts's other projects
  --exhaustive       all of each sweep instead of a sample (test/support/sampling.ts): for hours, or with FILE
Leaves build/test/results.json and build/test/summary.txt; the last line is N passed, N failed[, N skipped].`);

const results = `${root}/build/test/results.json`;
const summary = `${root}/build/test/summary.txt`;
const skips = `${root}/build/test/skipped.txt`;
const filters = process.argv.slice(2).filter((word) => word !== '--exhaustive');
if (filters.length < process.argv.length - 2) process.env.WAGSNAP_EXHAUSTIVE = '1';
const failedSteps = [];
/** The number of deliberate faults that each run tries, chosen by chance (test/mutants). */
const MUTANTS = 6;

rmSync(`${root}/build/test`, { recursive: true, force: true });
mkdirSync(`${root}/build/test`, { recursive: true });

ensurePackages();
if (step('build', 'node', ['scripts/build.mjs'])) {
  if (filters.length === 0) {
    step('format and lint', bin('biome'), ['check', '--max-diagnostics=50']);
    step('types', bin('tsc'), ['-p', 'tsconfig.json']);
  }
  const json = [
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
    `--reporter=${root}/scripts/skipped-tests.mjs`,
  ];
  const green = run(bin('vitest'), ['run', ...json, ...filters]);
  if (filters.length === 0) step('mutants', 'node', ['scripts/tool.mjs', 'mutants', '--sample', String(MUTANTS)]);
  if (!existsSync(results)) failedSteps.push('vitest');
  else finish(JSON.parse(readFileSync(results, 'utf8')), green);
}
if (failedSteps.includes('build') || failedSteps.includes('vitest')) finish({}, false);

function step(name, command, args) {
  console.log(`\n== ${name}`);
  const ok = run(command, args);
  if (!ok) failedSteps.push(name);
  return ok;
}

/** A file that cannot be loaded has no tests, so it counts as one failed test. */
function finish(report, green) {
  const broken = (report.testResults ?? []).filter((file) => file.status === 'failed' && !file.assertionResults.length);
  for (const { name } of broken) failedSteps.push(name.replace(`${root}/`, ''));
  const { numPassedTests: passed = 0, numPendingTests: pending = 0, numTodoTests: todo = 0 } = report;
  const skipped = pending + todo;
  let failed = (report.numFailedTests ?? 0) + failedSteps.length;
  if (!green && failed === 0) failed = 1; // an error outside of all tests
  const line = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
  if (existsSync(skips)) console.log(`\nskipped:\n${readFileSync(skips, 'utf8')}`);
  if (failedSteps.length) console.log(`\nfailed: ${failedSteps.join(', ')}`);
  writeFileSync(summary, `${line}\n`);
  console.log(`\n${line}`);
  process.exitCode = failed ? 1 : 0;
}
