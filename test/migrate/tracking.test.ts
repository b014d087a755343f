/**
 * Captures that copy while the program runs: a program that checks each of its own writes goes through a chain of
 * captures and restores, by every way of tracking that this machine has.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import type { TrackingWay } from '../../src/capture/written-pages.js';
import { capturePid } from '../support/capture.js';
import { nativeArch } from '../support/native-arch.js';
import { exhaustive } from '../support/sampling.js';
import { type Built, build, canRun, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { writerProgram } from '../support/writer-program.js';

const folder = temporaryFolder();
const CAPTURES = exhaustive ? 300 : 8;
/** An emulated program takes its time. */
const EMULATED_CAPTURES = exhaustive ? 100 : 4;
const HOPS = 3;
const other = nativeArch === 'x64' ? 'arm64' : 'x64';
/** qemu-user has no userfaultfd. */
const ways: readonly (readonly [ArchName, TrackingWay])[] = [
  [nativeArch, 'userfault'],
  [nativeArch, 'protect'],
  ...(canRun(other) ? [[other, 'protect'] as const] : []),
];

describe.each(ways)('%s, by %s', (arch, way) => {
  const captures = arch === nativeArch ? CAPTURES : EMULATED_CAPTURES;

  describe.each([
    ['as fast as it can', 0],
    ['some pages in a round', 20_000],
    ['a few pages in a round', 300_000],
  ])('a program that writes %s', (name, pace) => {
    let built: Built;
    beforeAll(async () => {
      built = await build(writerProgram({ pace, last: HOPS }), join(folder, `${arch}-${way}-${pace}`), { arch });
    });

    test('no write is lost', { timeout: 120_000 }, async () => {
      let workload = Workload.start(built.path);
      try {
        await workload.waitFor('ready');
        for (let hop = 1; hop <= HOPS; hop++) {
          const file = join(folder, `${arch}-${way}-${pace}-${hop}.wsnap`);
          for (let n = 1; n <= captures; n++) {
            // Sometimes nothing but what was written in the last round is left for the pause.
            const pauseBudget = n % 3 === 0 ? 1000 : 1;
            const { tracking } = await capturePid(workload.pid, { output: file, tracking: way, pauseBudget });
            expect(tracking?.way, name).toBe(way);
            expect(tracking?.rounds[0]).toBeGreaterThan(3 << 20);
          }
          expect(workload.hasEnded).toBe(false);
          workload.kill();
          workload = await restoreAndStart(file, built, join(folder, `${arch}-${way}-${pace}-${hop}`));
        }
        expect(await workload.ended()).toMatchObject({ code: 0, stderr: '' });
      } finally {
        workload.kill();
      }
    });
  });
});

describe('of a restored program', () => {
  test('what nobody has used is copied once, not again as written', async ({ skip }) => {
    const name = join(folder, 'sparse');
    const source = `${name}.wat`;
    const text = `(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 512)
      (data (i32.const 68) "\\06")
      (data (i32.const 80) "ready\\n")
      (func $ready (result i32) (i32.const 0))
      (func (export "_start")
        (memory.fill (i32.const 65536) (i32.const 1) (i32.const 33488896))
        (i32.store (i32.const 64) (i32.const 80))
        (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 72)))
        (loop $wait (br_if $wait (i32.eqz (call $ready))))))`;
    writeFileSync(source, text);
    const built = await build(source, name);
    let workload = Workload.start(built.path);
    try {
      await workload.waitFor('ready');
      const first = await capturePid(workload.pid, { output: `${name}.wsnap` });
      if (first.tracking?.way !== 'userfault') skip('needs userfaultfd with asynchronous protection (Linux 6.7)');
      workload.kill();
      workload = await restoreAndStart(`${name}.wsnap`, built, `${name}-restored`);
      const { tracking } = await capturePid(workload.pid, { output: `${name}-again.wsnap` });
      expect(tracking).toMatchObject({ way: 'userfault' });
      expect(tracking!.rounds[0]).toBeGreaterThan(30 << 20);
      expect(tracking!.written).toBeLessThan(1 << 20);
    } finally {
      workload.kill();
    }
  });
});
