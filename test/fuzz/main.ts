/**
 * `npm run fuzz [-- …]`: random modules, native against V8 or migrated, until a failure or the time is over. The
 * options are in options.ts.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fuzzComponents } from './component-fuzzer.js';
import { Differential, type Variant } from './differential.js';
import { migrateCase } from './migration.js';
import { fuzzOptions } from './options.js';
import { memoryOf } from './other-memory.js';
import { fuzzPeers } from './peer-fuzzer.js';
import { reportFailure } from './report.js';
import { runnable } from './safepoints.js';
import { shrink } from './shrink.js';
import { fuzzStores } from './store-fuzzer.js';

const options = fuzzOptions(process.argv.slice(2));
const end = performance.now() + options.seconds * 1000;
const firstSeed = options.seed;
const MOST_FAILURES = 5;

console.log(`seed ${firstSeed}`);
const modes = {
  migration: migrations,
  differential: differentials,
  peers: () => fuzzPeers(firstSeed, end),
  stores: () => fuzzStores(firstSeed, end),
  components: () => fuzzComponents(firstSeed, end, options.arch === undefined ? runnable : [options.arch]),
};
const failed = await modes[options.mode]();
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
    { sizes: { functions: 6, body: 60, exceptions: true }, deterministic: false },
    { sizes: { functions: 5, body: 200, vectors: true, tailCalls: true, exceptions: true }, deterministic: true },
    { sizes: { functions: 3, body: 500, exceptions: true }, deterministic: false },
    { sizes: { functions: 5, body: 150 }, deterministic: false, wideArithmetic: true },
    { sizes: { functions: 5, body: 100 }, deterministic: false, memory: { index: 0, wide: false, small: true } },
    { sizes: { functions: 6, body: 60, exceptions: true }, deterministic: false, tryTables: true },
    {
      sizes: { functions: 5, body: 300, vectors: true, tailCalls: true, exceptions: true },
      deterministic: true,
      tryTables: true,
    },
    {
      sizes: { functions: 5, body: 100, tailCalls: true, exceptions: true },
      deterministic: false,
      memory: { index: 1, wide: true },
      tryTables: true,
    },
    { sizes: { functions: 5, body: 60, references: true }, deterministic: false },
    { sizes: { functions: 4, body: 300, vectors: true, references: true }, deterministic: true },
    { sizes: { functions: 5, body: 100, tailCalls: true, references: true }, deterministic: false },
    { sizes: { functions: 5, body: 60, casts: true }, deterministic: false },
    { sizes: { functions: 4, body: 300, vectors: true, tailCalls: true, casts: true }, deterministic: true },
    {
      sizes: { functions: 5, body: 150, tailCalls: true, exceptions: true, casts: true },
      deterministic: false,
      memory: { index: 0, wide: true, small: true },
      tryTables: true,
      wideArithmetic: true,
    },
    {
      sizes: { functions: 4, body: 200, vectors: true, tailCalls: true, exceptions: true, references: true },
      deterministic: true,
      memory: { index: 1, wide: true },
      tryTables: true,
    },
  ];
  const chosen = variants.filter((variant) => JSON.stringify(variant).includes(options.only));
  if (chosen.length === 0) throw new Error(`no variant contains ${options.only}`);
  const differential = new Differential();
  let seed = firstSeed;
  let count = 0;
  for (let round = 0; performance.now() < end && count < MOST_FAILURES; round++) {
    const variation = options.variations ? seed % 10_007 : undefined;
    const variant = { ...chosen[round % chosen.length], arch: options.arch ?? 'x64', variation };
    const seeds = Array.from({ length: options.batch }, () => seed++);
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
  const byRoute = new Map<string, number>();
  let seed = firstSeed;
  let migrated = 0;
  let count = 0;
  for (; performance.now() < end && count < MOST_FAILURES; seed++) {
    const result = await migrateCase(seed, folder, {
      sizes: {
        functions: 4,
        body: seed % 2 ? 60 : 300,
        vectors: seed % 4 > 1,
        atomics: seed % 8 > 4,
        tailCalls: seed % 16 > 5,
        exceptions: seed % 16 > 7,
        references: seed % 7 > 2,
        casts: seed % 7 > 4,
      },
      runs: 8,
      from: options.from === undefined ? runnable : [options.from],
      to: options.arch === undefined ? runnable : [options.arch],
      deterministic: seed % 3 === 0,
      tryTables: seed % 5 > 1,
      wideArithmetic: seed % 2 > 0,
      memory: memoryOf(seed),
    });
    migrated += result.migrated;
    byRoute.set(result.route, (byRoute.get(result.route) ?? 0) + result.migrated);
    count += result.failures.length;
    for (const failure of result.failures) console.log(failure);
  }
  rmSync(folder, { recursive: true, force: true });
  for (const [route, number] of byRoute) console.log(`${route}: ${number} captures restored`);
  console.log(`${seed - firstSeed} cases, ${migrated} captures restored, ${count} failed`);
  return count;
}
