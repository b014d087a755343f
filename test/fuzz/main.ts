/**
 * `npm run fuzz [-- [differential|migration] [--seconds N] [--seed N] [--arch x64|arm64] [--variations]]`
 *
 * Random modules until a failure or the time is over. `differential` (default): native against V8; a failure is made small
 * and left in build/fuzz. `migration`: captured at random safepoints of x86-64, restored on `--arch`.
 * `--variations`: other versions of the compiler too (src/compile/variation.ts).
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Differential, type Variant } from './differential.js';
import { migrateCase } from './migration.js';
import { reportFailure } from './report.js';
import { shrink } from './shrink.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    arch: { type: 'string' },
    batch: { type: 'string' },
    variations: { type: 'boolean' },
  },
});
const end = performance.now() + Number(values.seconds ?? 60) * 1000;
const firstSeed = Number(values.seed ?? Date.now() % 1_000_000_000);
const MOST_FAILURES = 5;

console.log(`seed ${firstSeed}`);
const failed = positionals[0] === 'migration' ? await migrations() : await differentials();
process.exitCode = failed > 0 ? 1 : 0;

async function differentials(): Promise<number> {
  const variants: readonly Variant[] = [
    { sizes: { functions: 5, body: 60 }, deterministic: false },
    { sizes: { functions: 4, body: 200 }, deterministic: false },
    { sizes: { functions: 5, body: 60 }, deterministic: true },
    { sizes: { functions: 2, body: 600 }, deterministic: false },
    { sizes: { functions: 5, body: 60, vectors: true }, deterministic: false },
    { sizes: { functions: 4, body: 200, vectors: true }, deterministic: true },
    { sizes: { functions: 2, body: 600, vectors: true }, deterministic: false },
    { sizes: { functions: 5, body: 60, atomics: true }, deterministic: false },
    { sizes: { functions: 8, body: 60, tailCalls: true }, deterministic: false },
    { sizes: { functions: 3, body: 200, atomics: true }, deterministic: true },
    { sizes: { functions: 4, body: 200, vectors: true }, deterministic: false, memory: { index: 1, wide: false } },
    { sizes: { functions: 4, body: 200, atomics: true }, deterministic: true, memory: { index: 0, wide: true } },
    { sizes: { functions: 4, body: 200, vectors: true }, deterministic: true, memory: { index: 2, wide: true } },
  ];
  const batch = Number(values.batch ?? 40);
  const differential = new Differential();
  let seed = firstSeed;
  let count = 0;
  for (let round = 0; performance.now() < end && count < MOST_FAILURES; round++) {
    const variation = values.variations ? seed % 10_007 : undefined;
    const variant = { ...variants[round % variants.length], arch: values.arch, variation };
    const seeds = Array.from({ length: batch }, () => seed++);
    for (const failure of differential.run(variant, seeds).slice(0, 2)) {
      count++;
      console.log(`seed ${failure.seed} ${JSON.stringify(variant)}: ${failure.message}`);
      await reportFailure(shrink(differential, failure));
    }
  }
  const { cases, functions, bytes, calls, traps } = differential.tally;
  console.log(
    `${cases} cases, ${functions} functions, ${bytes} bytes, ${calls} calls, ${traps} traps, ${count} failed`,
  );
  differential.close();
  return count;
}

async function migrations(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-migration-'));
  let seed = firstSeed;
  let migrated = 0;
  let count = 0;
  for (; performance.now() < end && count < MOST_FAILURES; seed++) {
    const sizes = { functions: 4, body: seed % 2 ? 60 : 300, vectors: seed % 4 > 1, atomics: seed % 8 > 4 };
    const arches = [values.arch ?? 'x64'];
    const result = await migrateCase(seed, folder, { sizes, runs: 8, arches, deterministic: seed % 3 === 0 });
    migrated += result.migrated;
    count += result.failures.length;
    for (const failure of result.failures) console.log(failure);
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(`${seed - firstSeed} cases, ${migrated} captures restored, ${count} failed`);
  return count;
}
