/**
 * `npm run fuzz [-- --seconds N] [--seed N] [--batch N] [--arch x64|arm64]`: random modules, native against V8, until a failure or the time is
 * over. A failure is made small, printed with its choices and left as .wasm in build/fuzz.
 */

import { parseArgs } from 'node:util';
import { Differential, type Variant } from './differential.js';
import { reportFailure } from './report.js';
import { shrink } from './shrink.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    batch: { type: 'string' },
    arch: { type: 'string' },
  },
});
const seconds = Number(values.seconds ?? 60);
const batch = Number(values.batch ?? 40);
let seed = Number(values.seed ?? Date.now() % 1_000_000_000);

const VARIANTS: readonly Variant[] = [
  { sizes: { functions: 5, body: 60 }, deterministic: false },
  { sizes: { functions: 4, body: 200 }, deterministic: false },
  { sizes: { functions: 5, body: 60 }, deterministic: true },
  { sizes: { functions: 2, body: 600 }, deterministic: false },
];

console.log(`seed ${seed}`);
const end = performance.now() + seconds * 1000;
const differential = new Differential();
let failed = 0;
for (let round = 0; performance.now() < end && failed < 5; round++) {
  const variant = { ...VARIANTS[round % VARIANTS.length], arch: values.arch };
  const seeds = Array.from({ length: batch }, () => seed++);
  for (const failure of differential.run(variant, seeds).slice(0, 2)) {
    failed++;
    console.log(`seed ${failure.seed} ${JSON.stringify(variant)}: ${failure.message}`);
    await reportFailure(shrink(differential, failure));
  }
}
const { cases, functions, bytes, calls, traps } = differential.tally;
console.log(`${cases} cases, ${functions} functions, ${bytes} bytes, ${calls} calls, ${traps} traps, ${failed} failed`);
differential.close();
process.exitCode = failed > 0 ? 1 : 0;
