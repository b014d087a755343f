/**
 * Between CPUs, with memory that comes while they run: small programs are captured at sites by chance, and continue on
 * the other CPU without any of their memory. What they print and their exit codes are an unbroken run's.
 *
 * Some of the programs, or all: see support/sampling.ts. Needs qemu-user.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { exhaustive, seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';
import { smallPrograms } from './small-programs.js';

const SAMPLE = { reached: 2, seed, lazy: true };
const PROGRAMS = 3;

const able = canRun('x64') && canRun('arm64');
const next = random(seed);
const shuffled = smallPrograms.map((program) => ({ program, order: next() })).sort((a, b) => a.order - b.order);
const chosen = shuffled.map(({ program }) => program).slice(0, exhaustive ? undefined : PROGRAMS);

describe.runIf(able)(`lazily crossing, seed ${seed}`, () => {
  const folder = temporaryFolder();

  test.each(chosen)('$name, at its sites', { timeout: 1_800_000 }, async ({ name, args, source, linked }) => {
    const own = join(folder, name);
    mkdirSync(own);
    const x64 = await build(source, join(own, 'x64'), { arch: 'x64', deterministic: true, linked });
    const arm64 = await build(source, join(own, 'arm64'), { arch: 'arm64', deterministic: true, linked });
    const options = { args, dirs: [{ host: own, guest: '.', readOnly: false }] };
    const there = await captureAtEverySite(x64, own, options, SAMPLE, arm64);
    expect(there.failures).toEqual([]);
    const back = await captureAtEverySite(arm64, own, options, SAMPLE, x64, sitesIn(arm64, x64, there.reached));
    expect(back.failures).toEqual([]);
    expect(there.reached.length).toBeGreaterThan(0);
  });
});

if (!able) test.skip('was not run: install qemu-user-static', () => {});
