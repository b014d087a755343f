/**
 * Between CPUs: each small program is captured at the sites that it reaches on x86-64 and continues on ARM64, and the
 * other way round. What it prints and its exit code are an unbroken run's.
 *
 * A sample of the sites, as an emulated process takes its time; all of them: see support/sampling.ts. Needs qemu-user.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';
import { smallPrograms } from './small-programs.js';

/** Of a program's sites, each captured and restored on both CPUs. */
const SAMPLE = { reached: 3, seed };

const able = canRun('x64') && canRun('arm64');

describe.runIf(able)(`crossing, seed ${seed}`, () => {
  const folder = temporaryFolder();

  test.each(smallPrograms)('$name, at its sites', { timeout: 1_800_000 }, async ({ name, args, source, linked }) => {
    const own = join(folder, name);
    mkdirSync(own);
    const x64 = await build(source, join(own, 'x64'), { arch: 'x64', deterministic: true, linked });
    const arm64 = await build(source, join(own, 'arm64'), { arch: 'arm64', deterministic: true, linked });
    const options = { args, dirs: [{ host: own, guest: '.', readOnly: false }] };
    const start = performance.now();
    const there = await captureAtEverySite(x64, own, options, SAMPLE, arm64);
    expect(there.failures).toEqual([]);
    const reached = sitesIn(arm64, x64, there.reached);
    const back = await captureAtEverySite(arm64, own, options, reached.length, x64, reached);
    expect(back.failures).toEqual([]);
    expect(back.reached).toEqual(reached);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${name}: ${there.tried} of ${there.sites} sites, ${reached.length} there and back, ${seconds} s`);
    expect(reached.length).toBeGreaterThan(0);
  });
});

if (!able) test.skip('was not run: install qemu-user-static', () => {});
