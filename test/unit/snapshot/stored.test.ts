/**
 * Snapshots of every format version, stored in fixtures/snapshots, stay readable and restorable: NAME.wsnap beside NAME.txt, what the
 * rest of the run prints. Files are never replaced; a new format adds files `vN-*`.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { restoreSnapshot } from '../../../src/restore/restore.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { describeSnapshot } from '../../../src/snapshot/inspect.js';
import { FORMAT_VERSION } from '../../../src/snapshot/prologue.js';
import { temporaryFolder, Workload } from '../../support/workload.js';

const fixtures = resolve(import.meta.dirname, '../../../fixtures/snapshots');
const names = readdirSync(fixtures).filter((name) => name.endsWith('.wsnap'));
const folder = temporaryFolder();

test('there is one of each version', () => {
  const versions = new Set(names.map((name) => Number(/^v(\d+)-/.exec(name)?.[1])));
  expect([...versions].sort()).toEqual(Array.from({ length: FORMAT_VERSION }, (_, i) => i + 1));
});

test.each(names)('%s goes on where it was', async (name) => {
  const stored = readSnapshot(join(fixtures, name));
  expect(describeSnapshot(stored).text).toContain('#1 ');
  const output = join(folder, name);
  restoreSnapshot(stored, { target: x64, output });
  const { stdout, stderr, code } = await Workload.start(output).ended();
  expect({ stdout, stderr, code }).toEqual({
    stdout: readFileSync(join(fixtures, name.replace('.wsnap', '.txt')), 'latin1'),
    stderr: '',
    code: 0,
  });
});
