/**
 * How the tests run; `npm test` builds first, as many of them start bin/wag-snap. Times are only there for what hangs: none
 * is to be exceeded by a machine that is ten times slower and busy. Files that take long come first, and their tests have more time
 * (test/support/slow-files.ts).
 *
 * WASI's functions are tried on both CPUs: what test/support/wasi-guest.ts starts is for this machine's, and in the second
 * project for ARM64, where that can be run.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { findEmulator } from './src/api/launch.js';
import { SlowFirst } from './test/support/slow-first.js';

const wasi = readdirSync('test/wasi')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/wasi/${name}`)
  .filter((file) => readFileSync(file, 'utf8').includes('support/wasi-guest.js'));

const everything = { extends: true as const, test: { name: 'here', include: ['test/**/*.test.ts'] } };
const onArm64 = { extends: true as const, test: { name: 'arm64', include: wasi, env: { WAGSNAP_ARCH: 'arm64' } } };
const emulates = process.arch !== 'arm64' && findEmulator('arm64') !== undefined;

export default defineConfig({
  test: {
    projects: emulates ? [everything, onArm64] : [everything],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    setupFiles: 'test/support/every-file.ts',
    sequence: { sequencer: SlowFirst },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    maxWorkers: 2,
    minWorkers: 1,
  },
});
