/** Files of a chain that another tool removes while they are still to be read. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { cachedImages } from '../../../src/api/cached-image.js';
import { LazyRestore } from '../../../src/api/lazy-restore.js';
import { filesOf, openSnapshot } from '../../../src/api/stored-snapshot.js';
import { targets } from '../../../src/arch/targets.js';
import { restoreSnapshot } from '../../../src/restore/restore.js';
import { ChainFiles } from '../../../src/snapshot/chain-files.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { canRun, temporaryFolder, Workload } from '../../support/workload.js';

const fixtures = resolve(import.meta.dirname, '../../../fixtures/snapshots/v3/x64');
const folder = temporaryFolder();
const chain = join(folder, 'chain');
const target = targets[process.arch as 'x64' | 'arm64'];
let stored: StoredSnapshot;
const compiled = cachedImages(undefined);
/** Removes all files, and then compiles. */
const images: typeof compiled = (request) => {
  for (const path of filesOf(stored)) rmSync(path);
  return compiled(request);
};

beforeEach(async () => {
  mkdirSync(chain, { recursive: true });
  for (const name of readdirSync(fixtures)) {
    if (/^generations.*\.wsnap$/.test(name)) copyFileSync(join(fixtures, name), join(chain, name));
  }
  stored = await openSnapshot(join(chain, 'generations.wsnap'));
  expect(stored.ancestors?.length).toBeGreaterThan(0);
});

test.skipIf(!canRun(process.arch as 'x64'))('it is restored, if they go while its module is compiled', async () => {
  const output = join(folder, 'resumable');
  await restoreSnapshot(stored, { target, output, images });
  const { stdout } = await Workload.start(output).ended();
  expect(stdout).toBe(readFileSync(join(fixtures, 'generations.txt'), 'latin1'));
});

test('pages that come late are read from those that were there', async () => {
  const lazy = new LazyRestore(stored, folder);
  await restoreSnapshot(stored, { target, output: join(folder, 'lazy'), images, sourceFd: 3, lazy });
  const read: number[] = [];
  for (const unit of lazy.layout.order) {
    await lazy.layout.read(unit, Buffer.alloc(65536));
    read.push(unit);
  }
  lazy.close();
  expect(read.length).toBeGreaterThan(0);
});

test('one that is gone already is an error, and none stays open', () => {
  const before = readdirSync('/proc/self/fd').length;
  rmSync(stored.ancestors![0].path);
  expect(() => new LazyRestore(stored, folder)).toThrow(/no such file/i);
  expect(() => new ChainFiles(stored).openAll()).toThrow(/no such file/i);
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});
