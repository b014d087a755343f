/** How the tests run; `npm test` builds first, as many of them start bin/wag-snap. */

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 300_000,
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    maxWorkers: 2,
    minWorkers: 1,
  },
});
