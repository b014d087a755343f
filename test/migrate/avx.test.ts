/**
 * Programs that compute with vectors, compiled with AVX, are captured at sites all over and continue in images without,
 * and back.
 */

import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cpuFlags } from '../../src/api/cpu-flags.js';
import { levels } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { readImage } from '../../src/image/reader.js';
import { type Built, build, temporaryFolder } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';

const folder = temporaryFolder();
const hasAvx = cpuFlags().has('avx');
if (!hasAvx) console.log('skipped: this CPU has no AVX');

test.skipIf(!hasAvx)('vectors, with AVX and without', async () => {
  const plain = await build(resolve(import.meta.dirname, 'vectors.wat'), join(folder, 'plain'));
  const target = levels.x64['x86-64-v3']!;
  const compiled = compileImage([{ module: plain.modules[0]!, file: 'vectors.wat' }], { target });
  const avx: Built = { ...plain, path: join(folder, 'avx'), image: readImage(compiled.bytes), target };
  writeImage(compiled, avx.path);
  for (const [from, onto] of [
    [avx, plain],
    [plain, avx],
  ] as const) {
    const { reached, failures } = await captureAtEverySite(from, folder, {}, 25, onto);
    expect(failures).toEqual([]);
    expect(reached.length).toBeGreaterThan(15);
  }
});
