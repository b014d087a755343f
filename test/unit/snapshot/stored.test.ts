/**
 * Files of earlier versions stay usable: stored snapshots of every format version continue, on each CPU, and stored
 * images run and are captured. fixtures/snapshots/README.md says what the files are.
 */

import { chmodSync, copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../../bin/show/snapshot.js';
import { cachedImages } from '../../../src/api/cached-image.js';
import { openSnapshot, placesFor } from '../../../src/api/stored-snapshot.js';
import type { ArchName } from '../../../src/arch/masm/target.js';
import { targets } from '../../../src/arch/targets.js';
import { restoreSnapshot } from '../../../src/restore/restore.js';
import { PACKED_VERSION } from '../../../src/snapshot/prologue.js';
import { endsByItself } from '../../migrate/hop-chain.js';
import { nativeArch } from '../../support/native-arch.js';
import { canRun, captureAndEnd, type Ending, temporaryFolder, Workload } from '../../support/workload.js';

const fixtures = resolve(import.meta.dirname, '../../../fixtures/snapshots');
const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).sort();
const snapshots = files.filter((name) => name.endsWith('.wsnap'));
const images = files.filter((name) => name.endsWith('.image'));
const arches = Object.keys(targets) as ArchName[];
const folder = temporaryFolder();
const places = await placesFor({ identities: [join(fixtures, 'v4/identity.age')] });
const expectedCodes: Readonly<Record<string, number>> = { everything: 42, vectors: 42 };

/** What follows from a stored file: the text beside it, and a clean end. */
function expected(name: string): Ending {
  const text = `${name.replace(/\.wsnap$/, '')}.txt`;
  const code = expectedCodes[basename(name).replace(/\..*/, '')] ?? 0;
  return { stdout: readFileSync(join(fixtures, text), 'latin1'), stderr: '', code };
}

async function restore(snapshot: string, arch: ArchName): Promise<Workload> {
  const output = join(folder, 'resumable');
  await restoreSnapshot(await openSnapshot(snapshot, places), {
    target: targets[arch],
    output,
    images: cachedImages(undefined),
  });
  return Workload.start(output);
}

test('there are snapshots of each version and of each CPU', async () => {
  const folders = new Set(snapshots.map(dirname));
  const versions = Array.from({ length: PACKED_VERSION }, (_, i) => `v${i + 1}`);
  expect([...folders].sort()).toEqual(versions.flatMap((version) => [`${version}/arm64`, `${version}/x64`]));
});

test.each(snapshots)('%s says where it is', async (name) => {
  expect(describeSnapshot(await openSnapshot(join(fixtures, name), places)).text).toContain('#1 ');
});

describe.each(arches)('on %s', (arch) => {
  if (!canRun(arch)) test.skip('was not run: install qemu-user-static', () => {});
  else
    test.each(snapshots)('%s continues where it was', async (name) => {
      expect(await (await restore(join(fixtures, name), arch)).ended()).toEqual(expected(name));
    });
});

test.each(images.filter((name) => canRun(basename(dirname(name)) as ArchName)))(
  '%s runs, is captured and continues on the other CPU',
  async (name) => {
    const image = join(folder, 'image');
    copyFileSync(join(fixtures, name), image);
    chmodSync(image, 0o700);
    const snapshot = join(folder, 'image.wsnap');
    const printed = await captureInTheMiddle(image, snapshot);
    const other = arches.find((arch) => canRun(arch) && arch !== basename(dirname(name))) ?? nativeArch;
    const rest = await (await restore(snapshot, other)).ended();
    expect({ ...rest, stdout: printed + rest.stdout }).toEqual(expected(name));
  },
);

/**
 * A run that is over before it is captured, where the machine stalls, is followed by another one. @returns what it
 * printed
 */
async function captureInTheMiddle(image: string, snapshot: string): Promise<string> {
  for (let runs = 0; runs < 20; runs++) {
    const workload = Workload.start(image, { args: ['600000'] });
    if (runs < 10) await workload.waitFor('quicksort by id checksum');
    try {
      await captureAndEnd(workload, snapshot);
      return (await workload.ended()).stdout;
    } catch (error) {
      if (await endsByItself(workload)) continue;
      workload.kill();
      throw error;
    }
  }
  throw new Error('no run could be captured before its end');
}
