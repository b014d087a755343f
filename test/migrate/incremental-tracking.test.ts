/**
 * Chains of captures that take the pages which the process has tracked as written since the last one, and compare no
 * others. A program that checks each of its own writes is captured again and again, and the last capture of each chain
 * is restored on both CPUs.
 *
 * An exhaustive run captures it 1,000 times by each way of tracking, 200 times an emulated one.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import type { TrackingWay } from '../../src/capture/written-pages.js';
import { locateAncestors } from '../../src/snapshot/chain.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { capturePid } from '../support/capture.js';
import { nativeArch } from '../support/native-arch.js';
import { random } from '../support/random.js';
import { exhaustive, seed } from '../support/sampling.js';
import { type Built, build, canRun, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { writerProgram } from '../support/writer-program.js';

const folder = temporaryFolder();
const LENGTH = exhaustive ? 20 : 8;
const CHAINS = exhaustive ? 10 : 1;
/** An emulated program takes its time. */
const EMULATED_CHAINS = exhaustive ? 2 : 1;
/** Processes that are captured one after the other, a test each. */
const PARTS = exhaustive ? [1, 2, 3, 4, 5] : [1];
const arches = (Object.keys(targets) as ArchName[]).filter(canRun);
const other = arches.find((arch) => arch !== nativeArch);
/** qemu-user has no userfaultfd. */
const ways: readonly (readonly [ArchName, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(other ? [[other, 'protect'] as const] : []),
];
const open = (path: string): Promise<StoredSnapshot> => locateAncestors(readSnapshot(path));

/** Empty iterations after each write: as fast as it can, and some or a few pages between two captures. */
const PACES = [0, 20_000, 100_000];
const cases = PACES.flatMap((pace) => PARTS.map((part) => ({ pace, part })));

/** What has been restored ends by itself when it has looked at all of its writes. */
const program = (pace: number) => writerProgram({ pace, last: 1 });

async function restoresWell(last: StoredSnapshot, images: ReadonlyMap<ArchName, Built>, own: string): Promise<void> {
  for (const [arch, image] of images) {
    const restored = await restoreAndStart(last, image, join(own, `restored-${arch}`));
    expect(await restored.ended(), `${last.path} on ${arch}`).toMatchObject({ code: 0, stderr: '' });
  }
}

describe.each(ways)('%s, by %s', (from, way) => {
  test.each(cases)(`pace $pace, part $part, seed ${seed}`, { timeout: 3_600_000 }, async ({ pace, part }) => {
    const own = join(folder, `${from}-${way}-${pace}-${part}`);
    mkdirSync(own);
    const images = new Map<ArchName, Built>();
    for (const arch of arches) images.set(arch, await build(program(pace), join(own, `image-${arch}`), { arch }));
    const next = random(seed + part);
    const workload = Workload.start(images.get(from)!.path);
    try {
      await workload.waitFor('ready');
      for (let chain = 0; chain < (from === nativeArch ? CHAINS : EMULATED_CHAINS); chain++) {
        let parent: StoredSnapshot | undefined;
        for (let n = 0; n < LENGTH; n++) {
          const output = join(own, `${chain}-${n}.wsnap`);
          // Sometimes little is left for the pause, and sometimes all that was written since.
          const pauseBudget = next() < 0.3 ? 1000 : 1;
          const { tracking } = await capturePid(workload.pid, { output, parent, tracking: way, pauseBudget });
          expect(tracking?.way).toBe(way);
          if (parent === undefined) expect(tracking?.since).toBeNull();
          else expect(tracking?.since).toBeTypeOf('number');
          parent = await open(output);
        }
        expect(parent?.ancestors?.length).toBeGreaterThan(0);
        await restoresWell(parent!, images, own);
      }
      expect(workload.hasEnded).toBe(false);
    } finally {
      workload.kill();
    }
  });
});
