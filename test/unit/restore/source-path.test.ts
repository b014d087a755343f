/** An image that opens its snapshot by a path takes that snapshot and no other. */

import { renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeResumable } from '../../../src/restore/restore.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { build, canRun, captureAndEnd, programPath, temporaryFolder, Workload } from '../../support/workload.js';

const folder = temporaryFolder();

describe.each((['x64', 'arm64'] as const).filter(canRun))('for %s', (arch) => {
  test('its own is restored; one that has gone or was replaced is not', async () => {
    const built = await build(programPath('readline'), join(folder, `reader-${arch}`), { arch });
    const snapshot = async (name: string) => {
      const workload = Workload.start(built.path, { stdin: 'pipe' });
      await workload.waitFor('ready');
      const path = join(folder, `${name}-${arch}.wsnap`);
      await captureAndEnd(workload, path);
      return path;
    };
    const path = await snapshot('its');
    const output = join(folder, `resumed-${arch}`);
    const { image, modules, target } = built;
    await writeResumable(readSnapshot(path), image, modules, { target, output, sourcePath: path });
    expect(await Workload.start(output).ended()).toMatchObject({ code: 0, stderr: '' });

    const replaced = { code: 3, stderr: `wag-snap: ${path}: was replaced while it was being restored: try again\n` };
    renameSync(await snapshot('other'), path);
    expect(await Workload.start(output).ended()).toMatchObject(replaced);
    truncateSync(path, 32);
    expect(await Workload.start(output).ended()).toMatchObject(replaced);
    writeFileSync(path, '');
    expect(await Workload.start(output).ended()).toMatchObject(replaced);
    rmSync(path);
    expect(await Workload.start(output).ended()).toMatchObject({
      code: 1,
      stderr: `wag-snap: ${path}: cannot be opened any more\n`,
    });
  });
});
