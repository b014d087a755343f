/** Modules as binaryen writes them with all features: run on both CPUs, captured at every site, continued on the other. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeModule } from '../../src/wasm/decode.js';
import { seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

const COMPACT_IMPORTS = readFileSync(join(import.meta.dirname, 'compact-imports.wasm'));

const PROGRAMS = [['compact imports', COMPACT_IMPORTS, { stdout: 'A\nB\nC\nD\nE\n', code: 5 }]] as const;

test('binaryen writes compact imports', () => {
  expect(COMPACT_IMPORTS.toString('latin1').split('wasi_snapshot_preview1')).toHaveLength(3); // two groups
  expect(decodeModule(COMPACT_IMPORTS).imports.map(({ name }) => name)).toEqual([
    'fd_write',
    'fd_read',
    'proc_exit',
    'sched_yield',
  ]);
});

for (const [name, bytes, ending] of PROGRAMS) {
  const own = name.replaceAll(' ', '-');

  test.each(arches)(`${name}: run, %s`, async (arch) => {
    const { path } = await build(bytes, join(folder, `${own}-${arch}`), { arch });
    expect(await Workload.start(path).ended()).toMatchObject(ending);
  });

  test.runIf(arches.length === 2)(`${name}: continues on the other CPU from every site, seed ${seed}`, async () => {
    const x64 = await build(bytes, join(folder, `${own}-there`), { arch: 'x64' });
    const arm64 = await build(bytes, join(folder, `${own}-back`), { arch: 'arm64' });
    const there = await captureAtEverySite(x64, folder, {}, { reached: 12, seed }, arm64);
    expect(there.failures).toEqual([]);
    const back = await captureAtEverySite(arm64, folder, {}, 1000, x64, sitesIn(arm64, x64, there.reached));
    expect(back.failures).toEqual([]);
    expect(back.reached.length).toBeGreaterThan(3);
  });
}
