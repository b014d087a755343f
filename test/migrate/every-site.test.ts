/**
 * Each small program is captured at sites that it reaches, or at every one (support/sampling.ts): see every-site.ts.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seed } from '../support/sampling.js';
import { build, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';
import { smallPrograms } from './small-programs.js';

/** Of a program's sites. */
const SAMPLE = { reached: 25, seed };

const folder = temporaryFolder();

for (const { name, args, source, linked } of smallPrograms) {
  test(`${name} continues from its sites, seed ${seed}`, async () => {
    const own = join(folder, name);
    mkdirSync(own);
    const built = await build(source, join(own, 'image'), { linked });
    const start = performance.now();
    const result = await captureAtEverySite(
      built,
      own,
      { args, dirs: [{ host: own, guest: '.', readOnly: false }] },
      SAMPLE,
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${name}: ${result.sites} sites, ${result.tried} tried, ${result.reached.length} reached, ${seconds} s`,
    );
    expect(result.failures).toEqual([]);
    expect(result.reached.length).toBeGreaterThan(0);
  });
}
