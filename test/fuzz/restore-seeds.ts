/**
 * Real snapshots for the fuzzer: programs parked at sites drawn at random, with so little left to do that each mutation
 * can be run to its end.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guestSites, SingleSiteImage } from '../migrate/every-site.js';
import { build, captureAndEnd, programPath, Workload } from '../support/workload.js';
import type { FuzzSeed } from './restore.js';

const everything = join(import.meta.dirname, '../migrate/everything.wat');

/** Path or name, arguments. */
const programs: readonly (readonly [program: string, ...args: string[]])[] = [
  [everything],
  ['callchain', '50'],
  ['deep', '400', '100'],
  ['quicksort', '100'],
  ['hashmap', '100'],
  ['interp', '1'],
  ['growmem', '2'],
  ['fileio', '20'],
  ['nan', '1'],
];

/** `each` snapshots of every program. The folder is the programs' directory ".". */
export async function makeSeeds(folder: string, each: number, next: () => number): Promise<FuzzSeed[]> {
  const seeds: FuzzSeed[] = [];
  const dirs = [{ host: folder, guest: '.', readOnly: false }];
  for (const [n, [program, ...args]] of programs.entries()) {
    const own = join(folder, String(n));
    mkdirSync(own);
    const built = await build(program === everything ? program : programPath(program), join(own, 'image'));
    const sites = guestSites(built);
    const single = new SingleSiteImage(built, join(own, 'single'));
    for (let made = 0; made < each; ) {
      const site = sites[Math.floor(next() * sites.length)];
      single.setTrap(site);
      const workload = Workload.start(single.path, { args, env: { WAGSNAP_PARK: '1' }, dirs });
      const file = join(own, `${made}.wsnap`);
      const reached = await captureAndEnd(workload, file).then(
        () => true,
        () => false,
      );
      await Promise.race([workload.ended(), sleep(2000)]);
      workload.kill();
      await workload.ended();
      if (!reached) continue;
      const { image, modules } = built;
      seeds.push({ name: `${program.replace(/.*\//, '')} at text ${site}`, file, image, module: modules[0] });
      made++;
    }
  }
  return seeds;
}
