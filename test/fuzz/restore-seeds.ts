/**
 * Real snapshots for the fuzzer: programs parked at sites drawn at random, with so little left to do that each mutation
 * can be run to its end.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guestSites } from '../migrate/every-site.js';
import { LEAVE, referencesProgram } from '../migrate/references-program.js';
import { type SmallProgram, smallPrograms } from '../migrate/small-programs.js';
import { STANDARD } from '../support/function-references.js';
import { SingleSiteImage } from '../support/single-site-image.js';
import { build, canRun, captureAndEnd, programPath, Workload } from '../support/workload.js';
import type { FuzzSeed } from './restore.js';

const program = (name: string, ...args: string[]): SmallProgram => ({ name, args, source: programPath(name) });
const GUARDED = join(import.meta.dirname, 'guarded.wat');

const programs: readonly SmallProgram[] = [
  ...smallPrograms.filter(({ name }) =>
    ['everything', 'atomics', 'vectors', 'memories', 'memory64', 'tail-calls', 'exceptions'].includes(name),
  ),
  { name: 'references', args: [], source: referencesProgram(STANDARD, LEAVE) },
  { name: 'guarded', args: [], source: GUARDED },
  program('callchain', '50'),
  program('deep', '400', '100'),
  program('quicksort', '100'),
  program('hashmap', '100'),
  program('interp', '1'),
  program('growmem', '2'),
  program('fileio', '20'),
  program('nan', '1'),
];

/** `each` snapshots of every program. The folder is the programs' directory ".". */
export async function makeSeeds(folder: string, each: number, next: () => number): Promise<FuzzSeed[]> {
  const seeds: FuzzSeed[] = [];
  const dirs = [{ host: folder, guest: '.', readOnly: false }];
  for (const [n, { name, args, source, linked = {} }] of programs.entries()) {
    const own = join(folder, String(n));
    mkdirSync(own);
    const built = await build(source, join(own, 'image'), { linked });
    const other = canRun('arm64') ? await build(source, join(own, 'arm64'), { linked, arch: 'arm64' }) : undefined;
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
      await Promise.race([workload.ended(), sleep(60_000, undefined, { ref: false })]);
      workload.kill();
      await workload.ended();
      if (!reached) continue;
      seeds.push({ name: `${name} at text ${site}`, file, built, other });
      made++;
    }
  }
  return seeds;
}
