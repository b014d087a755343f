/** Random modules of fixed seeds, native against V8. `npm run fuzz` goes on with others. */

import { afterAll, expect, test } from 'vitest';
import { Differential, type Variant } from './differential.js';

const SECONDS = 6;
const BATCH = 30;

const variants: readonly Variant[] = [
  { sizes: { functions: 5, body: 60 }, deterministic: false },
  { sizes: { functions: 3, body: 300 }, deterministic: false },
  { sizes: { functions: 5, body: 60 }, deterministic: true },
];

const differential = new Differential();
afterAll(() => differential.close());

for (const variant of variants) {
  test(`native code and V8 agree: ${JSON.stringify(variant)}`, { timeout: 120_000 }, () => {
    const end = performance.now() + SECONDS * 1000;
    let seed = 1;
    while (performance.now() < end) {
      const seeds = Array.from({ length: BATCH }, () => seed++);
      const failures = differential.run(variant, seeds);
      expect(failures.map(({ seed: failed, message }) => `seed ${failed}: ${message}`)).toEqual([]);
    }
    expect(seed).toBeGreaterThan(BATCH);
  });
}
