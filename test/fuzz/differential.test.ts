/** Random modules of fixed seeds, native against V8. `npm run fuzz` goes on with others. */

import { afterAll, expect, test } from 'vitest';
import { Differential, type Variant } from './differential.js';

const BATCHES = 8;
const BATCH = 40;

const variants: readonly Variant[] = [
  { sizes: { functions: 5, body: 60 }, deterministic: false },
  { sizes: { functions: 3, body: 300 }, deterministic: false },
  { sizes: { functions: 5, body: 60 }, deterministic: true },
  { sizes: { functions: 4, body: 150 }, deterministic: false, variation: 1 },
  { sizes: { functions: 5, body: 60, vectors: true }, deterministic: false },
  { sizes: { functions: 3, body: 200, vectors: true }, deterministic: true },
  { sizes: { functions: 4, body: 150, vectors: true }, deterministic: false, variation: 1 },
  { sizes: { functions: 5, body: 60, atomics: true }, deterministic: false },
  { sizes: { functions: 3, body: 200, atomics: true }, deterministic: true },
];

const differential = new Differential();
afterAll(() => differential.close());

for (const variant of variants) {
  test(`native code and V8 agree: ${JSON.stringify(variant)}`, { timeout: 240_000 }, () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const seeds = Array.from({ length: BATCH }, (_, i) => 1 + batch * BATCH + i);
      const failures = differential.run(variant, seeds);
      expect(failures.map(({ seed, message }) => `seed ${seed}: ${message}`)).toEqual([]);
    }
  });
}
