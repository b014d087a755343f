/**
 * Random programs that throw and catch continue from every site that they reach, in code of another version and on the
 * other CPU.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { captureAtEverySite } from '../migrate/every-site.js';
import { compareSites } from '../sites/same-sites.js';
import { seed as sites } from '../support/sampling.js';
import { build, canRun, temporaryFolder } from '../support/workload.js';
import { randomProgram } from './random-program.js';

const SEED = Number(process.env['WAGSNAP_SEED'] ?? 1);
const PROGRAMS = Number(process.env['WAGSNAP_PROGRAMS'] ?? 2);
const SAMPLE = { reached: 12, seed: sites }; // few of the sites are on the way
const folder = temporaryFolder();
const seeds = Array.from({ length: PROGRAMS }, (_, i) => SEED + i);
const forms = ['legacy', 'table'] as const;

test.each(seeds.flatMap((seed) => forms.map((form) => ({ seed, form }))))(
  `seed $seed, $form form, sites by seed ${sites}`,
  async ({ seed, form }) => {
    const own = join(folder, `${form}${seed}`);
    mkdirSync(own);
    const source = Buffer.from(randomProgram(seed, form === 'legacy', true)[form]);
    const x64 = await build(source, join(own, 'x64'));
    const other = await build(source, join(own, 'other'), { variation: seed });
    expect(compareSites(x64.image, other.image).differences).toEqual([]);
    const results = [await captureAtEverySite(x64, own, {}, SAMPLE, other)];
    if (canRun('arm64')) {
      const arm64 = await build(source, join(own, 'arm64'), { arch: 'arm64' });
      expect(compareSites(x64.image, arm64.image).differences).toEqual([]);
      results.push(await captureAtEverySite(x64, own, {}, { ...SAMPLE, reached: 6 }, arm64));
    }
    for (const { failures, reached } of results) {
      expect(failures).toEqual([]);
      expect(reached.length).toBeGreaterThan(0);
    }
  },
);
