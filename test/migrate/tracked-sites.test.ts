/**
 * Each small program is tracked from its sites on, captured at later ones, and restored on both CPUs, by each way of
 * tracking: see tracked-sites.ts. A sample of the sites, or all of them: see support/sampling.ts.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import type { TrackingWay } from '../../src/capture/written-pages.js';
import { nativeArch } from '../support/native-arch.js';
import { exhaustive, seed } from '../support/sampling.js';
import { type Built, build, canRun, temporaryFolder } from '../support/workload.js';
import { smallPrograms } from './small-programs.js';
import { captureTracked } from './tracked-sites.js';

const folder = temporaryFolder();
const arches = (Object.keys(targets) as ArchName[]).filter(canRun);
const other = arches.find((arch) => arch !== nativeArch);
/** qemu-user has no userfaultfd. */
const ways: readonly (readonly [ArchName, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(other ? [[other, 'protect'] as const] : []),
];
/** All of them, or one for each program. */
const cases = smallPrograms.flatMap((program, n) =>
  ways.filter((_, k) => exhaustive || k === (n + seed) % ways.length).map(([from, way]) => ({ ...program, from, way })),
);
let begun = 0;
let captured = 0;
afterAll(() => console.log(`tracked at ${begun} sites, captured after ${captured} of them`));

describe.each(cases)(`$name on $from, by $way`, ({ name, args, source, linked, from, way }) => {
  test(`seed ${seed}`, { timeout: 3_600_000 }, async () => {
    const own = join(folder, `${name}-${from}-${way}`);
    mkdirSync(own);
    const images = new Map<ArchName, Built>();
    for (const arch of arches) {
      images.set(arch, await build(source, join(own, arch), { arch, deterministic: true, linked }));
    }
    const start = performance.now();
    const onto = [...images.values()];
    const result = await captureTracked(images.get(from)!, own, { way, onto, args, seed });
    if (exhaustive) {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${result.captured} of ${result.begun}, ${result.sites} sites, ${seconds} s`);
    }
    expect(result.failures).toEqual([]);
    expect(result.begun).toBeGreaterThan(0);
    begun += result.begun;
    captured += result.captured;
  });
});
