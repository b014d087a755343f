/**
 * How the tests run; `npm test` builds first, as many of them start bin/wag-snap. Times are only there for what hangs: none
 * is to be exceeded by a machine that is ten times slower and busy.
 */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 120_000 } },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    maxWorkers: 2,
    minWorkers: 1,
  },
});
