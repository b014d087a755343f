/** Each small program is captured at every site that it reaches: see every-site.ts. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';
import { smallPrograms } from './small-programs.js';

const ALL = 100_000;
/** How many sites are tried of the larger programs. */
const LIMITS: Readonly<Record<string, number>> = { fileio: 400 };

const folder = temporaryFolder();

for (const { name, args, source, linked } of smallPrograms) {
  test(`${name} goes on from every site`, async () => {
    const own = join(folder, name);
    mkdirSync(own);
    const built = await build(source, join(own, 'image'), { linked });
    const start = performance.now();
    const result = await captureAtEverySite(
      built,
      own,
      { args, dirs: [{ host: own, guest: '.', readOnly: false }] },
      LIMITS[name] ?? ALL,
    );
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${name}: ${result.sites} sites, ${result.tried} tried, ${result.reached.length} reached, ${seconds} s`,
    );
    expect(result.failures).toEqual([]);
    expect(result.reached.length).toBeGreaterThan(0);
  });
}
