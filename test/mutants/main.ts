/**
 * `npm run mutants`: puts small deliberate faults into a copy of the tree, one at a time, and runs the tests that must
 * notice them. Prints the score by area and what survived; the exit code is 1 when a mutant survived, or cannot be
 * applied any more.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../support/random.js';
import { areas } from './areas.js';
import { TreeCopy } from './copy.js';
import { Judge, type Verdict } from './judge.js';
import { describe, type Mutant, mutantsOf, problemOf } from './mutant.js';

type Result = Verdict | 'skipped' | 'stale';
const SURVIVORS = 'build/mutants/survivors.json';
const TRIED = 'build/mutants/tried.json';
/** A quick test may notice a mutant only for some seeds, or orders of events: one that survives is tried again. */
const ATTEMPTS = 3;
const BAD: readonly Result[] = ['survived', 'broken', 'stale'];

const USAGE = `npm run mutants [-- AREA|FILE… --again --open --all --sample N --seed S --seconds N --rest]

Tries the mutants of some areas or files, or all of them (more than an hour).

  --again       those that survived the last time (${SURVIVORS})
  --open        those that are not known to be noticed
  --all         runs every test, not only up to the first failure, and prints the files that noticed
  --sample N    N by chance, of those whose tests are quick
  --seed S      the same ones as a run that printed S
  --quick       those that a sample is taken of
  --seconds N   begins none after this time; the exit code is 3 when some are left
  --rest        those that no run has tried (${TRIED}, which you may delete)
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parse();
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const chosen = choose(positionals);
  if (typeof chosen === 'string') {
    console.error(
      `mutants: ${chosen}: neither an area (${areas.map(({ name }) => name).join(', ')}) nor a file of one`,
    );
    return 2;
  }
  const wanted = values.again ? survivedBefore() : ({ open }: Mutant) => open || !values.open;
  const tried = new Set(values.rest ? list(TRIED) : []);
  const some = chosen.filter((one) => wanted(one) && !tried.has(idOf(one)) && (!values.quick || isQuick(one)));
  const mutants = values.sample === undefined ? some : sample(some, Number(values.sample), values.seed);
  const copy = new TreeCopy(process.cwd());
  const judge = new Judge(copy, !values.all);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      judge.stop();
      copy.remove();
      process.exit(1);
    });
  }
  try {
    const seconds = Number(values.seconds ?? Number.POSITIVE_INFINITY);
    return await runAll(copy, judge, mutants, { thorough: values.all ?? false, seconds });
  } finally {
    judge.stop();
    copy.remove();
  }
}

/** Those of some areas and files, or all; or the name that is neither. */
function choose(names: readonly string[]): Mutant[] | string {
  const all = areas.flatMap(mutantsOf);
  if (names.length === 0) return all;
  const fits = (name: string) => (mutant: Mutant) => mutant.area === name || mutant.file === name;
  const unknown = names.find((name) => !all.some(fits(name)));
  return unknown ?? all.filter((mutant) => names.some((name) => fits(name)(mutant)));
}

function isQuick({ slow, open }: Mutant): boolean {
  return !slow && !open;
}

function sample(all: readonly Mutant[], count: number, given: string | undefined): Mutant[] {
  const seed = given === undefined ? Date.now() % 1_000_000 : Number(given);
  console.log(`mutants: ${count} by chance, --seed ${seed}`);
  const next = random(seed);
  const left = all.filter(isQuick);
  return Array.from(
    { length: Math.min(count, left.length) },
    () => left.splice(Math.floor(next() * left.length), 1)[0],
  );
}

async function runAll(
  copy: TreeCopy,
  judge: Judge,
  mutants: readonly Mutant[],
  { thorough, seconds }: { thorough: boolean; seconds: number },
): Promise<number> {
  const started = performance.now();
  const results: [Mutant, Result][] = [];
  for (const mutant of mutants) {
    if (performance.now() - started > seconds * 1000) break;
    copy.restoreBuild(); // of the mutant before
    const failing = await judge.baseline(mutant);
    if (failing.length > 0) {
      console.error(`mutants: these tests fail without any:\n${failing.join('\n')}`);
      return 1;
    }
    const { result, attempts } = await run(copy, judge, mutant);
    results.push([mutant, result]);
    const by = thorough && result === 'noticed' ? ` by ${judge.noticedBy.join(', ')}` : '';
    if (result === 'noticed' && attempts > 1) console.log(`only in attempt ${attempts}:`);
    console.log(`${result.padEnd(9)}${describe(mutant)}${by}`);
    remember([[mutant, result]]);
  }
  const left = mutants.length - results.length;
  if (left > 0) console.log(`\n${left} left: --rest`);
  return summarize(results, performance.now() - started) || (left > 0 ? 3 : 0);
}

function idOf({ file, before, after }: Mutant): string {
  return JSON.stringify([file, before, after]);
}

function list(file: string): string[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

function survivedBefore(): (mutant: Mutant) => boolean {
  const before = list(SURVIVORS);
  return (mutant) => before.includes(idOf(mutant));
}

/** Replaces what is known of the mutants that were run. */
function remember(results: readonly (readonly [Mutant, Result])[]): void {
  const known = new Set(list(SURVIVORS));
  const tried = new Set(list(TRIED));
  for (const [mutant, result] of results) {
    tried.add(idOf(mutant));
    if (result === 'survived') known.add(idOf(mutant));
    else known.delete(idOf(mutant));
  }
  write(SURVIVORS, known);
  write(TRIED, tried);
}

function write(file: string, ids: ReadonlySet<string>): void {
  mkdirSync(dirname(file), { recursive: true });
  const whole = `${file}.${process.pid}`; // several runs may continue at the same time
  writeFileSync(whole, JSON.stringify([...ids], null, 1));
  renameSync(whole, file);
}

interface Run {
  readonly result: Result;
  readonly attempts: number;
}

async function run(copy: TreeCopy, judge: Judge, mutant: Mutant): Promise<Run> {
  const { file, before, after, tests } = mutant;
  if (!existsSync(copy.path(file)) || problemOf(copy.read(file), before, after) !== undefined)
    return { result: 'stale', attempts: 0 };
  if (!judge.canJudge(mutant)) return { result: 'skipped', attempts: 0 };
  const revert = copy.apply(
    file,
    copy.read(file).replace(before, () => after),
  );
  judge.touch(file);
  try {
    const built = copy.isBuilt(file, tests);
    if (built === 'perhaps') {
      const result = await judge.judge(mutant); // building takes longer than most tests
      if (result !== 'survived') return { result, attempts: 1 };
    }
    const problem = built === 'no' ? undefined : await copy.build(file, tests);
    if (problem !== undefined) console.log(problem);
    if (problem !== undefined) return { result: 'broken', attempts: 0 };
    for (let attempts = 1; ; attempts++) {
      const result = await judge.judge(mutant);
      if (result !== 'survived' || attempts === ATTEMPTS || mutant.slow) return { result, attempts };
    }
  } finally {
    revert();
    judge.touch(file);
  }
}

function summarize(results: readonly (readonly [Mutant, Result])[], milliseconds: number): number {
  console.log('');
  const count = (area: string | undefined, wanted: readonly Result[]) =>
    results.filter(([mutant, result]) => (!area || mutant.area === area) && wanted.includes(result)).length;
  const line = (name: string, area?: string) => {
    const skipped = count(area, ['skipped']);
    const judged = results.filter(([mutant]) => !area || mutant.area === area).length - skipped;
    const more = skipped ? `, ${skipped} not judged on this machine` : '';
    console.log(`${name.padEnd(12)}${count(area, ['noticed', 'hangs'])} of ${judged} noticed${more}`);
  };
  for (const area of new Set(results.map(([{ area }]) => area))) line(area, area);
  line('all');
  console.log(`${Math.round(milliseconds / 1000)} s`);
  const bad = results.filter(([, result]) => BAD.includes(result));
  if (bad.length > 0) console.log('');
  for (const [mutant, result] of bad) console.log(`${result}: ${describe(mutant)} (${mutant.tests.join(', ')})`);
  return bad.length > 0 ? 1 : 0;
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        sample: { type: 'string' },
        seed: { type: 'string' },
        again: { type: 'boolean' },
        open: { type: 'boolean' },
        all: { type: 'boolean' },
        quick: { type: 'boolean' },
        seconds: { type: 'string' },
        rest: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    console.error(`mutants: ${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}
