/**
 * Images for CPUs with AVX on emulated CPUs with and without: what cannot run says so before any guest code runs, fresh
 * and restored. Needs qemu-user for x86-64.
 */

import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { levels } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { readImage } from '../../src/image/reader.js';
import { writeResumable } from '../../src/restore/restore.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { build, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
const emulator = findEmulator('x64');
/** No AVX; AVX, but the operating system does not save its registers; AVX; AVX2. */
const WITHOUT = ['Nehalem', 'SandyBridge,-xsave'];
const WITH = ['SandyBridge', 'Haswell'];
const REFUSED = {
  status: 5,
  stdout: '',
  stderr:
    'wag-snap: the program was compiled for a CPU with AVX, which this one does not have or the operating system does ' +
    'not allow: compile it with --cpu x86-64-v2\n',
};

/** Earlier ones do not emulate AVX. */
const QEMU_WITH_AVX = 7.02;

function hasAvxEmulator(): boolean {
  if (emulator === undefined || process.arch !== 'x64') return false;
  const { stdout } = spawnSync(emulator, ['--version'], { encoding: 'latin1' });
  const [, major, minor] = /version (\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) + Number(minor) / 100 >= QEMU_WITH_AVX;
}

const runnable = hasAvxEmulator();
if (!runnable) console.log('skipped: images on emulated CPUs need qemu-x86_64-static 7.2 on x86-64');

test.skipIf(!runnable)('an image says what its CPU lacks', async () => {
  const plain = await build(resolve(import.meta.dirname, 'vectors.wat'), join(folder, 'plain'));
  const target = levels.x64['x86-64-v3']!;
  const compiled = compileImage([{ module: plain.modules[0]!, file: 'vectors.wat' }], { target });
  const fresh = join(folder, 'avx');
  writeImage(compiled, fresh);

  const whole = await Workload.start(plain.path).ended();
  const parked = Workload.start(plain.path, { env: { WAGSNAP_PARK: '100' } });
  const snapshot = join(folder, 'snapshot');
  await captureAndEnd(parked, snapshot);
  const { stdout: before } = await parked.ended();
  const restored = join(folder, 'restored');
  await writeResumable(readSnapshot(snapshot), readImage(compiled.bytes), plain.modules, { target, output: restored });

  const on = (cpu: string, image: string) => {
    const { status, stdout, stderr } = spawnSync(emulator!, ['-cpu', cpu, image], { encoding: 'latin1' });
    return { status, stdout, stderr: stderr.replace(/^qemu-.*: warning: .*\n/gm, '') };
  };
  for (const cpu of WITHOUT) {
    expect(on(cpu, fresh)).toEqual(REFUSED);
    expect(on(cpu, restored)).toEqual(REFUSED);
    expect(on(cpu, plain.path)).toEqual({ status: whole.code, stdout: whole.stdout, stderr: '' });
  }
  for (const cpu of WITH) {
    expect(on(cpu, fresh)).toEqual({ status: whole.code, stdout: whole.stdout, stderr: '' });
    expect(on(cpu, restored)).toEqual({ status: whole.code, stdout: whole.stdout.slice(before.length), stderr: '' });
  }
});
